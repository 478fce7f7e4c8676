-- Queues a task, or tells why not.
-- now, node, id, group, 1 if the group is one client, flow, client, uuid, offset_top, height, bytes,
-- most tasks of a client, of all, most bytes of a client, of all, order, time until its body may be
-- forgotten, uuid as JSON for a frame that tells its position or '', body
-- → 'queued' | 'duplicate' | 'too_big' | 'refused' | 'stranger', then the counts

local now, node, id = clock(ARGV[1]), ARGV[2], ARGV[3]
local group, is_one_client, flow, client = ARGV[4], ARGV[5] == '1', ARGV[6], ARGV[7]
local uuid, offset, height, bytes = ARGV[8], ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])
local client_tasks, total_tasks = tonumber(ARGV[12]), tonumber(ARGV[13])
local client_bytes, total_bytes = tonumber(ARGV[14]), tonumber(ARGV[15])
local order, keeps, frame, body = ARGV[16], tonumber(ARGV[17]), ARGV[18], ARGV[19]

-- The node's inbox may have been lost with the rest.
if not call('ZSCORE', base .. ':nodes', node) then return { 'stranger', counts() } end
local known = call('HGET', base .. ':uuids:' .. client, uuid)
-- A task that is pushed once more, because its node does not know whether it was queued.
if known == id then return { 'queued', counts() } end
if known then return { 'duplicate', counts() } end
if bytes > min(client_bytes, total_bytes) then return { 'too_big', counts() } end

local g, f = enter(group, flow)
local task = {
    node, client, uuid, group, flow,
    state[ARRIVALS], offset, height, bytes, now,
    '', '', false, 0, false, now + keeps,
}

-- Room ------------------------------------------------------------------------------------------
-- The tasks that must give way, each with its id; `nil` if not enough of them may be displaced.
-- Nothing is stored before that is certain.
local function make_room()
    -- Members as they would be without the tasks that are displaced.
    local groups, flows, displaced, gone = { [group] = g }, { [flow_key(group, flow)] = f }, {}, {}

    local function group_of(name)
        local found = groups[name] or unpack(call('HGET', members, name))
        groups[name] = found
        return found
    end

    local function flow_of(in_group, name)
        local key = flow_key(in_group, name)
        local found = flows[key] or unpack(call('HGET', members, key))
        flows[key] = found
        return found
    end

    -- Who of those that wait has the most; `own` unless another has more.
    local function largest(turns, find_member, measure, own, own_member)
        local name, amount, activation = own, own_member and own_member[measure] or -1, nil
        for _, turn_of in ipairs(call('ZRANGE', turns, 0, -1)) do
            local other = turn_of:sub(17)
            if other ~= own then
                local member = find_member(other)
                local more = member[measure] - amount
                if more > 0 or more == 0 and activation and member[M_ACTIVATION] > activation then
                    name, amount, activation = other, member[measure], member[M_ACTIVATION]
                end
            end
        end
        return name
    end

    local function largest_flow(in_group, measure)
        local own = in_group == group and flow or nil
        local find_member = function(name) return flow_of(in_group, name) end
        return largest(base .. ':turns:' .. in_group, find_member, measure, own, own and f)
    end

    -- The last task of a client that was not displaced: its rank and member. The last is at one end of
    -- the page: the task that is furthest down, or the one furthest up that is not in view.
    local function last_of(name, view)
        local key, skipped = base .. ':of:' .. name, #displaced
        local found
        local function consider(member, offset)
            if gone[member] then return false end
            local class, distance = rank(view, offset, (height_and_id(member)))
            if not found or not is_before(class, distance, member, found) then
                found = { class, distance, member }
            end
            return true
        end
        local down = call('ZREVRANGE', key, 0, skipped, 'WITHSCORES')
        for at = 1, #down, 2 do
            if consider(down[at], tonumber(down[at + 1])) then break end
        end
        if not view or not found then return found end
        local from = 0
        while true do
            local up = call('ZRANGE', key, from, from + 15, 'WITHSCORES')
            if #up == 0 then return found end
            for at = 1, #up, 2 do
                local offset = tonumber(up[at + 1])
                if offset >= view[1] then return found end
                if not gone[up[at]] and rank(view, offset, (height_and_id(up[at]))) ~= 0 then
                    -- Of equal offsets, the one that came last.
                    for _, member in ipairs(call('ZREVRANGEBYSCORE', key, up[at + 1], up[at + 1])) do
                        consider(member, offset)
                    end
                    return found
                end
            end
            from = from + 16
        end
    end

    -- The last task of a flow that was not displaced.
    local function last(in_flow)
        local found
        for name in pairs(in_flow[M_CONTENT]) do
            local candidate = last_of(name, view_of(name, order))
            if candidate and (not found or is_before(found[1], found[2], found[3], candidate)) then
                found = candidate
            end
        end
        return found
    end

    local function giver()
        local own = is_one_client and g or f
        local own_bytes = own[M_QUEUED_BYTES] + own[M_RUNNING_BYTES]
        local all_bytes = state[QUEUED_BYTES] + state[RUNNING_BYTES]
        local measure, of_client
        if own[M_QUEUED] >= client_tasks then
            measure, of_client = M_QUEUED, true
        elseif own_bytes + bytes > client_bytes then
            measure, of_client = M_QUEUED_BYTES, true
        elseif state[QUEUED] >= total_tasks then
            measure = M_QUEUED
        elseif all_bytes + bytes > total_bytes then
            measure = M_QUEUED_BYTES
        else
            return nil
        end
        if of_client then
            return group, is_one_client and largest_flow(group, measure) or flow
        end
        local in_group = largest(base .. ':turns', group_of, measure, group, g)
        return in_group, largest_flow(in_group, measure)
    end

    local function has_room()
        local own = is_one_client and g or f
        if bytes > client_bytes - own[M_RUNNING_BYTES] or bytes > total_bytes - state[RUNNING_BYTES]
            or own[M_QUEUED] > client_tasks or state[QUEUED] > total_tasks
            or own[M_QUEUED_BYTES] + own[M_RUNNING_BYTES] > client_bytes
            or state[QUEUED_BYTES] + state[RUNNING_BYTES] > total_bytes then
            return false
        end
        local own_rank
        local in_group, in_flow = giver()
        while in_group do
            local from = flow_of(in_group, in_flow)
            local worst = last(from)
            if not worst then return false end
            if from == f then
                if not own_rank then
                    own_rank = { rank(view_of(client, order), tonumber(offset), height) }
                end
                if not is_before(own_rank[1], own_rank[2], place(id, task), worst) then return false end
            end
            local _, worst_id = height_and_id(worst[3])
            local worst_task = find(worst_id)
            count_all(worst_task, group_of(in_group), from, -1, 0)
            gone[worst[3]] = true
            displaced[#displaced + 1] = { worst_id, worst_task }
            in_group, in_flow = giver()
        end
        return true
    end

    if not has_room() then return nil end
    -- They are removed later, one by one.
    for _, one in ipairs(displaced) do
        local of = one[2]
        count_all(of, groups[of[T_GROUP]], flows[flow_key(of[T_GROUP], of[T_FLOW])], 1, 0)
    end
    return displaced
end

local displaced = {}
local own = is_one_client and g or f
if own[M_QUEUED] >= client_tasks or state[QUEUED] >= total_tasks
    or own[M_QUEUED_BYTES] + own[M_RUNNING_BYTES] + bytes > client_bytes
    or state[QUEUED_BYTES] + state[RUNNING_BYTES] + bytes > total_bytes then
    -- Counted before tasks are taken out in thought.
    local refused = { 'refused', counts() }
    displaced = make_room()
    if not displaced then return refused end
end

-- The task -----------------------------------------------------------------------------------------
state[ARRIVALS] = state[ARRIVALS] + 1
enqueue(id, task, g, f)
settle(group, g, flow, f)
save(id, task)
call('HSET', base .. ':uuids:' .. client, uuid, id)
call('SET', base .. ':body:' .. id, body, 'PX', keeps)
for _, one in ipairs(displaced) do
    if one[2][T_NODE] == '' then
        bury(now, one[1], one[2], remove)
    else
        remove(one[1], one[2])
        tell(one[2][T_NODE], 'displaced', one[1], '')
    end
end
-- Told here, so that it precedes all that a worker tells of the task.
if frame ~= '' then
    local view = view_of(client, order)
    local own_place, of_client = place(id, task), base .. ':of:' .. client
    local position = 0
    if view then
        local own_class, own_distance = rank(view, tonumber(offset), height)
        local own = { own_class, own_distance, own_place }
        local all = call('ZRANGE', of_client, 0, -1, 'WITHSCORES')
        for at = 1, #all, 2 do
            local class, distance = rank(view, tonumber(all[at + 1]), (height_and_id(all[at])))
            if is_before(class, distance, all[at], own) then position = position + 1 end
        end
    else
        position = call('ZRANK', of_client, own_place)
    end
    tell(node, 'queued', id, position)
end
save_state()
wake()
return { 'queued', counts() }
