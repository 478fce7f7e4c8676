-- How many members a group has outside of the process ARGV[1].
-- KEYS: the hash of the numbers of members by process; the sorted set of members.
-- ARGV: the process; the beginning of the keys that exist while a process runs; the group.
local count = 0
local entries = redis.call('HGETALL', KEYS[1])
local processes = 0
for at = 1, #entries, 2 do
    if redis.call('EXISTS', ARGV[2] .. entries[at]) == 0 and entries[at] ~= ARGV[1] then
        redis.call('HDEL', KEYS[1], entries[at])
        redis.call('ZREM', KEYS[2], 'waterway.' .. entries[at] .. '!group.' .. ARGV[3])
    else
        processes = processes + 1
        if entries[at] ~= ARGV[1] then
            count = count + tonumber(entries[at + 1])
        end
    end
end
-- Members that Channels has added are in the set alone.
return count + math.max(redis.call('ZCARD', KEYS[2]) - processes, 0)
