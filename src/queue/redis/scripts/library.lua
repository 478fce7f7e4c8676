-- The part that all scripts of a queue begin with: the keys, the records, and the order of turns.
--
-- KEYS[1] is the beginning of all keys of one queue. The queue's name in it is in braces, so that a
-- cluster keeps them on one shard. `<…>` stands for a name, a number or an id:
--
--   :members            hash    '' → the level of all groups, and the queue's counts; group → member
--                               with the level of its flows; group 0x1f flow → member with its clients
--   :turns              zset    groups with queued tasks, by their turn
--   :turns:<group>      zset    flows of the group with queued tasks, by their turn
--   :rest               zset    groups without tasks that were served beyond the virtual time
--   :rest:<group>       zset    flows of the group, likewise
--   :of:<client>        zset    the client's queued tasks `arrival|height|id`, by offset_top
--   :uuids:<client>     hash    uuid → id of the client's tasks that were not cancelled
--   :view:<client>      string  the part of the page that the client shows
--   :tasks              hash    id → task
--   :body:<id>          string  what a worker needs of the task
--   :lease              zset    ids of running tasks, by the end of their lease, ms
--   :nodes              zset    nodes, by the time of their last beat, ms
--   :inbox:<node>       stream  notices to a node: answers, frames, tasks to stop
--   :idle               set     nodes whose workers wait for tasks
--   :dead               zset    ids of dead letters, which are tasks whose workers died again and
--                               again, by the time at which they were given up, ms
--   :letters            hash    id → such a task
--   :letter:<id>        string  what a worker needs of it
--
-- A group is an address, a claim or the like; a flow is a connection. The workers' time is shared
-- among groups, and each group's share among its flows, by start-time fair queueing: the rules are
-- those of `src/schedule/`. Times of turns are in nanoseconds, all others in milliseconds by the
-- clock of the server. A script gives a time of its own only in tests.

local base = KEYS[1]
local call, pack, unpack = redis.call, cmsgpack.pack, cmsgpack.unpack
local format, floor, max, min = string.format, math.floor, math.max, math.min

-- The fields of a level: of all groups, or of the flows of one group.
local NOW, AVERAGE, ACTIVATIONS, MEMBERS, RESTING = 1, 2, 3, 4, 5
-- Further fields of the level of all groups.
local ARRIVALS, QUEUED, QUEUED_BYTES, RUNNING, RUNNING_BYTES = 6, 7, 8, 9, 10
local RECLAIMED, CHANGES, KEPT, DEAD_BYTES = 11, 12, 13, 14
-- The fields of a member of a level: of a group or a flow.
local M_SERVED, M_PENDING, M_AVERAGE, M_ACTIVATION, M_STANDING = 1, 2, 3, 4, 5
local M_QUEUED, M_QUEUED_BYTES, M_RUNNING, M_RUNNING_BYTES = 6, 7, 8, 9
-- The level of a group's flows, or the clients of a flow: name → { queued tasks, greatest height }.
local M_CONTENT = 10
-- The fields of a task. T_TOKEN names one claim of it: '' while it is queued. T_NODE is '' for a dead
-- letter that is queued again: nobody hears its answer, and no uuid names it.
local T_NODE, T_CLIENT, T_UUID, T_GROUP, T_FLOW = 1, 2, 3, 4, 5
local T_ARRIVAL, T_OFFSET, T_HEIGHT, T_BYTES, T_PUSHED = 6, 7, 8, 9, 10
local T_TOKEN, T_WORKER, T_CHARGES, T_LOST, T_DISOWNED = 11, 12, 13, 14, 15
-- When its body is forgotten.
local T_UNTIL = 16

local REST, RUN, WAIT = 0, 1, 2
-- Whether turns have changed, and not only who waits for one.
local moved = false
local INITIAL_COST, MIN_CHARGE, MAX_CHARGE, MAX_DRIFT = 10000000, 1000, 3600000000000, 10000000
local MAX_RESTING = 1024

local function clock(given)
    if given ~= '' then return tonumber(given) end
    local time = call('TIME')
    return time[1] * 1000 + floor(time[2] / 1000)
end

local members = base .. ':members'
local state = call('HGET', members, '')
if state then
    state = unpack(state)
else
    -- Changes are numbered from the time in µs, so that those of a queue that was lost have lower numbers.
    local time = call('TIME')
    local now = time[1] * 1000000 + time[2]
    state = { 0, INITIAL_COST, 0, 0, 0, 0, 0, 0, 0, 0, 0, now, 0, 0 }
end

local function save_state()
    state[CHANGES] = state[CHANGES] + 1
    call('HSET', members, '', pack(state))
end

-- What each script tells of the queue: how many tasks are queued and run, their average cost, and the
-- number of the change that made it so.
local function counts()
    return state[QUEUED], state[RUNNING], state[AVERAGE], state[CHANGES]
end

local function flow_key(group, flow)
    return group .. '\31' .. flow
end

local function turn(member, name)
    return format('%016d', member[M_ACTIVATION]) .. name
end

local function is_empty(member)
    return member[M_QUEUED] == 0 and member[M_RUNNING] == 0
end

local function new_member(level, content)
    level[MEMBERS] = level[MEMBERS] + 1
    return { level[NOW], 0, level[AVERAGE], 0, RUN, 0, 0, 0, 0, content }
end

-- The group and the flow of a task. New ones are stored by `settle` alone.
local function enter(group, flow)
    local found = call('HMGET', members, group, flow_key(group, flow))
    local g, f = found[1], found[2]
    g = g and unpack(g) or new_member(state, { 0, state[AVERAGE], 0, 0, 0 })
    f = f and unpack(f) or new_member(g[M_CONTENT], {})
    return g, f
end

-- Moves a member within the order of turns after its tasks have changed. `nil`: it is forgotten.
local function settle_member(level, turns, rest, name, member, idle)
    local standing = member[M_STANDING]
    local wanted = member[M_QUEUED] > 0 and WAIT or member[M_RUNNING] > 0 and RUN or REST
    if standing == WAIT and wanted ~= WAIT then
        call('ZREM', turns, turn(member, name))
    elseif standing == REST and wanted ~= REST then
        call('ZREM', rest, name)
        level[RESTING] = level[RESTING] - 1
    end
    if wanted == WAIT then
        if standing ~= WAIT then
            member[M_SERVED] = max(member[M_SERVED], level[NOW])
            member[M_ACTIVATION] = level[ACTIVATIONS]
            level[ACTIVATIONS] = level[ACTIVATIONS] + 1
        end
        if moved or standing ~= WAIT then
            call('ZADD', turns, member[M_SERVED] + member[M_PENDING], turn(member, name))
        end
    elseif wanted == REST and standing ~= REST then
        if idle or member[M_SERVED] <= level[NOW] then
            level[MEMBERS] = level[MEMBERS] - 1
            return nil
        end
        call('ZADD', rest, member[M_SERVED], name)
        level[RESTING] = level[RESTING] + 1
    end
    member[M_STANDING] = wanted
    return member
end

-- The names of resting members that need not be remembered.
local function forgettable(level, rest, idle)
    if level[RESTING] == 0 then return {} end
    local names
    if idle then
        names = call('ZRANGE', rest, 0, -1)
    else
        names = call('ZRANGEBYSCORE', rest, '-inf', level[NOW])
        local more = level[RESTING] - #names - MAX_RESTING
        if more > 0 then
            names = call('ZRANGE', rest, 0, #names + more - 1)
        end
    end
    for _, name in ipairs(names) do
        call('ZREM', rest, name)
    end
    level[RESTING] = level[RESTING] - #names
    level[MEMBERS] = level[MEMBERS] - #names
    return names
end

-- Stores a group and a flow after their tasks have changed, and forgets those that rest.
local function settle(group, g, flow, f)
    local flows = g[M_CONTENT]
    local idle = is_empty(g)
    local turns, rest = base .. ':turns:' .. group, base .. ':rest:' .. group
    local kept = settle_member(flows, turns, rest, flow, f, idle)
    local field = flow_key(group, flow)
    for _, name in ipairs(forgettable(flows, rest, idle)) do
        call('HDEL', members, flow_key(group, name))
    end
    idle = state[QUEUED] == 0 and state[RUNNING] == 0
    turns, rest = base .. ':turns', base .. ':rest'
    if not settle_member(state, turns, rest, group, g, idle) then
        call('HDEL', members, group, field)
    elseif kept then
        call('HSET', members, group, pack(g), field, pack(f))
    else
        call('HSET', members, group, pack(g))
        call('HDEL', members, field)
    end
    for _, name in ipairs(forgettable(state, rest, idle)) do
        call('HDEL', members, name)
    end
end

-- The part of the page that a client shows: top, bottom, whether it last moved up.
local function view_of(client, order)
    local view = order == 'viewport' and call('GET', base .. ':view:' .. client)
    return view and unpack(view)
end

-- A task's rank in its flow: 0 in view, 1 ahead, 2 behind; and the distance within that.
local function rank(view, offset, height)
    if not view then return 1, offset end
    local top, bottom, up = view[1], view[2], view[3]
    if offset >= bottom then return up and 2 or 1, offset - bottom end
    if offset >= top or bottom > top and offset + height > top then return 0, offset - top end
    return up and 1 or 2, top - offset
end

local function is_before(class, distance, member, other)
    if class ~= other[1] then return class < other[1] end
    if distance ~= other[2] then return distance < other[2] end
    return member < other[3]
end

local function place(id, task)
    return format('%020d|%.0f|%s', task[T_ARRIVAL], task[T_HEIGHT], id)
end

local function height_and_id(member)
    local height, id = member:match('^%d+|(-?%d+)|(.*)$')
    return tonumber(height), id
end

local function count(member, queued, running, bytes)
    member[M_QUEUED] = member[M_QUEUED] + queued
    member[M_QUEUED_BYTES] = member[M_QUEUED_BYTES] + queued * bytes
    member[M_RUNNING] = member[M_RUNNING] + running
    member[M_RUNNING_BYTES] = member[M_RUNNING_BYTES] + running * bytes
end

local function count_all(task, g, f, queued, running)
    count(g, queued, running, task[T_BYTES])
    count(f, queued, running, task[T_BYTES])
    state[QUEUED] = state[QUEUED] + queued
    state[QUEUED_BYTES] = state[QUEUED_BYTES] + queued * task[T_BYTES]
    state[RUNNING] = state[RUNNING] + running
    state[RUNNING_BYTES] = state[RUNNING_BYTES] + running * task[T_BYTES]
end

-- Puts a task into its flow. `settle` follows.
local function enqueue(id, task, g, f)
    count_all(task, g, f, 1, 0)
    local client = task[T_CLIENT]
    local of_client = f[M_CONTENT][client] or { 0, 0 }
    of_client[1] = of_client[1] + 1
    of_client[2] = max(of_client[2], task[T_HEIGHT])
    f[M_CONTENT][client] = of_client
    call('ZADD', base .. ':of:' .. client, task[T_OFFSET], place(id, task))
end

-- Takes a queued task out of its flow. `settle` follows.
local function dequeue(id, task, g, f)
    count_all(task, g, f, -1, 0)
    local client = task[T_CLIENT]
    local of_client = f[M_CONTENT][client]
    of_client[1] = of_client[1] - 1
    if of_client[1] == 0 then f[M_CONTENT][client] = nil end
    call('ZREM', base .. ':of:' .. client, place(id, task))
end

local function save(id, task)
    call('HSET', base .. ':tasks', id, pack(task))
end

local function find(id)
    local task = call('HGET', base .. ':tasks', id)
    return task and unpack(task)
end

local function forget(id, task)
    call('HDEL', base .. ':tasks', id)
    call('DEL', base .. ':body:' .. id)
    if not task[T_DISOWNED] and task[T_NODE] ~= '' then
        call('HDEL', base .. ':uuids:' .. task[T_CLIENT], task[T_UUID])
    end
end

-- Removes a queued task.
local function remove(id, task)
    forget(id, task)
    local g, f = enter(task[T_GROUP], task[T_FLOW])
    dequeue(id, task, g, f)
    settle(task[T_GROUP], g, task[T_FLOW], f)
end

-- What a member is charged for a task that begins, until it is finished.
local function dispatch(level, member)
    level[NOW] = max(level[NOW], member[M_SERVED])
    member[M_PENDING] = member[M_PENDING] + member[M_AVERAGE]
    return member[M_AVERAGE]
end

local function average(former, cost)
    return former - floor(former / 8) + floor(cost / 8)
end

-- Charges a member the cost of a task that began; `nil`: nothing.
local function charge(level, member, pending, cost)
    member[M_PENDING] = max(0, member[M_PENDING] - pending)
    if not cost then return end
    local busy = level[MEMBERS] - level[RESTING]
    level[NOW] = level[NOW] + floor(min(cost, MAX_DRIFT) / (busy + 1))
    member[M_SERVED] = member[M_SERVED] + cost
    member[M_AVERAGE] = average(member[M_AVERAGE], cost)
    level[AVERAGE] = average(level[AVERAGE], cost)
end

-- Ends a claim of a task. `settle` follows.
local function unclaim(id, task, g, f, cost)
    moved = true
    cost = cost and min(max(cost, MIN_CHARGE), MAX_CHARGE)
    charge(state, g, task[T_CHARGES][1], cost)
    charge(g[M_CONTENT], f, task[T_CHARGES][2], cost)
    count_all(task, g, f, 0, -1)
    call('ZREM', base .. ':lease', id)
end

-- Removes a running task.
local function finish(id, task, cost)
    forget(id, task)
    local g, f = enter(task[T_GROUP], task[T_FLOW])
    unclaim(id, task, g, f, cost)
    settle(task[T_GROUP], g, task[T_FLOW], f)
end

-- Tells a node something of a task. A node without an inbox is gone, or begins anew.
local function tell(node, kind, id, value)
    call('XADD', base .. ':inbox:' .. node, 'NOMKSTREAM', '*', 'k', kind, 'i', id, 'v', value)
end

-- Wakes a node whose workers wait for tasks.
local function wake()
    local node = call('SPOP', base .. ':idle')
    if node then tell(node, 'wake', '', '') end
end

-- Gives a running task back to its place.
local function give_back(id, task)
    local g, f = enter(task[T_GROUP], task[T_FLOW])
    unclaim(id, task, g, f)
    task[T_TOKEN], task[T_WORKER], task[T_CHARGES] = '', '', false
    enqueue(id, task, g, f)
    settle(task[T_GROUP], g, task[T_FLOW], f)
    save(id, task)
    wake()
end
