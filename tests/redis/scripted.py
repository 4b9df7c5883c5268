"""A server of RESP that says what a test tells it to."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

from hiredis import Reader

from tests.stores.scripted import Asked, Say, Scripted, serving

OK: Final = b"+OK\r\n"
NOTHING: Final = b"_\r\n"


def bulk(data: bytes) -> bytes:
    """`data`, as it is on the wire."""
    return b"$%d\r\n%s\r\n" % (len(data), data)


def many(*replies: bytes) -> bytes:
    """An array of replies."""
    return b"*%d\r\n" % len(replies) + b"".join(replies)


def echo(asked: Asked) -> bytes:
    """The last word of each question."""
    return bulk(asked[-1])


INFO: Final = b"redis_version:7.0.15\r\nrun_id:of the script\r\nrole:master\r\n"
_INTRODUCTION: Final = {
    b"HELLO": b"%1\r\n+proto\r\n:3\r\n",
    b"CLIENT": OK,
    b"SELECT": OK,
    b"INFO": bulk(INFO),
    b"SCRIPT": b"+sha\r\n",
}


def introduced(asked: Asked) -> bytes | None:
    """What a server says to who introduces himself."""
    if list(asked[:2]) == [b"EVAL", b"return 1"]:
        return b":1\r\n"
    return _INTRODUCTION.get(asked[0].upper())


class ScriptedServer(Scripted):
    """One that greets as a Redis would."""

    def __init__(self, say: Say) -> None:
        super().__init__(say)
        self.greet: Callable[[Asked], bytes | None] = introduced

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def reader(self) -> Reader:
        return Reader()


@asynccontextmanager
async def scripted(say: Say = echo) -> AsyncGenerator[ScriptedServer]:
    """A server, until it is left."""
    async with serving(ScriptedServer(say)) as server:
        yield server
