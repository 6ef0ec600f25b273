-- Notes that a channel failed. It is blocked after so many failures in a row, when its probe failed, or because it said so.
--
-- KEYS  the breaker
-- ARGV  now (ms), failures in a row, first pause (ms), longest pause (ms), the pause that the provider asked for (ms) or 0
local now, asked = tonumber(ARGV[1]), tonumber(ARGV[5])
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
local probed = redis.call('HDEL', KEYS[1], 'probe') == 1
redis.call('PEXPIRE', KEYS[1], 86400000)
if asked == 0 and failures < tonumber(ARGV[2]) and not probed then return 0 end
local known = tonumber(redis.call('HGET', KEYS[1], 'until') or '0')
local pause = asked
if asked == 0 then
  -- What was on its way when the channel was blocked proves nothing new.
  if known > now then return 0 end
  local opened = redis.call('HINCRBY', KEYS[1], 'opened', 1)
  pause = math.min(tonumber(ARGV[3]) * 2 ^ math.min(opened - 1, 16), tonumber(ARGV[4]))
end
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', math.max(known, now + pause)))
return known > now and 0 or 1
