-- The first entries of a list, and how much was cut off before them.
-- KEYS: the list, what is known of it. ARGV: how many at most.
local cut = redis.call('HGET', KEYS[2], 'cut') or '0'
return { cut, redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1) }
