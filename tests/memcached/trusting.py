"""A backend that is wrong: to it a CAS id says what is under a key."""

from collections.abc import Sequence

from cachekit.backend import DONE, REFUSED, Backend, C, Capability, Found, Outcome, Write
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack
from cachekit_memcached.names import name_of
from tests.servers.memcached import MemcachedServer


def cas_id(server: MemcachedServer, key: str) -> bytes:
    """That of what is under `key` now."""
    with server.client() as client:
        _, found = client.gets(_name(key))
    assert isinstance(found, bytes), "nothing is there"
    return found


class TrustsIds(Backend):
    """Fills where what is there has the CAS id that the stub had, and compares nothing."""

    def __init__(self, inner: Backend, server: MemcachedServer) -> None:
        self._inner = inner
        self._server = server
        self._ids: dict[object, bytes] = {}

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    def capability(self, wanted: Capability[C]) -> C | None:
        return self._inner.capability(wanted)

    async def read(self, keys: Sequence[str]) -> Found:
        return await self._inner.read(keys)

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return [await self._write(write) for write in writes]

    async def _write(self, write: Write) -> Outcome:
        if write.entry is not None and write.expected in self._ids:
            return self._fill(write.key, write.entry, self._ids[write.expected])
        (outcome,) = await self._inner.write([write])
        if outcome is DONE and write.entry is not None and write.entry.kind is Kind.STUB:
            self._ids[write.entry.version] = cas_id(self._server, write.key)
        return outcome

    def _fill(self, key: str, entry: Entry, expected: bytes) -> Outcome:
        with self._server.client() as client:
            return DONE if client.cas(_name(key), pack(key, entry), expected) else REFUSED


def _name(key: str) -> bytes:
    return name_of(b"ck:", key)
