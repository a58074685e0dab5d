-- What replicas say of themselves, without the asker; what is too old is forgotten.
-- KEYS: present. ARGV: the asker.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local all, others = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
    local until_ms, text = all[i + 1]:match('^(%d+) (.*)$')
    if tonumber(until_ms) < now then
        redis.call('HDEL', KEYS[1], all[i])
    elseif all[i] ~= ARGV[1] then
        others[#others + 1] = { all[i], text }
    end
end
return others
