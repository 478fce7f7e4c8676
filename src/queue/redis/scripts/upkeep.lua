-- Keeps the queue in order: gives tasks whose lease has ended back to their places, and forgets
-- nodes that are gone. Any process calls it, and it does a bounded part of the work each time.
-- now, node, time after which a silent node is gone, tasks that are looked at, most dead letters,
-- time that a letter is kept → counts, number of tasks that were given back, that died

local now, node, patience, part = clock(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local letters, keeps = tonumber(ARGV[5]), tonumber(ARGV[6])
local given_back, died = 0, 0

call('ZADD', base .. ':nodes', 'XX', now, node)

local function bury(id, task)
    local body = call('GET', base .. ':body:' .. id)
    finish(id, task)
    call('ZADD', base .. ':dead', now, id)
    task[T_TOKEN] = ''
    call('HSET', base .. ':letters', id, pack(task))
    if body then call('SET', base .. ':body:' .. id, body, 'PX', keeps) end
    local all = call('ZCARD', base .. ':dead')
    for _, old in ipairs(call('ZRANGE', base .. ':dead', 0, all - letters - 1)) do
        call('ZREM', base .. ':dead', old)
        call('HDEL', base .. ':letters', old)
        call('DEL', base .. ':body:' .. old)
    end
end

for _, id in ipairs(call('ZRANGEBYSCORE', base .. ':lease', '-inf', now, 'LIMIT', 0, part)) do
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
    local cursor = call('GET', base .. ':search') or '0'
    local found = call('HSCAN', base .. ':tasks', cursor, 'COUNT', part)
    for at = 1, #found[2], 2 do
        local id, task = found[2][at], unpack(found[2][at + 1])
        if task[T_NODE] == gone and task[T_TOKEN] == '' then remove(id, task) end
    end
    call('SET', base .. ':search', found[1], 'PX', patience)
    if found[1] == '0' then
        call('ZREM', base .. ':nodes', gone)
        call('SREM', base .. ':idle', gone)
        call('DEL', base .. ':inbox:' .. gone, base .. ':search')
    end
end

save_state()
local queued, running, average_cost, change = counts()
return { queued, running, average_cost, change, given_back, died }
