-- Counts a request of a key by the generic cell rate algorithm, or returns how many
-- microseconds to wait for the next one. The key holds when the requests so far will
-- have been earned, in microseconds of Redis's own clock.
-- ARGV: the length of the time, and the part of it in which one request is earned.
local per, interval = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local earned = tonumber(redis.call('GET', KEYS[1])) or now
-- Nobody waits for what a clock that steps back has lost.
earned = math.min(math.max(earned, now), now + per) + interval
local wait = earned - now - per
if wait > 0 then
  return wait
end
redis.call('SET', KEYS[1], string.format('%.0f', earned), 'PX', math.ceil((earned - now) / 1000))
return 0
