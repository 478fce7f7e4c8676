-- Puts dead letters back into the queue, each at its own place and with all of its attempts. Their
-- clients have their answers already, and get no second ones.
-- now, time until a letter's body may be forgotten, then ids → the ids of those that are queued

local now, keeps = clock(ARGV[1]), tonumber(ARGV[2])
local requeued = {}
for at = 3, #ARGV do
    local id = ARGV[at]
    local letter, task = base .. ':letter:' .. id, unbury(id)
    if task and call('EXISTS', letter) == 1 then
        call('RENAME', letter, base .. ':body:' .. id)
        call('PEXPIRE', base .. ':body:' .. id, keeps)
        task[T_NODE], task[T_PUSHED], task[T_LOST], task[T_UNTIL] = '', now, 0, now + keeps
        local group, flow = task[T_GROUP], task[T_FLOW]
        local g, f = enter(group, flow)
        enqueue(id, task, g, f)
        settle(group, g, flow, f)
        save(id, task)
        wake()
        requeued[#requeued + 1] = id
    end
end
save_state()
return requeued
