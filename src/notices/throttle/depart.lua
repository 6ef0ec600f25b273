-- Takes the one place on the way to a reader.
--
-- KEYS  the place
-- ARGV  now (ms), ticket, until when it is held if nobody gives it back (ms)
--
-- Answers 0, or until when somebody else holds it.
local held = redis.call('HMGET', KEYS[1], 'until', 'ticket')
if held[1] and tonumber(held[1]) > tonumber(ARGV[1]) and held[2] ~= ARGV[2] then return tonumber(held[1]) end
redis.call('HSET', KEYS[1], 'until', ARGV[3], 'ticket', ARGV[2])
redis.call('PEXPIRE', KEYS[1], 3600000)
return 0
