-- The documents that were written since a mark, the oldest first.
-- KEYS: era, counter, versions, bodies. ARGV: the mark's era and count.
-- Gives the era, the count, and name, version and body of each.
local era = redis.call('GET', KEYS[1]) or ''
local counter = redis.call('GET', KEYS[2]) or '0'
local since = ARGV[2]
-- Everything was lost, or the last of it: whoever asks begins anew.
if era ~= ARGV[1] or tonumber(since) > tonumber(counter) then
    since = '0'
end
local changed = {}
if since ~= counter then
    for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. since, '+inf')) do
        local version = redis.call('ZSCORE', KEYS[3], name)
        changed[#changed + 1] = { name, version, redis.call('HGET', KEYS[4], name) }
    end
end
return { era, counter, changed }
