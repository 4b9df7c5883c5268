"""`Cache`: the one object in front of any backend."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, ParamSpec, Protocol, Self, TypeVar, overload

from cachekit.builder import compile_key
from cachekit.cached import AsyncCached, Cached
from cachekit.call import loader_of, several
from cachekit.clock import SYSTEM, Clock
from cachekit.decorator import Function, decorate, unwrapped
from cachekit.disabled import NoBackend
from cachekit.engine import Engine
from cachekit.invalidation import EventMap, Invalidator, Key, Target, invalidators_of
from cachekit.keys import check_namespace
from cachekit.missing import MISSING, IsMissing
from cachekit.policy import Duration, Policy, Ttl, fraction, seconds, seconds_or_never
from cachekit.registry import serializer_of
from cachekit.runtime import ON_LOOP
from cachekit.serializer import Serializer
from cachekit.source import BackendSpec, Source
from cachekit.stats import Stats
from cachekit.sync import SyncCache

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
D = TypeVar("D")
H = TypeVar("H", bound=Callable[..., Any])


class Decorator(Protocol):
    """What `cache.cached(...)` returns: give it a function."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> AsyncCached[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Cached[P, R]: ...
    @overload
    def __call__(
        self, function: "classmethod[Any, ..., Any] | staticmethod[..., Any]", /
    ) -> Any: ...


class Cache:
    """A cache in front of any function: `get_or_set`, `@cached`, and what forgets.

    - `backend`: a URL (`"memory://?max_entries=10000"`), a `Backend`, or a callable that makes one
      when the cache opens. Nothing: in this process.
    - `namespace`: what its keys begin with. Required unless the store is in this process.
    - `ttl`: seconds or a `timedelta`; `None` never expires. `jitter`: the part of it, from 0 to 1,
      that may be taken off at random, so that not all expires at once.
    - `load_timeout`: how long a load may take before everyone who waits for it gets a
      `TimeoutError`. (A plain `def` cannot be stopped; who called it gets its value, late.)
    - `deadline`: how long one operation of a backend that does I/O may take.
    - `serializer`: a `Serializer` or the name of an installed one.
    - `invalidators`: functions of an event that say what to forget; see `emit`.
    - `share`: hand out the very object that is cached, not a copy for each caller.
    - `disabled`: every call loads, nothing is stored.

    It opens by itself at first use; `async with cache:` also closes it. It may be used from any
    event loop and any thread; `cache.sync` is the same cache for callers that block.
    """

    def __init__(
        self,
        backend: BackendSpec | None = None,
        *,
        namespace: str | None = None,
        ttl: Duration | None = 300.0,
        jitter: float = 0.0,
        load_timeout: Duration = 30.0,
        deadline: Duration = 0.25,
        serializer: Serializer | str = "msgpack",
        invalidators: Invalidator | Iterable[Invalidator] = (),
        share: bool = False,
        clock: Clock = SYSTEM,
        disabled: bool = False,
    ) -> None:
        self._events = EventMap()
        self._source = Source(
            NoBackend() if disabled else "memory://" if backend is None else backend
        )
        self._engine = Engine(
            self._source,
            namespace=None if namespace is None else check_namespace(namespace),
            policy=Policy(
                ttl=seconds_or_never("ttl", ttl),
                serializer=serializer_of(serializer),
                jitter=fraction("jitter", jitter),
                load_timeout=seconds("load_timeout", load_timeout),
                share=share,
            ),
            deadline=seconds("deadline", deadline),
            clock=clock,
            invalidators=invalidators_of(invalidators),
            disabled=disabled,
        )
        if self._source.known:
            self._engine.backend()
        self.sync = SyncCache(self._engine, self._source)

    # -- reading

    @overload
    async def get(self, key: str) -> Any: ...
    @overload
    async def get(self, key: str, default: D) -> Any | D: ...
    async def get(self, key: str, default: Any = None) -> Any:
        """What is under `key`, or `default`: give `MISSING` to tell it from a cached `None`.

        Never raises for a backend that fails.
        """
        value = await self._engine.reader.get(self._engine.call(key, ON_LOOP))
        return default if value is MISSING else value

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """What is under `keys`, in one read; missing keys are missing."""
        return await self._engine.get_all(keys, ON_LOOP)

    async def exists(self, key: str) -> bool:
        """Whether `get` would find a value; False if the backend fails."""
        return await self._engine.exists(self._engine.call(key, ON_LOOP))

    @overload
    async def get_or_set(
        self,
        key: str,
        loader: Callable[[], Awaitable[T]],
        *,
        ttl: Ttl = ...,
        tags: Iterable[str] = ...,
    ) -> T: ...
    @overload
    async def get_or_set(
        self,
        key: str,
        loader: Callable[[], T],
        *,
        ttl: Ttl = ...,
        tags: Iterable[str] = ...,
    ) -> T: ...
    async def get_or_set(
        self,
        key: str,
        loader: Callable[[], Any],
        *,
        ttl: Ttl = MISSING,
        tags: Iterable[str] = (),
    ) -> Any:
        """What is under `key`, or what `loader()` gives, which is then stored with `tags`.

        However many callers ask at once, one load runs; each gets a value of its own. Raises only
        what the loader raised, or `TimeoutError` if it took longer than `load_timeout`.
        """
        policy = self._engine.policy_for(ttl)
        return await self._engine.answer(
            self._engine.call(key, ON_LOOP, tags=tags, policy=policy, load=loader_of(loader))
        )

    # -- writing

    async def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: Ttl = MISSING,
        tags: Iterable[str] = (),
    ) -> None:
        """Store `value`. The last writer wins: to follow a database, `invalidate` instead.

        Raises `EncodeError` for a value that cannot be stored, `InvalidationError` if the store
        did not acknowledge.
        """
        await self._engine.set_all({key: value}, tags, self._engine.policy_for(ttl), ON_LOOP)

    async def set_many(
        self,
        values: Mapping[str, Any],
        *,
        ttl: Ttl = MISSING,
        tags: Iterable[str] = (),
    ) -> None:
        """Like `set` for each; one that cannot be stored harms no other, and raises at the end."""
        await self._engine.set_all(values, tags, self._engine.policy_for(ttl), ON_LOOP)

    async def add(
        self,
        key: str,
        value: Any,
        *,
        ttl: Ttl = MISSING,
        tags: Iterable[str] = (),
    ) -> bool:
        """Store `value` if there is none. False if there is one, or the backend fails."""
        call = self._engine.call(key, ON_LOOP, tags=tags, policy=self._engine.policy_for(ttl))
        return await self._engine.add(key, call, value)

    # -- forgetting

    async def delete(self, key: str) -> None:
        """Forget what is under `key`; raises `InvalidationError` if not acknowledged."""
        await self.delete_many([key])

    async def delete_many(self, keys: Iterable[str]) -> None:
        """Forget what is under `keys`; raises `InvalidationError` naming those that remain."""
        await self._engine.invalidate([Key(key) for key in several("keys", keys)], ON_LOOP)

    async def invalidate(self, *targets: Target) -> None:
        """Forget every `Key`, `Tag` and `Prefix` of `targets`.

        No call that starts after this has returned gets an older value, not even from a load that
        had begun before. Raises `InvalidationError` naming what was not acknowledged; once begun it
        goes on even if its caller is cancelled.
        """
        await self._engine.invalidate(targets, ON_LOOP)

    async def emit(self, event: Any) -> tuple[Target, ...]:
        """Tell the invalidators what happened; what they name is forgotten, and returned."""
        return await self._engine.emit(event, ON_LOOP)

    async def clear(self) -> None:
        """Forget everything in this namespace."""
        await self._engine.clear(ON_LOOP)

    def on(self, *event_types: type[Any]) -> Callable[[H], H]:
        """Register the decorated function as what to forget when such an event is emitted."""
        if self._events not in self._engine.invalidators:
            self._engine.invalidators.append(self._events)
        return self._events.on(*event_types)

    @asynccontextmanager
    async def deferred(self) -> AsyncGenerator[None]:
        """Gather what forgets inside the block and apply it when the block ends, however it does.

        Put it around a database transaction. Inside, what is pending is not read, nothing that is
        loaded is stored or shared, and a `set` counts as a `delete`.
        """
        scope, error = self._engine.begin_scope(), None
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            await self._engine.end_scope(scope, error, ON_LOOP)

    # -- functions

    @overload
    def cached(  # type: ignore[overload-overlap]
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> AsyncCached[P, R]: ...
    @overload
    def cached(self, function: Callable[P, R], /) -> Cached[P, R]: ...
    @overload
    def cached(
        self,
        *,
        key: str | Callable[..., str] | None = ...,
        ttl: Ttl = ...,
        tags: Iterable[str] = ...,
        ignore: Iterable[str] = ...,
        ignore_self: bool = ...,
        name: str | None = ...,
        jitter: float | IsMissing = ...,
        load_timeout: Duration | IsMissing = ...,
        serializer: Serializer | str | IsMissing = ...,
        share: bool | IsMissing = ...,
    ) -> Decorator: ...
    def cached(
        self,
        function: Any = None,
        *,
        key: str | Callable[..., str] | None = None,
        ttl: Ttl = MISSING,
        tags: Iterable[str] = (),
        ignore: Iterable[str] = (),
        ignore_self: bool = False,
        name: str | None = None,
        jitter: float | IsMissing = MISSING,
        load_timeout: Duration | IsMissing = MISSING,
        serializer: Serializer | str | IsMissing = MISSING,
        share: bool | IsMissing = MISSING,
    ) -> Any:
        """Cache what a function returns, by its arguments. `async def` and `def`, methods too.

        - `key`: a template of the parameters, `"product:{product_id}"`, or a function of the
          arguments. Without it, the key is the function's name and all of its arguments.
        - `tags`: names, or templates of what the key uses, for `invalidate(Tag(...))`.
        - `ignore`: parameters that do not count; `ignore_self`: nor does a method's object.
        - `name`: instead of where the function is defined.
        - the others as for `Cache`.

        The function gets `.key`, `.get`, `.set`, `.invalidate`, `.refresh`, which take its
        arguments, `.info` and `.__wrapped__`. `ConfigurationError` says what cannot be.
        """
        policy = self._engine.policy_for(
            ttl, jitter=jitter, load_timeout=load_timeout, serializer=serializer, share=share
        )
        names = several("tags", tags)

        def wrap(decorated: Any) -> Any:
            inner, binds = unwrapped(decorated)
            compiled = compile_key(
                inner,
                namespace=self._engine.namespace,
                key=key,
                name=name,
                ignore=(ignore,) if isinstance(ignore, str) else tuple(ignore),
                ignore_self=ignore_self,
                method=binds in ("method", "class"),
                tags=names,
            )
            where = f"{inner.__module__}.{getattr(inner, '__qualname__', compiled.name)}"
            self._engine.register(key if isinstance(key, str) else compiled.name, where)
            return decorate(Function(self._engine, inner, compiled, policy), binds)

        return wrap if function is None else wrap(function)

    # -- life

    def stats(self) -> Stats:
        """The figures so far."""
        return self._engine.ledger.snapshot()

    async def open(self) -> None:
        """Open the backend, on this event loop; raises what it raises. Not needed before use."""
        await self._engine.open(ON_LOOP)

    async def close(self) -> None:
        """Give up loads under way and let go of the backend; the last cache of it closes it."""
        await self._engine.close(ON_LOOP)
        self._source.forget()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
