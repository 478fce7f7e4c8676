-- Sends a frame of a running task to its client's node.
-- id, token of the claim, frame → 1, or 0 if the claim is no longer valid

local task = find(ARGV[1])
if not task or task[T_TOKEN] ~= ARGV[2] then return 0 end
tell(task[T_NODE], 'frame', ARGV[1], ARGV[3])
return 1
