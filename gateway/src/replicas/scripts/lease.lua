-- Takes the lease if nobody has it, and renews it if it is still the asker's.
-- KEYS: lease, fence, era. ARGV: who asks, for how many milliseconds, a new era in case there is none.
-- Gives who has it now, and with which fence.
redis.call('SET', KEYS[3], ARGV[3], 'NX')
local held = redis.call('GET', KEYS[1])
if held then
    local fence, holder = held:match('^(%d+) (.*)$')
    if holder == ARGV[1] then
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
    end
    return { holder, fence }
end
local fence = string.format('%.0f', redis.call('INCR', KEYS[2]))
redis.call('SET', KEYS[1], fence .. ' ' .. ARGV[1], 'PX', ARGV[2])
return { ARGV[1], fence }
