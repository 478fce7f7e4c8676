-- Ends a task of a worker, and gives its answer to the node of its client.
-- now, id, token of the claim, CPU time in ns, answer → 1, or 0 if the claim is no longer valid; counts

local id, token = ARGV[2], ARGV[3]
local task = find(id)
if not task or task[T_TOKEN] ~= token then return { 0, counts() } end
finish(id, task, tonumber(ARGV[4]))
save_state()
tell(task[T_NODE], 'answer', id, ARGV[5])
return { 1, counts() }
