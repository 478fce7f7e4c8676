-- Gives a claimed task back to its place, because its worker stops.
-- id, token of the claim → counts

local id, token = ARGV[1], ARGV[2]
local task = find(id)
if task and task[T_TOKEN] == token then
    if task[T_DISOWNED] then finish(id, task) else give_back(id, task) end
    save_state()
end
return { counts() }
