"""The same cache for callers that block: scripts, workers, threads."""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, cast, overload

from cachekit.call import loader_of, several
from cachekit.engine import Engine
from cachekit.invalidation import Key, Target
from cachekit.missing import MISSING, IsMissing
from cachekit.options import Format, Lifetime, Options, Ttl
from cachekit.runtime import drive, in_thread
from cachekit.source import Source
from cachekit.view import CacheEntry, EntryMetadata

T = TypeVar("T")
D = TypeVar("D")


class SyncCache:
    """`cache.sync`: each method is the blocking face of the method of `Cache` with its name.

    Hits, loads and flights are shared with those who await. Where the backend does I/O, the event
    loop that opened it does that; without one, a thread of the cache's own. On a thread whose event
    loop is running nothing here waits for another's load, and with a backend that does I/O what
    forgets raises: `await` the method of `Cache` there.
    """

    def __init__(self, engine: Engine, source: Source) -> None:
        self._engine = engine
        self._source = source

    @overload
    def get(self, key: str, **form: Unpack[Format]) -> Any: ...
    @overload
    def get(self, key: str, default: D, **form: Unpack[Format]) -> Any | D: ...
    @overload
    def get(self, key: str, *, type: type[T], **form: Unpack[Format]) -> T | None: ...
    @overload
    def get(self, key: str, default: D, *, type: type[T], **form: Unpack[Format]) -> T | D: ...
    @overload
    def get(self, key: str, default: Any = ..., *, type: Any, **form: Unpack[Format]) -> Any: ...
    def get(
        self, key: str, default: Any = None, *, type: Any = MISSING, **form: Unpack[Format]
    ) -> Any:
        engine = self._engine
        if engine.store.is_near and type is MISSING and not form:
            value = engine.glance(key, engine.own)
            if value is not MISSING:
                return value
        return drive(engine.reader.get(engine.look_at(key, type, form, in_thread()), default))

    @overload
    def get_many(self, keys: Iterable[str], **form: Unpack[Format]) -> dict[str, Any]: ...
    @overload
    def get_many(
        self, keys: Iterable[str], *, type: type[T], **form: Unpack[Format]
    ) -> dict[str, T]: ...
    @overload
    def get_many(
        self, keys: Iterable[str], *, type: Any, **form: Unpack[Format]
    ) -> dict[str, Any]: ...
    def get_many(
        self, keys: Iterable[str], *, type: Any = MISSING, **form: Unpack[Format]
    ) -> dict[str, Any]:
        return drive(self._engine.get_all(keys, type, form, in_thread()))

    def exists(self, key: str, *, type: Any = MISSING, **form: Unpack[Format]) -> bool:
        return drive(self._engine.exists(self._engine.look_at(key, type, form, in_thread())))

    def get_or_set(
        self,
        key: str,
        loader: Callable[[], T],
        *,
        tags: Iterable[str] = (),
        accept: Callable[[CacheEntry], bool] | None = None,
        **options: Unpack[Options],
    ) -> T:
        """The loader runs in this thread; a refresh in the background in one of its own."""
        engine = self._engine
        policy, load = engine.policies.of(options), loader_of(loader)
        value: Any = MISSING
        if engine.store.is_near and tags == () and accept is None:
            value = engine.glance(key, policy.caller)
        if value is MISSING:
            call = engine.call(key, in_thread(), tags=tags, policy=policy, load=load, accept=accept)
            value = drive(engine.answer(call))
        return cast("T", value)

    def get_or_set_many(
        self,
        keys: Iterable[str],
        loader: Callable[[list[str]], Mapping[str, T]],
        *,
        tags: Iterable[str] = (),
        **options: Unpack[Options],
    ) -> dict[str, T]:
        """The loader runs in this thread."""
        policy = self._engine.policies.of(options)
        work = self._engine.get_or_set_all(
            keys, loader_of(loader, "of a list of keys"), tags, policy, in_thread()
        )
        return drive(work)

    def entry(self, key: str, *, type: Any = MISSING, **form: Unpack[Format]) -> CacheEntry | None:
        return drive(self._engine.entry(self._engine.look_at(key, type, form, in_thread()), key))

    def metadata(self, key: str) -> EntryMetadata | None:
        return drive(self._engine.metadata(key, in_thread()))

    def ping(self) -> bool:
        return drive(self._engine.ping(in_thread()))

    def touch(self, key: str, ttl: Ttl | IsMissing = MISSING) -> bool:
        return drive(self._engine.touch(key, ttl, in_thread()))

    def set(
        self,
        key: str,
        value: Any,
        *,
        tags: Iterable[str] = (),
        **options: Unpack[Lifetime],
    ) -> None:
        policy = self._engine.policies.to_set(options)
        drive(self._engine.set_all({key: value}, tags, policy, in_thread()))

    def set_many(
        self,
        values: Mapping[str, Any],
        *,
        tags: Iterable[str] = (),
        **options: Unpack[Lifetime],
    ) -> None:
        drive(
            self._engine.set_all(values, tags, self._engine.policies.to_set(options), in_thread())
        )

    def add(
        self,
        key: str,
        value: Any,
        *,
        tags: Iterable[str] = (),
        **options: Unpack[Lifetime],
    ) -> bool:
        engine = self._engine
        call = engine.call(key, in_thread(), tags=tags, policy=engine.policies.to_set(options))
        return drive(engine.add(key, call, value))

    def delete(self, key: str, *, barrier: bool = False) -> None:
        self.delete_many([key], barrier=barrier)

    def delete_many(self, keys: Iterable[str], *, barrier: bool = False) -> None:
        self.invalidate(*(Key(key) for key in several("keys", keys)), barrier=barrier)

    def invalidate(self, *targets: Target, barrier: bool = False) -> None:
        drive(self._engine.invalidate(targets, in_thread(), barrier=barrier))

    def emit(self, event: Any, *, barrier: bool = False) -> tuple[Target, ...]:
        return drive(self._engine.emit(event, in_thread(), barrier=barrier))

    def clear(self, *, barrier: bool = False) -> None:
        drive(self._engine.clear(in_thread(), barrier=barrier))

    @contextmanager
    def deferred(self) -> Generator[None]:
        scope, error = self._engine.begin_scope(), None
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            drive(self._engine.end_scope(scope, error, in_thread()))

    def open(self) -> None:
        drive(self._engine.open(in_thread()))

    def close(self) -> None:
        drive(self._engine.close(in_thread()))
        self._source.forget()
        self._engine.forget_homes()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
