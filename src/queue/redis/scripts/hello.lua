-- Makes a node known, with an inbox.
-- now, node → 1 if it was not known, and so may have lost what was in its inbox

local is_new = call('ZADD', base .. ':nodes', clock(ARGV[1]), ARGV[2])
local inbox = base .. ':inbox:' .. ARGV[2]
if call('EXISTS', inbox) == 0 then
    call('XADD', inbox, '*', 'k', 'hello', 'i', '', 'v', '')
    is_new = 1
end
return is_new
