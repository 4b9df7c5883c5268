"""A cache on a dict of bytes, to which anybody may write."""

import asyncio
from collections.abc import Iterator, Sequence
from math import inf
from typing import Any, Final, NamedTuple

from cachekit import MISSING, Cache, Serializer, Step
from cachekit.codec import Codec, context_of
from cachekit.entry import Entry
from cachekit.envelope import pack, unpack
from cachekit.signing import Signing
from cachekit.testing import FakeClock
from cachekit_aesgcm import AesGcmEncryption
from cachekit_msgpack import MsgpackSerializer
from cachekit_orjson import OrjsonSerializer
from cachekit_pickle import PickleSerializer
from cachekit_pydantic import PydanticSerializer
from cachekit_zstd import ZstdCompression
from tests.authors.shelf import ShelfBackend

KEYS: Final = [bytes(range(32))]
K, OTHER = "v:test:k", "v:test:other"
VALUE: Final = ["value", 1, None]
ANOTHER: Final = ["another", 2, None]
LOADED: Final = ["loaded", 3, None]


class Format(NamedTuple):
    """A serializer and its steps; `guarded`: nobody without a key makes bytes that it reads."""

    serializer: Serializer
    steps: tuple[Step, ...]

    @property
    def id(self) -> str:
        return Codec(self.serializer, self.steps).id

    @property
    def guarded(self) -> bool:
        guards = (Signing, AesGcmEncryption)
        return self.guarded_alone or any(isinstance(step, guards) for step in self.steps)

    @property
    def guarded_alone(self) -> bool:
        """Whether that is so without the steps, too."""
        return isinstance(self.serializer, PickleSerializer)


def serializers() -> list[Serializer]:
    return [
        MsgpackSerializer(),
        OrjsonSerializer(),
        PydanticSerializer(list[str | int | None]),
        PickleSerializer(KEYS),
    ]


def steps() -> dict[str, tuple[Step, ...]]:
    """None, each one alone, and all of them, by name."""
    signing, zstd, aesgcm = Signing(KEYS), ZstdCompression(threshold=8), AesGcmEncryption(KEYS)
    return {
        "alone": (),
        "signed": (signing,),
        "compressed": (zstd,),
        "encrypted": (aesgcm,),
        "all": (zstd, signing, aesgcm),
    }


def formats(name: str) -> list[Format]:
    """Each serializer, with the steps of that name."""
    return [Format(serializer, steps()[name]) for serializer in serializers()]


def every_format() -> list[Format]:
    return [form for name in steps() for form in formats(name)]


class Lab:
    """One cache of a format, and what is under its keys."""

    def __init__(self, form: Format, limit: int = 2**24) -> None:
        self.form = form
        self.loads = 0
        self.backend = ShelfBackend(FakeClock())
        self.loop = asyncio.new_event_loop()
        self.cache = Cache(
            self.backend,
            namespace="test",
            clock=self.backend.clock,
            serializer=form.serializer,
            steps=form.steps,
            max_value_bytes=limit,
        )
        self.do(self.cache.set("k", VALUE))
        self.do(self.cache.set("other", ANOTHER))
        self._first = self.entry()

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def bytes_of(self, key: str = K) -> bytes:
        """The envelope that the cache has put there."""
        data = self.backend.bytes_of(key)
        assert data is not None
        return data

    def entry(self, key: str = K) -> Entry:
        return unpack(key, self.bytes_of(key), self.backend.clock)

    def with_payload(self, payload: bytes) -> bytes:
        """An envelope that is in order, but for what is in it."""
        self._first.payload = payload
        return pack(K, self._first)

    def payloads(self, data: bytes) -> Iterator[bytes]:
        """`data` as it is, and passed through all steps, all but the first, and so on."""
        steps, context = self.form.steps, context_of(K, self._first)
        for first in range(len(steps) + 1):
            made = data
            for step in steps[first:]:
                made = step.encode(made, context)
            yield made

    def put(self, data: bytes) -> None:
        """Have it under `K`, whoever made it."""
        self.backend.table[K] = data, inf

    def load(self) -> Any:
        self.loads += 1
        return LOADED

    def refused(self, data: bytes) -> str:
        """What is wrong with a `get` and a load where `data` is: `""` if it does no harm."""
        return self.read(data) or self.do(self._healed(data))

    def read(self, data: bytes, *allowed: Any) -> str:
        """The same for a `get`: it is a miss that is counted, or one of the values `allowed`."""
        return self.do(self._read(data, allowed))  # type: ignore[no-any-return]

    def harmless(self, data: bytes) -> str:
        """The same where anything may be read: other data, made of bytes that nobody signed."""
        wrong = self.read(data)
        return "" if wrong.startswith("was read as") else wrong

    async def _read(self, data: bytes, allowed: Sequence[Any]) -> str:
        self.put(data)
        before = self.cache.stats()
        found = await self.cache.get("k", MISSING)
        await self._settled()
        if found is not MISSING:
            return "" if found in allowed else f"was read as {found!r:.100}"
        after = self.cache.stats()
        if after.unreadable > before.unreadable:
            return "is still there" if self.backend.bytes_of(K) else ""
        return "" if after.foreign > before.foreign else "is a miss that is not counted"

    async def _settled(self) -> None:
        """What cannot be read is deleted behind the callers' backs."""
        later = set(self.cache._engine.store._later)
        if later:
            await asyncio.wait(later)

    async def _healed(self, data: bytes) -> str:
        self.put(data)
        self.loads = 0
        found = [await self.cache.get_or_set("k", self.load) for _ in range(2)]
        found.append(await self.cache.get("k"))
        await self._settled()
        if (found, self.loads) == ([LOADED] * 3, 1):
            return ""
        return f"gave {found!r:.100} after {self.loads} loads"

    def close(self) -> None:
        self.do(self.cache.close())
        self.loop.close()
