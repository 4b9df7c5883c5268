"""Which life of a server something was stored in.

A server that comes back from a snapshot, a log or a failover may bring back what had been deleted,
and nobody can tell from the bytes. So each life of a server has a name, which stands before
everything stored in it; what has another one is absent.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from hiredis import ReplyError

SIZE: Final = 8
"""Bytes of a life's name."""

UNKNOWN: Final = bytes(SIZE)
"""The name where lives are not told apart."""

OLDEST: Final = 7
"""The first version of Redis, and of Valkey, with `SET … NX GET`."""

QUESTIONS: Final[Sequence[tuple[str, ...]]] = (
    ("INFO", "server"),
    ("INFO", "replication"),
    ("HELLO",),
)
"""What a server is asked to learn who it is. `HELLO` is never refused, but knows no life."""

_FIELD: Final = re.compile(
    rb"^(role|run_id|master_replid|redis_version|redis_mode):([^\r\n]*)", re.MULTILINE
)
_OF_HELLO: Final = {b"role": b"role", b"version": b"redis_version", b"mode": b"redis_mode"}

_REFUSALS: Final = ("NOPERM", "ERR")
"""How an `INFO` is refused for good: to this user, or because it has another name."""


class UnfitError(ConnectionError):
    """A server that must not be asked: no master, or too old, or it cannot say."""


class Who(NamedTuple):
    """Who answers: `server` is the process, empty if it does not tell, `life` its present life."""

    server: bytes
    life: bytes


def who(answers: Sequence[Any]) -> Who:
    """Who gave these `answers` to `QUESTIONS`; raises `UnfitError` for who must not be asked.

    `run_id` is new at each start. `master_replid` is new when a replica is made a master, too: one
    that was a master before, lost that and has it again knows nothing of what was deleted between.
    """
    told = _told(answers)
    _check(told)
    server = told.get(b"run_id", b"")
    if not server:
        return Who(b"", UNKNOWN)
    named = server + b" " + told.get(b"master_replid", b"")
    return Who(server, blake2b(named, digest_size=SIZE).digest())


def _told(answers: Sequence[Any]) -> dict[bytes, bytes]:
    *infos, hello = answers
    told = _fields_of_hello(hello)
    for info in infos:
        # Any other error passes: to take a server that is busy for one that never tells its life
        # would be to read what it had in all of them.
        if isinstance(info, ReplyError) and not str(info).startswith(_REFUSALS):
            raise UnfitError(f"the server does not say who it is: {info}")
        if isinstance(info, bytes):
            told |= _FIELD.findall(info)
    return told


def _fields_of_hello(hello: Any) -> dict[bytes, bytes]:
    said: dict[Any, Any] = {}
    if isinstance(hello, dict):
        said = hello  # pyright: ignore[reportUnknownVariableType]
    elif isinstance(hello, list):  # RESP2 has no maps
        words: list[Any] = hello  # pyright: ignore[reportUnknownVariableType]
        said = dict(zip(words[::2], words[1::2], strict=False))
    told = {name: said.get(own) for own, name in _OF_HELLO.items()}
    return {name: word for name, word in told.items() if isinstance(word, bytes)}


def _check(told: dict[bytes, bytes]) -> None:
    role, version = told.get(b"role", b"master"), told.get(b"redis_version", b"")
    # In a Cluster a replica sends on to the master whoever asks it.
    if role != b"master" and told.get(b"redis_mode") != b"cluster":
        raise UnfitError(f"the server is a {role.decode()}, not a master")
    major = version.split(b".")[0]
    if major.isdigit() and int(major) < OLDEST:
        raise UnfitError(f"the server is Redis {version.decode()}: use {OLDEST}.0 or newer")
