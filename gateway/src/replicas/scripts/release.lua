-- Gives the lease back, if it is still the asker's.
-- KEYS: lease. ARGV: who asks.
local held = redis.call('GET', KEYS[1])
if held and held:match('^%d+ (.*)$') == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
return 'done'
