-- What operators see of the queue.
-- → counts, bytes of all tasks, leases that were reclaimed, dead letters

local queued, running, average_cost, change = counts()
local bytes, dead = state[QUEUED_BYTES] + state[RUNNING_BYTES], call('ZCARD', base .. ':dead')
return { queued, running, average_cost, change, bytes, state[RECLAIMED], dead }
