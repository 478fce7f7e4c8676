-- Puts a message into each of the sorted sets KEYS that has room for it; returns 1 or 0 for each.
-- ARGV: the time; the time up to which messages have expired; the seconds for which a set is kept;
-- the most messages of a set; then the message for each set.
local put = {}
for at = 1, #KEYS do
    redis.call('ZREMRANGEBYSCORE', KEYS[at], 0, ARGV[2])
    if redis.call('ZCARD', KEYS[at]) < tonumber(ARGV[4]) then
        redis.call('ZADD', KEYS[at], ARGV[1], ARGV[at + 4])
        redis.call('EXPIRE', KEYS[at], ARGV[3])
        put[at] = 1
    else
        put[at] = 0
    end
end
return put
