-- Moves a queued task on its page.
-- client, uuid, offset_top → 1, or 0 if no such task is queued

local client = ARGV[1]
local id = call('HGET', base .. ':uuids:' .. client, ARGV[2])
local task = id and find(id)
if not task or task[T_TOKEN] ~= '' then return 0 end
task[T_OFFSET] = ARGV[3]
call('ZADD', base .. ':of:' .. client, task[T_OFFSET], place(id, task))
save(id, task)
return 1
