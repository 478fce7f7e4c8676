-- A part of the tasks, for what no count tells of them.
-- now, cursor of the part, about how many tasks
-- → cursor of the next part or '0', ms since the oldest queued one was pushed or -1, clients

local now, oldest, clients = clock(ARGV[1]), -1, {}
local found = call('HSCAN', base .. ':tasks', ARGV[2], 'COUNT', ARGV[3])
for at = 2, #found[2], 2 do
    local task = unpack(found[2][at])
    if task[T_TOKEN] == '' then oldest = max(oldest, now - task[T_PUSHED]) end
    clients[#clients + 1] = task[T_CLIENT]
end
return { found[1], oldest, clients }
