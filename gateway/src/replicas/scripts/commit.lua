-- Writes documents, cuts lists and appends events, all of it or nothing.
-- KEYS: era, counter, versions, bodies, lease, events; then for each list that is cut the list and what is known of it.
-- ARGV: a new era, in case there is none; the lease that must be held, or ''; the origin of events; then, each behind
-- how many there are: documents (name, expected version, body), lists (how far they are cut), events (body).
-- Gives 'done', 'lost' or 'conflict', and name, version and body of each document written, or of each in conflict.
local at = 3
local function argument()
    at = at + 1
    return ARGV[at]
end

if ARGV[2] ~= '' and redis.call('GET', KEYS[5]) ~= ARGV[2] then
    return { 'lost', {} }
end

local documents, conflicts = {}, {}
for _ = 1, tonumber(argument()) do
    local name, expected, body = argument(), argument(), argument()
    local version = redis.call('ZSCORE', KEYS[3], name) or '0'
    if tonumber(version) == tonumber(expected) then
        documents[#documents + 1] = { name, body }
    else
        conflicts[#conflicts + 1] = { name, version, redis.call('HGET', KEYS[4], name) or '' }
    end
end
if #conflicts > 0 then
    return { 'conflict', conflicts }
end

-- Nothing below may fail: what a script has written stays.
redis.call('SET', KEYS[1], ARGV[1], 'NX')
local written = {}
for _, document in ipairs(documents) do
    local version = string.format('%.0f', redis.call('INCR', KEYS[2]))
    redis.call('ZADD', KEYS[3], version, document[1])
    redis.call('HSET', KEYS[4], document[1], document[2])
    written[#written + 1] = { document[1], version, '' }
end

for list = 1, tonumber(argument()) do
    local entries, known = KEYS[5 + 2 * list], KEYS[6 + 2 * list]
    local upto = tonumber(argument())
    local cut = tonumber(redis.call('HGET', known, 'cut') or '0')
    -- A list that has run out begins at 0 again.
    local count = math.min(upto - cut, redis.call('LLEN', entries))
    if count > 0 then
        redis.call('LTRIM', entries, count, -1)
        redis.call('HINCRBY', known, 'cut', count)
    end
end

for _ = 1, tonumber(argument()) do
    redis.call('XADD', KEYS[6], 'MAXLEN', '~', '10000', '*', 'origin', ARGV[3], 'body', argument())
end
return { 'done', written }
