-- Notes what a replica says of itself, for a while. An empty text takes it back.
-- KEYS: present. ARGV: the replica, its text, for how many milliseconds.
if ARGV[2] == '' then
    redis.call('HDEL', KEYS[1], ARGV[1])
    return 'done'
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local until_ms = string.format('%.0f', now + tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], ARGV[1], until_ms .. ' ' .. ARGV[2])
return 'done'
