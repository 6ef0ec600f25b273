-- A token bucket. KEYS[1] its key; ARGV: now (ms), refill per second, burst, tokens wanted.
-- Answers {granted, 0}, or {0, milliseconds until the next token}.
local now, rate, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
-- Clocks of two servers differ a little: time never runs backwards here.
if now > at then
    tokens = math.min(burst, tokens + (now - at) * rate / 1000)
    at = now
end
local granted = math.min(wanted, math.floor(tokens))
redis.call('HSET', KEYS[1], 'tokens', tokens - granted, 'at', at)
-- A bucket that has had time to fill is as good as none.
redis.call('PEXPIRE', KEYS[1], math.ceil(burst * 1000 / rate) + 1000)
if granted > 0 then return {granted, 0} end
return {0, math.ceil((1 - tokens) * 1000 / rate)}
