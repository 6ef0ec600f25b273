-- Gives the place on the way to a reader back, if it is still one's own.
--
-- KEYS  the place
-- ARGV  ticket
if redis.call('HGET', KEYS[1], 'ticket') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
