-- A part of the dead letters, the oldest first.
-- now, number of letters before the part, most letters of the part
-- → for each: id, uuid, client, bytes, times that its lease was lost, ms since it was given up

local now, from = clock(ARGV[1]), tonumber(ARGV[2])
local found = {}
local part = call('ZRANGE', base .. ':dead', from, from + tonumber(ARGV[3]) - 1, 'WITHSCORES')
for at = 1, #part, 2 do
    local letter = call('HGET', base .. ':letters', part[at])
    if letter then
        letter = unpack(letter)
        found[#found + 1] = {
            part[at], letter[T_UUID], letter[T_CLIENT], letter[T_BYTES], letter[T_LOST],
            max(0, now - part[at + 1]),
        }
    end
end
return found
