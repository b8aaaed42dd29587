-- ARGV: owner, view (since, login, n, p, ended), length of the lease, lifetime of the lease's hash
local owner, length, lifetime = ARGV[1], tonumber(ARGV[7]), ARGV[8]
if not record or record.ended == 1 or record.since ~= tonumber(ARGV[2]) or record.login ~= ARGV[3]
    or record.n ~= tonumber(ARGV[4]) or record.p ~= tonumber(ARGV[5]) or ARGV[6] ~= '0' then
  return {'MOVED', text, now, 0, 0, -1, 0, call}
end
if lease.till > now then return {'BUSY', text, now, 0, 0, -1, lease.till - now, call} end
if lease.notBefore > now then return {'PAUSED', text, now, 0, 0, -1, lease.notBefore - now, call} end
local p = math.max(lease.p, record.p) + 1
local till = now + length
local other = -1
if lease.markLogin == record.login and lease.markN == record.n then
  other = now - lease.markAt
else
  redis.call('HSET', KEYS[2], 'markLogin', record.login, 'markN', record.n, 'markAt', now, 'markP', p)
end
redis.call('HSET', KEYS[2], 'owner', owner, 'p', p, 'till', till)
redis.call('PEXPIRE', KEYS[2], lifetime)
return {'GRANTED', text, now, p, till, other, 0, call}
