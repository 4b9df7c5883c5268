"""A server of the text protocol that says what a test tells it to."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final, Literal

from tests.stores.scripted import Asked, Say, Scripted, serving

END: Final = b"END\r\n"
SETTINGS: Final = b"STAT maxbytes 67108864\r\nSTAT item_size_max 1048576\r\nEND\r\n"
_STORING: Final = (b"set", b"add", b"cas", b"replace")


def value(name: bytes, data: bytes, cas_id: int | None = None) -> bytes:
    """`data`, as it is on the wire; without the end of the answer."""
    words = [b"VALUE", name, b"0", b"%d" % len(data), *([b"%d" % cas_id] if cas_id else [])]
    return b" ".join(words) + b"\r\n" + data + b"\r\n"


def nothing(asked: Asked) -> bytes:
    """No key is there, and each write is done."""
    if asked[0] in (b"get", b"gets"):
        return END
    return b"STORED\r\n" if asked[0] in _STORING else b"DELETED\r\n"


def greeted(asked: Asked) -> bytes | None:
    """What a server says to who wants to know how much it takes."""
    return SETTINGS if asked[0] == b"stats" else None


class Commands:
    """Finds them in what comes: the words of a line, and the data that may follow it."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> None:
        self._data += data

    def gets(self) -> Asked | Literal[False]:
        line, end, rest = self._data.partition(b"\r\n")
        words = line.split()
        if not end:
            return False
        if words[0] not in _STORING:
            self._data = rest
            return words
        size = int(words[4])
        if len(rest) < size + 2:
            return False
        self._data = rest[size + 2 :]
        return [*words, rest[:size]]


class ScriptedMemcached(Scripted):
    """One that tells its settings as a memcached would."""

    def __init__(self, say: Say) -> None:
        super().__init__(say)
        self.greet: Callable[[Asked], bytes | None] = greeted

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def reader(self) -> Commands:
        return Commands()


@asynccontextmanager
async def scripted(say: Say = nothing) -> AsyncGenerator[ScriptedMemcached]:
    """A server, until it is left."""
    async with serving(ScriptedMemcached(say)) as server:
        yield server
