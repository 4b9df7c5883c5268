"""Where the processes keep what they cache."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cachekit import Cache
from cachekit.backend import ANY, FORGET_PREFIX, Backend, C, Capability, Found, Outcome, Write
from cachekit.entry import Kind
from cachekit.registry import backend_from

DEADLINE: Final = 10.0
"""Seconds: a machine with too much to do must not look like a store that is down."""


@dataclass(frozen=True)
class Store:
    """What one URL names; each process connects to it by itself.

    The URL says what is needed so that nobody else meets these entries, and that the backend
    gives up no earlier than after `DEADLINE`. `plain`: values are stored whatever has happened
    meanwhile, which is wrong, and must be seen to be.
    """

    url: str
    plain: bool = False

    def cache(self) -> Cache:
        backend = backend_from(self.url)
        used = PlainFills(backend) if self.plain else backend
        return Cache(used, namespace="races", deadline=DEADLINE)

    @property
    def has_prefixes(self) -> bool:
        """Whether it can forget by prefix."""
        return backend_from(self.url).capability(FORGET_PREFIX) is not None


class PlainFills(Backend):
    """Passes all on to `backend`, values without the condition under which to store them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def read(self, keys: Sequence[str]) -> Found:
        return await self._backend.read(keys)

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return await self._backend.write([_plain(write) for write in writes])

    async def open(self) -> None:
        await self._backend.open()

    async def close(self) -> None:
        await self._backend.close()

    def capability(self, wanted: Capability[C]) -> C | None:
        return self._backend.capability(wanted)


def _plain(write: Write) -> Write:
    if write.entry is None or write.entry.kind is not Kind.VALUE:
        return write
    return write._replace(expected=ANY)
