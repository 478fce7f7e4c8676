-- Leaves a notice in a node's inbox.
-- node, kind, id, value

tell(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return 1
