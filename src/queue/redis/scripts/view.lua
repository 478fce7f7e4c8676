-- Notes the part of the page that a client shows, and the direction in which it moved.
-- client, top, bottom, time after which it is forgotten

local key, top = base .. ':view:' .. ARGV[1], tonumber(ARGV[2])
local old = call('GET', key)
local up = false
if old then
    old = unpack(old)
    up = top < old[1] or top == old[1] and old[3]
end
call('SET', key, pack({ top, tonumber(ARGV[3]), up }), 'PX', ARGV[4])
return 1
