/**
 * The Lua scripts of redisLog. Redis runs each alone, from beginning to end, and does not roll one back: so every script
 * looks at all it needs before its first write.
 *
 * Keys, all behind one hash tag:
 * - `meta`      hash: format, epoch, run (the run_id of the server that the epoch lives on), seq (the last offset), time, base, totals
 * - `forks`     list: `epoch seq`, the offset at which each former epoch ended
 * - `entries`   sorted set by offset: every retained entry as text, once, however many channels hold it
 * - `c:…`       sorted set per channel: the offsets it holds
 * - `refs`      hash: how many channels hold an entry, for entries of several channels
 * - `channels`  sorted set: known channels by their last offset; `floors` hash: their floors, if not 0
 * - `keys`      hash: `offset time fingerprint` by idempotency key; `keyorder` sorted set: the same keys by offset
 * - `tail`      stream: the newest batches of entries, each with its epoch and the offset before it, for every node to
 *               read whole; `tailsizes` list: their last offsets and sizes
 *
 * An entry as text: `offset LF time LF size LF event LF channel TAB channel… LF data`. Names hold no control characters.
 * Sorted sets, not streams, hold the history: an empty stream takes 4 KiB, too much for a channel per user.
 */

/** The version of all this that `meta` names. */
const FORMAT = 1;

/** Former epochs remembered. */
const FORKS = 100;
/** Evictions by one run of a script: what is left over waits for the next, so that Redis is never held for long. */
const BUDGET = 2_000;

const prelude = `
local meta, p = KEYS[1], ARGV[1]
local entries, channels, floors, refs = p .. 'entries', p .. 'channels', p .. 'floors', p .. 'refs'
local tail, tailsizes, forks = p .. 'tail', p .. 'tailsizes', p .. 'forks'
local keys, keyorder = p .. 'keys', p .. 'keyorder'
local function limit(i) return tonumber(ARGV[i]) or math.huge end
-- Lua writes large numbers with an exponent unless told not to.
local function str(n) return string.format('%.0f', n) end

local m = redis.call('HMGET', meta, 'format', 'epoch', 'run', 'seq', 'time', 'base', 'events', 'bytes', 'oldest', 'tailbytes')
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if m[1] and m[1] ~= '${FORMAT}' then return redis.error_reply('TINYSSEFORMAT ' .. m[1]) end
if not run then return redis.error_reply('TINYSSERUN this server does not tell its run_id') end
local epoch = m[2]
local seq, time, base = tonumber(m[4] or 0), tonumber(m[5] or 0), tonumber(m[6] or 0)
local events, bytes, oldest = tonumber(m[7] or 0), tonumber(m[8] or 0), tonumber(m[9] or 0)
local tailbytes = tonumber(m[10] or 0)
local budget, dirty = ${BUDGET}, false

local now = tonumber(ARGV[2])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
now = math.max(now, time)

-- Another run of the server may have lost what the last one had acknowledged, even after clients have seen it.
if m[3] ~= run then
  if epoch then
    redis.call('RPUSH', forks, epoch .. ' ' .. str(seq))
    redis.call('LTRIM', forks, -${FORKS}, -1)
  else
    for _, name in ipairs(redis.call('ZRANGE', channels, 0, -1)) do redis.call('UNLINK', p .. 'c:' .. name) end
    redis.call('UNLINK', entries, channels, floors, refs, tail, tailsizes, forks, keys, keyorder)
  end
  epoch = ARGV[3]
  redis.call('HSET', meta, 'format', ${FORMAT}, 'epoch', epoch, 'run', run, 'seq', str(seq))
end

local function save()
  redis.call('HSET', meta, 'seq', str(seq), 'time', str(now), 'base', str(base), 'events', str(events),
    'bytes', str(bytes), 'oldest', str(oldest), 'tailbytes', str(tailbytes))
end

local function remove(offset, size)
  redis.call('ZREMRANGEBYSCORE', entries, offset, offset)
  events, bytes = events - 1, bytes - size - 128
end

-- A channel has given up an entry; the entry goes with the last of its channels.
local function release(offset)
  budget = budget - 1
  local text = redis.call('ZRANGEBYSCORE', entries, offset, offset)[1]
  if not text then return end
  local size, names = string.match(text, '^%d+\\n%d+\\n(%d+)\\n[^\\n]*\\n([^\\n]*)')
  if string.find(names, '\\t', 1, true) then
    if redis.call('HINCRBY', refs, offset, -1) > 0 then return end
    redis.call('HDEL', refs, offset)
  end
  remove(offset, tonumber(size))
end

-- The oldest entry of all leaves every channel that still holds it, where it is the oldest too.
local function evict(text)
  budget = budget - 1
  local offset, size, names = string.match(text, '^(%d+)\\n%d+\\n(%d+)\\n[^\\n]*\\n([^\\n]*)')
  for name in string.gmatch(names, '[^\\t]+') do
    if redis.call('ZREM', p .. 'c:' .. name, offset) == 1 then redis.call('HSET', floors, name, offset) end
  end
  if string.find(names, '\\t', 1, true) then redis.call('HDEL', refs, offset) end
  remove(offset, tonumber(size))
end

-- A channel gives up its oldest n entries. Returns the offset of the last, which is its floor now.
local function shorten(name, n)
  local index = p .. 'c:' .. name
  local gone = redis.call('ZRANGE', index, 0, math.min(n, budget) - 1)
  if #gone == 0 then return end
  redis.call('ZREMRANGEBYRANK', index, 0, #gone - 1)
  for _, offset in ipairs(gone) do release(offset) end
  redis.call('HSET', floors, name, gone[#gone])
end

-- Evicts what is too old. No retained entry is older than \`oldest\`, so mostly there is nothing to look at.
local maxage = limit(5)
while oldest < now - maxage and budget > 0 do
  local first = redis.call('ZRANGE', entries, 0, 0)[1]
  local at = first and tonumber(string.match(first, '^%d+\\n(%d+)')) or now
  if first and at < now - maxage then evict(first) else oldest = at end
  dirty = true
end
`;

/**
 * Stores a batch of events. Arguments from 11: per event its text after the time, its key or nothing, its fingerprint.
 * Answers epoch, offset before the batch, offset after it, time; then per event its offset, or 0 for a reused key.
 */
const append = `${prelude}
local prev, results, added, claimed = seq, {}, {}, {}
local keywindow, maxkeys = limit(8), limit(9)
for i = 11, #ARGV, 3 do
  local key, mark = ARGV[i + 1], ARGV[i + 2]
  local known = key ~= '' and (claimed[key] or redis.call('HGET', keys, key))
  if known then
    local offset, at, was = string.match(known, '^(%d+) (%d+) (.*)$')
    if tonumber(at) <= now - keywindow then known = nil
    else results[#results + 1] = was == mark and offset or '0' end
  end
  if not known then
    seq = seq + 1
    local offset = str(seq)
    results[#results + 1] = offset
    added[#added + 1] = { offset, offset .. '\\n' .. str(now) .. '\\n' .. ARGV[i], key }
    if key ~= '' then claimed[key] = offset .. ' ' .. str(now) .. ' ' .. mark end
  end
end
if #added == 0 then
  if dirty then save() end
  return { epoch, str(prev), str(seq), str(now), unpack(results) }
end

-- The tail first: it is the one write that Redis may refuse, and then nothing has been stored.
local batch, size = { 'XADD', tail, str(seq) .. '-0', 'e', epoch, 'p', str(prev) }, 0
for _, entry in ipairs(added) do
  batch[#batch + 1] = 'v'
  batch[#batch + 1] = entry[2]
  size = size + #entry[2] + 128
end
redis.call(unpack(batch))
redis.call('RPUSH', tailsizes, str(seq) .. ' ' .. str(size))
tailbytes = tailbytes + size

local last, touched = {}, {}
for _, entry in ipairs(added) do
  local offset, text, key = entry[1], entry[2], entry[3]
  redis.call('ZADD', entries, offset, text)
  local length, names = string.match(text, '^%d+\\n%d+\\n(%d+)\\n[^\\n]*\\n([^\\n]*)')
  local holders = 0
  for name in string.gmatch(names, '[^\\t]+') do
    redis.call('ZADD', p .. 'c:' .. name, offset, offset)
    if not last[name] then touched[#touched + 1] = name end
    last[name] = offset
    holders = holders + 1
  end
  if holders > 1 then redis.call('HSET', refs, offset, holders) end
  events, bytes = events + 1, bytes + tonumber(length) + 128
  if key ~= '' then
    redis.call('HSET', keys, key, claimed[key])
    redis.call('ZADD', keyorder, offset, key)
  end
end

local maxevents = limit(4)
for _, name in ipairs(touched) do
  local new = redis.call('ZADD', channels, last[name], name) == 1
  if new and base > 0 then redis.call('HSET', floors, name, str(base)) end
  local excess = redis.call('ZCARD', p .. 'c:' .. name) - maxevents
  if excess > 0 then shorten(name, excess) end
end
local maxchannels = limit(7)
while budget > 0 and redis.call('ZCARD', channels) > maxchannels do
  budget = budget - 1
  local silent = redis.call('ZRANGE', channels, 0, 0, 'WITHSCORES')
  shorten(silent[1], budget)
  if redis.call('EXISTS', p .. 'c:' .. silent[1]) == 0 then
    redis.call('ZREM', channels, silent[1])
    redis.call('HDEL', floors, silent[1])
    base = math.max(base, tonumber(silent[2]))
  end
end
local maxbytes = limit(6)
while bytes > maxbytes and budget > 0 do
  local first = redis.call('ZRANGE', entries, 0, 0)[1]
  if not first then break end
  evict(first)
end

while next(claimed) and budget > 0 do
  local first = redis.call('ZRANGE', keyorder, 0, 0)[1]
  if not first then break end
  local at = string.match(redis.call('HGET', keys, first) or '0 0', '^%d+ (%d+)')
  if tonumber(at) > now - keywindow and redis.call('ZCARD', keyorder) <= maxkeys then break end
  budget = budget - 1
  redis.call('HDEL', keys, first)
  redis.call('ZREM', keyorder, first)
end

local maxtail = limit(10)
local cut
while tailbytes > maxtail and redis.call('LLEN', tailsizes) > 1 do
  local through, length = string.match(redis.call('LPOP', tailsizes), '^(%d+) (%d+)$')
  tailbytes = tailbytes - tonumber(length)
  cut = tonumber(through)
end
if cut then redis.call('XTRIM', tail, 'MINID', str(cut + 1) .. '-0') end
save()
return { epoch, str(prev), str(seq), str(now), unpack(results) }
`;

/**
 * Reads a page. Arguments: 11 after, 12 up to, 13 most events, 14 most bytes, then channels.
 * Answers epoch, the floors of the channels, 1 when the page is complete or 0 when a limit cut it; then the entries as text.
 */
const read = `${prelude}
local lost, floorsof = 0, {}
local wanted, floorof, known = { unpack(ARGV, 15) }, {}, {}
if #wanted > 0 then
  floorof, known = redis.call('HMGET', floors, unpack(wanted)), redis.call('ZMSCORE', channels, unpack(wanted))
end
local maxevents, maxbytes = limit(13), limit(14)
local seen, offsets = {}, {}
for i, name in ipairs(wanted) do
  floorsof[i] = tonumber(floorof[i] or known[i] and 0 or base)
  local held = known[i] and redis.call('ZRANGEBYSCORE', p .. 'c:' .. name, '(' .. ARGV[11], ARGV[12], 'LIMIT', 0, maxevents + 1) or {}
  for _, offset in ipairs(held) do
    if not seen[offset] then
      seen[offset] = true
      offsets[#offsets + 1] = offset
    end
  end
end
table.sort(offsets, function(a, b) return tonumber(a) < tonumber(b) end)
local page, count, total = { epoch, '', '1' }, 0, 0
for _, offset in ipairs(offsets) do
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
for i, floor in ipairs(floorsof) do floorsof[i] = str(math.max(floor, lost)) end
page[2] = table.concat(floorsof, ' ')
if dirty then save() end
return page
`;

/**
 * Looks at the whole. Argument 11: an epoch.
 * Answers epoch, last offset, the offset at which the epoch of the argument ended or nothing; events, bytes, channels.
 */
const look = `${prelude}
local ended = ''
for _, fork in ipairs(redis.call('LRANGE', forks, 0, -1)) do
  local name, offset = string.match(fork, '^(%x+) (%d+)$')
  if name == ARGV[11] then ended = offset end
end
if dirty then save() end
return { epoch, str(seq), ended, str(events), str(bytes), str(redis.call('ZCARD', channels)) }
`;

export const scripts = { append, read, look } as const;
