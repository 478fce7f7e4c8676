-- Gives the task whose turn it is to a worker.
-- now, node of the worker, a new token for the claim, time of the lease, order, 1 if the worker waits
-- → counts, then, if there is a task: id, times that its lease was lost, offset_top, client, body

local now, worker, token, lease, order = clock(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

-- The first task of a client: its class, distance and member.
local function first(client, tallest, view)
    local key = base .. ':of:' .. client
    local found
    if not view then
        found = call('ZRANGE', key, 0, 0, 'WITHSCORES')
        return { 1, tonumber(found[2]), found[1] }
    end
    local top, bottom, up = view[1], view[2], view[3]
    if bottom > top and tallest > 0 then
        -- Those that begin above the view and reach into it.
        local above = call('ZRANGEBYSCORE', key, '(' .. format('%.0f', top - tallest),
            '(' .. format('%.0f', top), 'WITHSCORES')
        for at = 1, #above, 2 do
            local offset = tonumber(above[at + 1])
            if offset + height_and_id(above[at]) > top then
                return { 0, offset - top, above[at] }
            end
        end
    end
    local below = call('ZRANGEBYSCORE', key, format('%.0f', min(top, bottom)), '+inf', 'WITHSCORES',
        'LIMIT', 0, 1)
    local in_view = below[1] and tonumber(below[2]) < bottom
    if below[1] and (in_view or not up) then
        found = below
    else
        local above = call('ZREVRANGEBYSCORE', key, '(' .. format('%.0f', top), '-inf', 'WITHSCORES',
            'LIMIT', 0, 1)
        if above[1] then
            -- Of equal distance, the earliest.
            above = call('ZRANGEBYSCORE', key, above[2], above[2], 'WITHSCORES', 'LIMIT', 0, 1)
        end
        found = above[1] and above or below
    end
    local offset = tonumber(found[2])
    local class, distance = rank(view, offset, (height_and_id(found[1])))
    return { class, distance, found[1] }
end

while state[QUEUED] > 0 do
    local group = call('ZRANGE', base .. ':turns', 0, 0)[1]:sub(17)
    local flow = call('ZRANGE', base .. ':turns:' .. group, 0, 0)[1]:sub(17)
    local g, f = enter(group, flow)
    local next
    for client, of_client in pairs(f[M_CONTENT]) do
        local candidate = first(client, of_client[2], view_of(client, order))
        if not next or is_before(candidate[1], candidate[2], candidate[3], next) then
            next = candidate
        end
    end
    local _, id = height_and_id(next[3])
    local task = find(id)
    local body = call('GET', base .. ':body:' .. id)
    if body then
        dequeue(id, task, g, f)
        count_all(task, g, f, 0, 1)
        task[T_CHARGES] = { dispatch(state, g), dispatch(g[M_CONTENT], f) }
        task[T_TOKEN], task[T_WORKER] = token, worker
        moved = true
        settle(group, g, flow, f)
        save(id, task)
        call('ZADD', base .. ':lease', now + lease, id)
        save_state()
        local queued, running, average_cost, change = counts()
        return { queued, running, average_cost, change, id, task[T_LOST], task[T_OFFSET], task[T_CLIENT], body }
    end
    -- Its time was over long ago.
    remove(id, task)
    tell(task[T_NODE], 'expired', id, '')
    save_state()
end
if ARGV[6] == '1' then call('SADD', base .. ':idle', worker) end
return { counts() }
