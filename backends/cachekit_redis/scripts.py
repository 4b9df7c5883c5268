"""What a server does in one step: compare, change, announce."""

from hashlib import sha1
from typing import Final, NamedTuple


class Script(NamedTuple):
    """A script and the name that a server knows it by."""

    text: str
    sha: str


def _script(text: str) -> Script:
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


CHANGE: Final = _script("""
-- KEYS: the key, and the stream if the change is to be announced.
-- ARGV: what must be there ('any'; 'version' and a life with a version; 'bytes' and those bytes,
-- '' standing for what is no string), the data ('' deletes), milliseconds to keep it ('' for good),
-- 'or delete' for what may rather go than stay, and of the stream its length, a field and a name.
local function text(reply)
  if type(reply) ~= 'table' then return reply end
  if reply.err:sub(1, 9) ~= 'WRONGTYPE' then error(reply) end
  return ''
end
if ARGV[1] == 'version' then
  local head = text(redis.pcall('GETRANGE', KEYS[1], 0, 21))
  if head:sub(1, 8) .. head:sub(15, 22) ~= ARGV[2] then return 0 end
elseif ARGV[1] == 'bytes' then
  if text(redis.pcall('GET', KEYS[1])) ~= ARGV[2] then return 0 end
end
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
else
  local done
  if ARGV[4] == '' then
    done = redis.pcall('SET', KEYS[1], ARGV[3])
  else
    done = redis.pcall('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  end
  if done.err then
    if ARGV[5] == '' then return done end
    redis.call('DEL', KEYS[1])
  end
end
-- After the write, not before: a follower must find it done. And when memory is full, a script that
-- has written already is let through.
if KEYS[2] then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*', ARGV[7], ARGV[8])
end
return 1
""")

ANNOUNCE: Final = _script("""
-- KEYS: the stream. ARGV: its length, a field, a name. When memory is full, a script that has
-- already changed something is let through; to trim is such a change, of nothing at all, too.
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1])
return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', ARGV[2], ARGV[3])
""")

ALL: Final = (CHANGE, ANNOUNCE)
