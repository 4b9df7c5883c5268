"""Which life of a server something was stored in.

A server that comes back from a snapshot, a log or a failover may bring back what had been deleted,
and nobody can tell from the bytes. So each life of a server has a name, which stands before
everything stored in it; what has another one is absent.
"""

import re
from hashlib import blake2b
from typing import Final

SIZE: Final = 8
"""Bytes of a life's name."""

UNKNOWN: Final = bytes(SIZE)
"""The name where lives are not told apart."""

OLDEST: Final = 7
"""The first version of Redis, and of Valkey, with `SET … NX GET`."""

_FIELD: Final = re.compile(rb"^(role|run_id|master_replid|redis_version):([^\r\n]*)", re.MULTILINE)


class UnfitError(ConnectionError):
    """A server that must not be asked: no master, or too old."""


def fields(info: object) -> dict[bytes, bytes]:
    """What an `INFO` tells of who is answering; nothing if it is refused."""
    return dict(_FIELD.findall(info)) if isinstance(info, bytes) else {}


def life_of(told: dict[bytes, bytes]) -> bytes:
    """The name of the life that `told` is from; raises `UnfitError` for who must not be asked.

    `run_id` is new at each start. `master_replid` is new when a replica is made a master, too: one
    that was a master before, lost that and has it again knows nothing of what was deleted between.
    """
    role, version = told.get(b"role", b"master"), told.get(b"redis_version", b"")
    if role != b"master":
        raise UnfitError(f"the server is a {role.decode()}, not a master")
    if version.split(b".")[0].isdigit() and int(version.split(b".")[0]) < OLDEST:
        raise UnfitError(f"the server is Redis {version.decode()}: use {OLDEST}.0 or newer")
    if b"run_id" not in told:
        return UNKNOWN
    named = told[b"run_id"] + b" " + told.get(b"master_replid", b"")
    return blake2b(named, digest_size=SIZE).digest()
