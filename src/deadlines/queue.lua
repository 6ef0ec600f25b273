-- Puts deadlines into the queue that are not in it: KEYS[1] their marks (a sorted set: id, until when in ms), KEYS[2] the stream.
-- ARGV: how long a mark holds in ms, entries kept at most, then pairs: county, ids joined by commas. Answers how many were put in.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local queued = 0
for i = 3, #ARGV, 2 do
    local fresh = {}
    for id in string.gmatch(ARGV[i + 1], '[^,]+') do
        if redis.call('ZADD', KEYS[1], 'NX', now + ARGV[1], id) == 1 then
            fresh[#fresh + 1] = id
        end
    end
    if #fresh > 0 then
        redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'county', ARGV[i], 'ids', table.concat(fresh, ','))
        queued = queued + #fresh
    end
end
return queued
