-- ARGV: owner, p, length of the lease
if not held(ARGV[1], ARGV[2]) or lease.till <= now then return {'MOVED', text, now, 0, 0, -1, 0, call} end
local till = now + tonumber(ARGV[3])
redis.call('HSET', KEYS[2], 'till', till)
return {'GRANTED', text, now, lease.p, till, -1, 0, call}
