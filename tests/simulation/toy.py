"""A cache as it is often written, wrong under every fault: it shows that the checker sees."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from cachekit.backend import Backend, Write
from cachekit.entry import Entry, Kind
from cachekit.errors import InvalidationError

DEADLINE: Final = 0.25


class Plain:
    """A function, and how all that it has cached is forgotten."""

    def __init__(self, call: Callable[..., Awaitable[Any]], cache: "CacheAside") -> None:
        self._call = call
        self._cache = cache

    async def __call__(self, *args: Any) -> Any:
        return await self._call(*args)

    async def clear(self) -> None:
        await self._cache.clear()


class CacheAside:
    """Look, else load and store, whatever happened meanwhile. Tags are forgotten by clearing."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._keys: set[str] = set()

    async def get(self, key: str, default: object = None) -> object:
        try:
            found = await asyncio.wait_for(self._backend.read([f"v:{key}"]), DEADLINE)
        except OSError:
            return default
        entry = found.get(f"v:{key}")
        return entry.payload.decode() if isinstance(entry, Entry) and entry.payload else default

    def peek(self, key: str, default: object) -> object:
        return default

    async def get_many(self, keys: Iterable[str]) -> Mapping[str, object]:
        found = {key: await self.get(key) for key in keys}
        return {key: value for key, value in found.items() if value is not None}

    async def exists(self, key: str) -> bool:
        return await self.get(key) is not None

    async def get_or_set(
        self, key: str, load: Callable[[], Awaitable[str]], **options: Any
    ) -> object:
        value = await self.get(key)
        if value is None:
            value = await load()
            with suppress(InvalidationError):
                await self._write(key, self._entry(value))
        return value

    async def get_or_set_many(
        self, keys: Iterable[str], load: Callable[[list[str]], Awaitable[Any]], **options: Any
    ) -> Any:
        return await load(list(keys))

    async def entry(self, key: str) -> None:
        return None

    def cached(self, *, key: str, **options: Any) -> Any:
        return lambda load: Plain(lambda *args: self.get_or_set(key, lambda: load(*args)), self)

    def cached_many(self, **options: Any) -> Any:
        return lambda load: Plain(load, self)

    async def set(self, key: str, value: str, **options: Any) -> None:
        await self._write(key, self._entry(value))

    async def set_many(self, values: Mapping[str, str], **options: Any) -> None:
        for key, value in values.items():
            await self.set(key, value)

    async def add(self, key: str, value: str, **options: Any) -> bool:
        return False

    async def touch(self, key: str, *ttl: float) -> bool:
        return False

    async def delete(self, key: str) -> None:
        await self._write(key, None)

    async def delete_many(self, keys: Iterable[str]) -> None:
        for key in keys:
            await self.delete(key)

    async def invalidate(self, *targets: object) -> None:
        await self.clear()

    async def clear(self) -> None:
        for key in sorted(self._keys):
            await self.delete(key)

    async def close(self) -> None:
        pass

    @staticmethod
    def _entry(value: Any) -> Entry:
        entry = Entry(Kind.VALUE, keep=10.0)
        entry.payload = str(value).encode()
        return entry

    async def _write(self, key: str, entry: Entry | None) -> None:
        self._keys.add(key)
        try:
            await asyncio.wait_for(self._backend.write([Write(f"v:{key}", entry)]), DEADLINE)
        except OSError as error:
            raise InvalidationError("write", [key], error) from error
