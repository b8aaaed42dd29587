-- ARGV: owner, p, pause, sent, channel, key
if held(ARGV[1], ARGV[2]) then
  redis.call('HDEL', KEYS[2], 'owner', 'till')
  redis.call('HSET', KEYS[2], 'notBefore', now + tonumber(ARGV[3]))
  if ARGV[4] == '0' and lease.markP == lease.p then
    redis.call('HDEL', KEYS[2], 'markLogin', 'markN', 'markAt', 'markP')
  end
  changed(ARGV[5], ARGV[6])
end
return {text, now, call}
