import { readPage } from './redis-read.js';

/**
 * The Lua scripts of redisLog. Redis runs each alone, from beginning to end, and does not roll one back: so every script
 * looks at all it needs before its first write.
 *
 * Keys, all behind one hash tag:
 * - `meta`      hash: format, epoch, seq (the last offset), time, ahead (see `LogTime`), base, totals; the server that the epoch lives on: run (its run_id),
 *               replid (its replication id), replinput (the bytes that it had read as a replica by then)
 * - `forks`     list: `epoch seq`, the offset at which each former epoch ended
 * - `entries`   sorted set by offset: every retained entry as text, once, however many channels hold it
 * - `c:…`       sorted set per channel: the offsets it holds
 * - `refs`      hash: how many channels hold an entry, for entries of several channels
 * - `channels`  sorted set: known channels by their last offset; `floors` hash: their floors, if not 0, and
 *               an empty name, so that the hash is always there
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

local m = redis.call('HMGET', meta, 'format', 'epoch', 'run', 'seq', 'time', 'base', 'events', 'bytes', 'oldest', 'tailbytes', 'replid', 'replinput', 'ahead')
local info = redis.call('INFO', 'server', 'replication')
local run, replid = string.match(info, 'run_id:(%x+)'), string.match(info, 'master_replid:(%x+)') or ''
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
local was = tonumber(m[13] or 0)
local ahead = was
if now >= time then ahead = 0 end
now = now + ahead
if now < time then
  ahead = ahead + time - now
  now = time
end
-- Saved at once, or time would stand still until the next event. A server that takes no writes is asked to read all the same.
if ahead ~= was then redis.pcall('HSET', meta, 'ahead', str(ahead)) end

-- Another server, another run of it, or one that was a replica meanwhile may have lost what had been acknowledged, even
-- after clients have seen it. Who becomes a master has a new replication id. A master also takes one for its first replica
-- and when it has had none for long, but then it has no second id and has read nothing from a master since.
local heir = m[3] ~= run
if heir or m[11] ~= replid then
  local replinput = string.match(redis.call('INFO', 'stats'), 'total_net_repl_input_bytes:(%d+)') or ''
  local demoted = string.find(info, 'master_replid2:0*[1-9a-f]') or m[12] ~= replinput
  if m[11] and demoted then heir = true end
  if heir and epoch then
    redis.call('RPUSH', forks, epoch .. ' ' .. str(seq))
    redis.call('LTRIM', forks, -${FORKS}, -1)
  elseif heir then
    for _, name in ipairs(redis.call('ZRANGE', channels, 0, -1)) do redis.call('UNLINK', p .. 'c:' .. name) end
    redis.call('UNLINK', entries, channels, floors, refs, tail, tailsizes, forks, keys, keyorder)
  end
  if heir then epoch = ARGV[3] end
  redis.call('HSET', meta, 'format', ${FORMAT}, 'epoch', epoch, 'run', run, 'replid', replid, 'replinput', replinput, 'seq', str(seq))
  if not m[11] then redis.call('HSET', floors, '', 0) end
end

-- What is there whenever the log is as it should be. If Redis has evicted any of it, no floor up to here is known.
if redis.call('EXISTS', floors, channels, entries) < 1 + (seq > 0 and 1 or 0) + (events > 0 and 1 or 0) then
  if redis.call('EXISTS', entries) == 0 then
    for _, name in ipairs(redis.call('ZRANGE', channels, 0, -1)) do redis.call('UNLINK', p .. 'c:' .. name) end
    events, bytes, oldest = 0, 0, 0
  end
  redis.call('UNLINK', channels, floors)
  redis.call('HSET', floors, '', 0)
  base, dirty = seq, true
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
    if redis.call('ZREM', p .. 'c:' .. name, offset) == 1 and redis.call('ZSCORE', channels, name) then
      redis.call('HSET', floors, name, offset)
    end
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
 * Stores a batch of events. Arguments from 11: per event its text after the time, its key or nothing, its fingerprint,
 * its series or nothing. Answers epoch, offset before the batch, offset after it, time; then per event its offset, or 0 for a
 * reused key, or -1 when there is no room for its key or was none for one before it in its series.
 */
const append = `${prelude}
local prev, results, added, claimed = seq, {}, {}, {}
local keywindow, maxkeys = limit(8), limit(9)
local held, stopped = redis.call('ZCARD', keyorder), {}

-- Forgets the oldest key if it has expired.
local function forget()
  local first = budget > 0 and redis.call('ZRANGE', keyorder, 0, 0)[1]
  if not first then return false end
  local at = string.match(redis.call('HGET', keys, first) or '0 0', '^%d+ (%d+)')
  if tonumber(at) > now - keywindow then return false end
  budget, held = budget - 1, held - 1
  redis.call('HDEL', keys, first)
  redis.call('ZREM', keyorder, first)
  return true
end

for i = 11, #ARGV, 4 do
  local key, mark, series, result = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], nil
  local known = key ~= '' and (claimed[key] or redis.call('HGET', keys, key))
  if known then
    local offset, at, was = string.match(known, '^(%d+) (%d+) (.*)$')
    if tonumber(at) > now - keywindow then
      result = was == mark and offset or '0'
    else
      redis.call('HDEL', keys, key)
      redis.call('ZREM', keyorder, key)
      held = held - 1
    end
  end
  if not result and key ~= '' and not stopped[series] then
    while held >= maxkeys and forget() do end
    if held < maxkeys then held = held + 1
    elseif series ~= '' then stopped[series] = true
    else result = '-1' end
  end
  if not result and stopped[series] then result = '-1' end
  if not result then
    seq = seq + 1
    result = str(seq)
    added[#added + 1] = { result, result .. '\\n' .. str(now) .. '\\n' .. ARGV[i], key }
    if key ~= '' then claimed[key] = result .. ' ' .. str(now) .. ' ' .. mark end
  end
  results[#results + 1] = result
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
-- Without the sizes of the older batches nothing of them can be counted off.
if redis.call('RPUSH', tailsizes, str(seq) .. ' ' .. str(size)) == 1 then tailbytes = 0 end
tailbytes = tailbytes + size

local last, touched, before, fresh = {}, {}, {}, {}
for _, entry in ipairs(added) do
  local offset, text, key = entry[1], entry[2], entry[3]
  redis.call('ZADD', entries, offset, text)
  local length, names = string.match(text, '^%d+\\n%d+\\n(%d+)\\n[^\\n]*\\n([^\\n]*)')
  local holders = 0
  for name in string.gmatch(names, '[^\\t]+') do
    if not last[name] then
      touched[#touched + 1] = name
      before[name] = redis.call('ZSCORE', channels, name)
      -- An index that an unknown channel has is of a life that Redis has evicted the rest of.
      if not before[name] then redis.call('UNLINK', p .. 'c:' .. name) end
      fresh[name] = 0
    end
    fresh[name] = fresh[name] + redis.call('ZADD', p .. 'c:' .. name, offset, offset)
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
  redis.call('ZADD', channels, last[name], name)
  local held = redis.call('ZCARD', p .. 'c:' .. name)
  -- A channel without an index has lost all that it had: mostly to retention, which has lifted the floor already.
  if before[name] and held == fresh[name] then redis.call('HSET', floors, name, before[name])
  elseif not before[name] and base > 0 then redis.call('HSET', floors, name, str(base)) end
  local excess = held - maxevents
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

while next(claimed) and forget() do end

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

export const scripts = { append, read: prelude + readPage, look } as const;
