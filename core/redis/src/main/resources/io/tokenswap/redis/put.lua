-- ARGV: record, kind, owner, p, lifetime of the record, channel, key
local new, kind = parse(ARGV[1]), ARGV[2]
local byUser = kind == 'LOGIN' or kind == 'SIGN_OUT'
local accepted
if text ~= '' and not record then
  -- Not readable. A login may replace it, unless a newer release has written it.
  local ok, other = pcall(cjson.decode, text)
  local newer = ok and type(other) == 'table' and type(other.v) == 'number' and other.v > 1
  accepted = byUser and not newer
elseif not record then
  accepted = byUser or kind == 'REPAIR'
elseif kind == 'DEAD' then
  accepted = record.login == new.login and record.n == new.n and record.p == new.p
else
  accepted = greater(new, record)
end
if accepted then
  text = ARGV[1]
  redis.call('SET', KEYS[1], text, 'PX', ARGV[5])
  if lease.markLogin ~= new.login or lease.markN ~= new.n then
    redis.call('HDEL', KEYS[2], 'markLogin', 'markN', 'markAt', 'markP')
  end
end
local ends = held(ARGV[3], ARGV[4])
if ends then redis.call('HDEL', KEYS[2], 'owner', 'till') end
if accepted or ends then changed(ARGV[6], ARGV[7]) end
return {text, now, call}
