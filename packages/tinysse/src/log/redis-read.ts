/**
 * The script that reads a page, after the prelude of `redis-scripts.ts`. Arguments: 11 after, 12 up to, 13 most events,
 * 14 most bytes, then channels. Answers epoch, the floors of the channels, 1 when the page is complete or 0 when a limit
 * cut it; then the entries as text.
 *
 * A read must not cost more than its page holds, however much its channels hold: each channel's offsets are fetched a few
 * at a time, and merged.
 */
export const readPage = `
local lost, floorsof = 0, {}
local wanted, floorof, known = { unpack(ARGV, 15) }, {}, {}
if #wanted > 0 then
  floorof, known = redis.call('HMGET', floors, unpack(wanted)), redis.call('ZMSCORE', channels, unpack(wanted))
end
local maxevents, maxbytes = limit(13), limit(14)

-- Channels that have more to read, by their next offset, the lowest last.
local sources = {}
local function place(source)
  local low, high = 1, #sources + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if sources[middle].next > source.next then low = middle + 1 else high = middle end
  end
  table.insert(sources, low, source)
end
local function fetch(source, after)
  source.held = redis.call('ZRANGEBYSCORE', source.index, '(' .. after, ARGV[12], 'LIMIT', 0, source.size)
  source.at = 1
end
local function advance(source)
  local offset = source.held[source.at]
  if not offset and #source.held == source.size then
    local last = source.held[source.size]
    source.size = source.size * 2
    fetch(source, last)
    offset = source.held[1]
  end
  if not offset then return end
  source.at, source.offset, source.next = source.at + 1, offset, tonumber(offset)
  place(source)
end

for i, name in ipairs(wanted) do
  -- Of a channel that is not known only the base counts: a floor of its own would be one from before its record was lost.
  floorsof[i] = tonumber(known[i] and (floorof[i] or 0) or base)
  local last = tonumber(known[i] or 0)
  if last > tonumber(ARGV[11]) then
    local source = { index = p .. 'c:' .. name, size = 4 }
    fetch(source, ARGV[11])
    -- Retention empties an index by lifting the floor to its last offset; anything else that takes it away is a loss.
    if #source.held == 0 and redis.call('EXISTS', source.index) == 0 then floorsof[i] = math.max(floorsof[i], last) end
    advance(source)
  end
end

local page, count, total, done = { epoch, '', '1' }, 0, 0, nil
while #sources > 0 do
  local source = table.remove(sources)
  local offset = source.offset
  -- An entry of several channels comes once from each of them.
  if offset ~= done then
    done = offset
    local text = redis.call('ZRANGEBYSCORE', entries, offset, offset)[1]
    if text then
      total = total + tonumber(string.match(text, '^%d+\\n%d+\\n(%d+)'))
      if count == maxevents or (total > maxbytes and count > 0) then
        page[3] = '0'
        break
      end
      count = count + 1
      page[count + 3] = text
    else
      -- Somebody else has taken it away: better said than hidden.
      lost = math.max(lost, tonumber(offset))
    end
  end
  advance(source)
end
for i, floor in ipairs(floorsof) do floorsof[i] = str(math.max(floor, lost)) end
page[2] = table.concat(floorsof, ' ')
if dirty then save() end
return page
`;
