-- Appends to a list, once: what an origin appended before is known by its number.
-- KEYS: the list, what is known of it. ARGV: the origin, its number, the bytes, the bound, seconds to live.
local origin = 'from:' .. ARGV[1]
if tonumber(redis.call('HGET', KEYS[2], origin) or '0') >= tonumber(ARGV[2]) then
    return 'known'
end
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[4]) then
    return 'full'
end
redis.call('RPUSH', KEYS[1], ARGV[3])
redis.call('HSET', KEYS[2], origin, ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 'added'
