-- Keeps the queue in order: gives tasks whose lease has ended back to their places, and forgets
-- nodes that are gone. Any process calls it, and it does a bounded part of the work each time.
-- now, node, time after which a silent node is gone, tasks that are looked at, most dead letters,
-- time that a letter is kept → counts, number of tasks that were given back, that died, 1 if the node
-- is known, time until there may be more to do (-1: not known)

local now, node, patience, part = clock(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local letters, keeps = tonumber(ARGV[5]), tonumber(ARGV[6])
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

local function bury(id, task)
    local body = call('GET', base .. ':body:' .. id)
    finish(id, task)
    call('ZADD', base .. ':dead', now, id)
    task[T_TOKEN] = ''
    call('HSET', base .. ':letters', id, pack(task))
    if body then call('SET', base .. ':body:' .. id, body, 'PX', keeps) end
    local too_many = max(0, call('ZCARD', base .. ':dead') - letters)
    for _, old in ipairs(call('ZRANGEBYSCORE', base .. ':dead', '-inf', '+inf', 'LIMIT', 0, too_many)) do
        call('ZREM', base .. ':dead', old)
        call('HDEL', base .. ':letters', old)
        call('DEL', base .. ':body:' .. old)
    end
end

for _, id in ipairs(call('ZRANGEBYSCORE', base .. ':lease', '-inf', now, 'LIMIT', 0, part)) do
    looked_at = looked_at + 1
    local task = find(id)
    if not task then
        call('ZREM', base .. ':lease', id)
    elseif task[T_DISOWNED] or not call('ZSCORE', base .. ':nodes', task[T_NODE]) then
        -- Nobody waits for its answer.
        finish(id, task)
    else
        task[T_LOST] = task[T_LOST] + 1
        if task[T_LOST] >= 3 then
            bury(id, task)
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
