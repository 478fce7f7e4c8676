-- Forgets dead letters.
-- ids → the ids of those that were there

local dropped = {}
for at = 1, #ARGV do
    local id = ARGV[at]
    if unbury(id) then dropped[#dropped + 1] = id end
    call('DEL', base .. ':letter:' .. id)
end
save_state()
return dropped
