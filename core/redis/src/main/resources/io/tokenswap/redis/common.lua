-- KEYS[1] the record: text of TokenCodec. KEYS[2] the lease: a hash. All times are milliseconds of this server's clock.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local text = redis.call('GET', KEYS[1]) or ''
-- The number of the call, which the response repeats: the last argument of each script.
local call = ARGV[#ARGV]

-- The clear members of a record; nil if the text is no record of this format, which the node then names.
local function parse(json)
  local ok, record = pcall(cjson.decode, json)
  if ok and type(record) == 'table' and record.v == 1 and type(record.since) == 'number'
      and type(record.login) == 'string' and type(record.n) == 'number' and type(record.p) == 'number' then
    record.ended = record.state == 'LIVE' and 0 or 1
    return record
  end
  return nil
end

local function greater(a, b)
  for _, field in ipairs({'since', 'login', 'n', 'p', 'ended'}) do
    if a[field] ~= b[field] then return a[field] > b[field] end
  end
  return false
end

local record = text ~= '' and parse(text) or nil
local fields = redis.call('HMGET', KEYS[2], 'owner', 'p', 'till', 'notBefore', 'markLogin', 'markN', 'markAt', 'markP')
local lease = {
  owner = fields[1] or '', p = tonumber(fields[2] or 0), till = tonumber(fields[3] or 0),
  notBefore = tonumber(fields[4] or 0), markLogin = fields[5] or '', markN = tonumber(fields[6] or 0),
  markAt = tonumber(fields[7] or 0), markP = tonumber(fields[8] or 0)
}

local function held(owner, p)
  return lease.owner == owner and lease.p == tonumber(p)
end

-- A hint for other nodes: a user of Redis without the right to publish is served by polls.
local function changed(channel, key)
  redis.pcall('PUBLISH', channel, key)
end
