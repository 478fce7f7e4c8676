-- Keeps the queue in order: gives tasks whose lease has ended back to their places, and forgets
-- nodes that are gone. Any process calls it, and it does a bounded part of the work each time.
-- now, node, time after which a silent node is gone, tasks that are looked at, leases after which a
-- task is given up, most dead letters, most bytes of them, time that a letter is kept
-- → counts, number of tasks that were given back, that were given up, 1 if the node is known, time
-- until there may be more to do (-1: not known)

local now, node, patience, part = clock(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local attempts, letters = tonumber(ARGV[5]), tonumber(ARGV[6])
local letter_bytes, keeps = tonumber(ARGV[7]), tonumber(ARGV[8])
local given_back, died, looked_at = 0, 0, 0

-- Moves the times of a set by this time, at most to `latest`.
local function postpone(key, time, latest)
    local all = call('ZRANGE', base .. key, 0, -1, 'WITHSCORES')
    for at = 1, #all, 2 do
        call('ZADD', base .. key, min(all[at + 1] + time, latest), all[at])
    end
end

-- No process has called for so long that the server was away. Nobody could beat, so that time does
-- not count.
local away = state[KEPT] > 0 and now - state[KEPT] or 0
if away > patience / 4 then
    postpone(':lease', away, now + patience / 2)
    postpone(':nodes', away, now)
end
state[KEPT] = now

local is_known = call('ZSCORE', base .. ':nodes', node) and 1 or 0
call('ZADD', base .. ':nodes', 'XX', now, node)

for _, id in ipairs(call('ZRANGEBYSCORE', base .. ':lease', '-inf', now, 'LIMIT', 0, part)) do
    looked_at = looked_at + 1
    local task = find(id)
    if not task then
        call('ZREM', base .. ':lease', id)
    elseif task[T_NODE] ~= ''
        and (task[T_DISOWNED] or not call('ZSCORE', base .. ':nodes', task[T_NODE])) then
        -- Nobody waits for its answer.
        finish(id, task)
    else
        task[T_LOST] = task[T_LOST] + 1
        if task[T_LOST] >= attempts then
            bury(now, id, task, finish)
            call('PEXPIRE', base .. ':letter:' .. id, keeps)
            tell(task[T_NODE], 'dead', id, '')
            died = died + 1
        else
            give_back(id, task)
            state[RECLAIMED] = state[RECLAIMED] + 1
            given_back = given_back + 1
        end
    end
end

local gone = call('ZRANGEBYSCORE', base .. ':nodes', '-inf', now - patience, 'LIMIT', 0, 1)[1]
if gone then
    -- Its tasks are found part by part. The place of the search is kept, for the next call.
    local whose, cursor = (call('GET', base .. ':search') or ''):match('^(%S+) (%d+)$')
    local found = call('HSCAN', base .. ':tasks', whose == gone and cursor or '0', 'COUNT', part)
    for at = 1, #found[2], 2 do
        local id, task = found[2][at], unpack(found[2][at + 1])
        if task[T_NODE] == gone and task[T_TOKEN] == '' then remove(id, task) end
    end
    call('SET', base .. ':search', gone .. ' ' .. found[1], 'PX', patience)
    if found[1] == '0' then
        call('ZREM', base .. ':nodes', gone)
        call('SREM', base .. ':idle', gone)
        call('DEL', base .. ':inbox:' .. gone, base .. ':search')
    end
end

-- Of too many dead letters, the oldest are forgotten.
for _ = 1, part do
    local oldest = call('ZRANGE', base .. ':dead', 0, 0, 'WITHSCORES')
    if not oldest[1] or call('ZCARD', base .. ':dead') <= letters
        and (state[DEAD_BYTES] or 0) <= letter_bytes and oldest[2] + keeps > now then
        break
    end
    unbury(oldest[1])
    call('DEL', base .. ':letter:' .. oldest[1])
end

-- The time until the first member of a set is due; -1 if it is empty.
local function until_first(key, after)
    local time = call('ZRANGE', base .. key, 0, 0, 'WITHSCORES')[2]
    return time and max(0, time + after - now) or -1
end

local wait, silent = until_first(':lease', 0), until_first(':nodes', patience)
if looked_at == part then
    wait = 0
elseif wait < 0 or silent >= 0 and silent < wait then
    wait = silent
end
save_state()
local queued, running, average_cost, change = counts()
return { queued, running, average_cost, change, given_back, died, is_known, wait }
