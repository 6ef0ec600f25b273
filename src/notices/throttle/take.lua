-- Asks for leave to send one message: the channel must not be blocked, and every scope must have a free place for it.
--
-- KEYS  the breaker; then of each scope: window, line, expected, turns
-- ARGV  now (ms), ticket, notice, source, longest wait (ms), grace (ms), probe (ms);
--       then of each scope: "line" or "flat", the number of limits, and of each limit: most, within (ms)
--
-- A window holds what was sent, by moment. A line holds who waits, by turn: turns are handed out per source, so that a source
-- that asks for much waits behind one that asks for little. Who does not come back when he was expected has left the line.
local now = tonumber(ARGV[1])
local ticket, notice, source = ARGV[2], ARGV[3], ARGV[4]
local longest, grace, probe = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local function text(number) return string.format('%.0f', number) end

local breaker = redis.call('HMGET', KEYS[1], 'until', 'probe', 'failures', 'prober')
local shut = tonumber(breaker[1] or '')
if shut and shut > now then return { 'blocked', text(shut), 0 } end
if shut then
  local probed = tonumber(breaker[2] or '')
  if probed and probed > now and breaker[4] ~= ticket then return { 'blocked', text(math.min(probed, now + 5000)), 0 } end
end

-- The clocks of several machines differ a little: the latest counts.
for key = 2, #KEYS, 4 do
  local last = redis.call('ZRANGE', KEYS[key], -1, -1, 'WITHSCORES')
  if last[2] and tonumber(last[2]) > now then now = tonumber(last[2]) end
end

local scopes, arg, till, by = {}, 8, 0, 0
for key = 2, #KEYS, 4 do
  local scope = { window = KEYS[key], line = KEYS[key + 1], expected = KEYS[key + 2], turns = KEYS[key + 3], keeps = 0, till = 0 }
  scope.lined = ARGV[arg] == 'line'
  local rank = 0
  if scope.lined then
    for _, gone in ipairs(redis.call('ZRANGEBYSCORE', scope.expected, '-inf', text(now - grace))) do
      redis.call('ZREM', scope.line, gone)
      redis.call('ZREM', scope.expected, gone)
    end
    rank = redis.call('ZRANK', scope.line, notice)
    if rank then
      scope.turn = tonumber(redis.call('ZSCORE', scope.line, notice))
    else
      local turns = redis.call('HMGET', scope.turns, '', 's' .. source)
      scope.turn = math.max(tonumber(turns[1] or '0'), tonumber(turns[2] or '0')) + 1
      rank = redis.call('ZCOUNT', scope.line, '-inf', text(scope.turn))
    end
  end
  local own = tonumber(redis.call('ZSCORE', scope.window, ticket) or '')
  local limits = tonumber(ARGV[arg + 1])
  arg = arg + 2
  for _ = 1, limits do
    local most, within = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])
    arg = arg + 2
    scope.keeps = math.max(scope.keeps, within)
    local since = '(' .. text(now - within)
    local used = redis.call('ZCOUNT', scope.window, since, '+inf')
    -- So many messages more must have left the window before this one may go.
    local behind = rank + used - most
    -- Whoever has a place that he could not use at once moves with it: no window is the fuller for that.
    if behind >= 0 and not (own and own > now - within) then
      local free = now + within * (1 + math.floor((behind - used) / most))
      if behind < used then
        local last = redis.call('ZRANGEBYSCORE', scope.window, since, '+inf', 'WITHSCORES', 'LIMIT', behind, 1)
        free = tonumber(last[2]) + within
      end
      scope.till = math.max(scope.till, free)
    end
  end
  scopes[#scopes + 1] = scope
  if scope.till > till then till, by = scope.till, #scopes end
end

if till > 0 then
  till = math.min(math.max(till, now + 1), now + longest)
  for _, scope in ipairs(scopes) do
    if scope.lined and scope.till > 0 then
      redis.call('ZADD', scope.line, text(scope.turn), notice)
      redis.call('ZADD', scope.expected, text(till), notice)
      local known = tonumber(redis.call('HGET', scope.turns, 's' .. source) or '0')
      redis.call('HSET', scope.turns, 's' .. source, text(math.max(known, scope.turn)))
      for _, key in ipairs({ scope.line, scope.expected, scope.turns }) do redis.call('PEXPIRE', key, scope.keeps + 3600000) end
    elseif scope.lined then
      redis.call('ZREM', scope.line, notice)
      redis.call('ZREM', scope.expected, notice)
    end
  end
  return { 'full', text(till), by }
end

for _, scope in ipairs(scopes) do
  if scope.lined then
    redis.call('ZREM', scope.line, notice)
    redis.call('ZREM', scope.expected, notice)
    local turns = redis.call('HMGET', scope.turns, '', 's' .. source)
    redis.call('HSET', scope.turns, '', text(math.max(tonumber(turns[1] or '0'), scope.turn - 1)),
      's' .. source, text(math.max(tonumber(turns[2] or '0'), scope.turn)))
    redis.call('PEXPIRE', scope.turns, scope.keeps + 3600000)
  end
  redis.call('ZREMRANGEBYSCORE', scope.window, '-inf', text(now - scope.keeps))
  redis.call('ZADD', scope.window, text(now), ticket)
  redis.call('PEXPIRE', scope.window, scope.keeps + 3600000)
end
if shut then redis.call('HSET', KEYS[1], 'probe', text(now + probe), 'prober', ticket) end
return { 'go', breaker[3] and '1' or '0', 0 }
