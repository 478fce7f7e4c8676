-- Removes tasks that are queued, and lets workers stop those that run.
-- reason (1: cancelled, 2: expired, 3: this node restarts, and running ones go on), 1 if the uuids of running ones become free, then ids
-- → counts, then for each id: 'queued' if it was removed, 'running', or ''

local reason, frees = ARGV[1], ARGV[2] == '1'
local found = {}
for at = 3, #ARGV do
    local id, task = ARGV[at], find(ARGV[at])
    -- A dead letter that is queued again has no client who could withdraw it.
    if not task or task[T_NODE] == '' then
        found[#found + 1] = ''
    elseif task[T_TOKEN] == '' then
        remove(id, task)
        found[#found + 1] = 'queued'
    else
        if frees and not task[T_DISOWNED] then
            call('HDEL', base .. ':uuids:' .. task[T_CLIENT], task[T_UUID])
            task[T_DISOWNED] = true
            save(id, task)
        end
        if reason ~= '3' then tell(task[T_WORKER], 'stop', id, reason) end
        found[#found + 1] = 'running'
    end
end
save_state()
local queued, running, average_cost, change = counts()
return { queued, running, average_cost, change, found }
