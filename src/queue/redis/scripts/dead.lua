-- The part of scripts that make dead letters, or take them out.

-- Makes a dead letter of a task. `leave` takes the task out of the queue: it is `remove` or `finish`.
-- A task whose body is forgotten already leaves no letter, because nobody could do it.
local function bury(now, id, task, leave)
    local body = base .. ':body:' .. id
    local is_whole = call('EXISTS', body) == 1
    if is_whole then call('RENAME', body, base .. ':letter:' .. id) end
    leave(id, task)
    if not is_whole then return end
    task[T_TOKEN], task[T_WORKER], task[T_CHARGES] = '', '', false
    call('ZADD', base .. ':dead', now, id)
    call('HSET', base .. ':letters', id, pack(task))
    state[DEAD_BYTES] = (state[DEAD_BYTES] or 0) + task[T_BYTES]
end

-- Takes a dead letter out; `nil` if there is none.
local function unbury(id)
    local letter = call('HGET', base .. ':letters', id)
    call('ZREM', base .. ':dead', id)
    if not letter then return nil end
    letter = unpack(letter)
    call('HDEL', base .. ':letters', id)
    state[DEAD_BYTES] = max(0, (state[DEAD_BYTES] or 0) - letter[T_BYTES])
    return letter
end
