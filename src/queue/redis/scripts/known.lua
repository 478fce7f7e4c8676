-- Tells which tasks are unknown here, and how far the node's inbox reaches: an answer of such a task
-- is before that.
-- node, then ids → the last id of the inbox, then the ids of unknown tasks

local last = call('XREVRANGE', base .. ':inbox:' .. ARGV[1], '+', '-', 'COUNT', 1)[1]
local answer = { last and last[1] or '0-0' }
for at = 2, #ARGV do
    if call('HEXISTS', base .. ':tasks', ARGV[at]) == 0 then answer[#answer + 1] = ARGV[at] end
end
return answer
