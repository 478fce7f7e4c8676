-- Renews leases.
-- now, time of a lease, then pairs of id and token → the tokens of claims that are no longer valid

local now, lease, lost = clock(ARGV[1]), tonumber(ARGV[2]), {}
for at = 3, #ARGV, 2 do
    local id, task = ARGV[at], find(ARGV[at])
    if task and task[T_TOKEN] == ARGV[at + 1] then
        call('ZADD', base .. ':lease', now + lease, id)
    else
        lost[#lost + 1] = ARGV[at + 1]
    end
end
return lost
