-- The task that a client's uuid names.
-- client, uuid → its id and its node, or nothing

local id = call('HGET', base .. ':uuids:' .. ARGV[1], ARGV[2])
local task = id and find(id)
return task and { id, task[T_NODE] } or {}
