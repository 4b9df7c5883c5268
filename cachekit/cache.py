"""`Cache`: the one object in front of any backend."""

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
)
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Concatenate, Literal, ParamSpec, Self, TypeVar, Unpack, overload

from cachekit.cached import AsyncCached, Cached, Decorator
from cachekit.cached_many import (
    AsyncCachedMany,
    AsyncCachedManyMethod,
    CachedMany,
    CachedManyMethod,
    ManyDecorator,
)
from cachekit.call import loader_of, several
from cachekit.clock import SYSTEM, Clock
from cachekit.decorator import Function, awaiting, blocking
from cachekit.disabled import NoBackend
from cachekit.engine import Engine
from cachekit.errors import ConfigurationError
from cachekit.invalidation import EventMap, Invalidator, Key, Target, invalidators_of
from cachekit.keys import check_namespace
from cachekit.listeners import Listener
from cachekit.many import ManyFunction
from cachekit.methods import bound_as, unwrapped
from cachekit.missing import MISSING, IsMissing
from cachekit.naming import FunctionOptions, Naming
from cachekit.options import Duration, Format, Lifetime, Options, Ttl, count, seconds
from cachekit.policy import default_policy
from cachekit.runtime import ON_LOOP
from cachekit.signature import is_async
from cachekit.source import BackendSpec, Source
from cachekit.stats import Stats
from cachekit.sync import SyncCache
from cachekit.view import CacheEntry, EntryMetadata

K = TypeVar("K")
P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")
D = TypeVar("D")
H = TypeVar("H", bound=Callable[..., Any])


class Cache:
    """A cache in front of any function: `get_or_set`, `@cached`, and what forgets.

    - `backend`: a URL (`"memory://?max_entries=10000"`), a `Backend`, a list of two of these, the
      nearest first, or a callable that makes one when the cache opens. Nothing: in this process.
    - `namespace`: what its keys begin with. Required unless the store is in this process.
    - `deadline`: how long one operation of a backend that does I/O may take.
    - `invalidators`: functions of an event that say what to forget; see `emit`.
    - `listeners`: hear of hits, misses and loads; see `Listener`.
    - `max_loads`: how many loads may run at once in this process; others wait for their turn.
      Loads inside of loads do not count.
    - `on_error`: what becomes of a read that the store does not answer: `"load"`, as if there were
      nothing, or `"raise"` a `BackendError`.
    - `on_unacked`: what becomes of an invalidation that the store does not acknowledge: `"raise"`
      an `InvalidationError`, or, with `"journal"`, a line in the log. Either way it is carried out
      before this process asks the store for anything again.
    - `disabled`: every call loads, nothing is stored.

    The `options` are defaults for every value, and can be given for each function and call, too:

    - `ttl`: how long a value is fresh, from the end of its load: seconds or a `timedelta`; `None`:
      for good; 300 seconds if not given. Or a function of the value that says so; 0 or less: it is
      not stored. `none_ttl`: the ttl of a `None`.
    - `jitter`: the part of the ttl, from 0 to 1, that may be taken off at random, so that not all
      expires at once.
    - `stale_while_revalidate`: for how long after its ttl a value is still served at once, while
      it is loaded anew behind the callers' backs (RFC 5861).
    - `stale_if_error`: for how long after its ttl a value is still served if loading it anew fails.
    - `early_refresh`: how many load times before its end, on average, a value that is in use is
      loaded anew; 0, the default: it is not. Each process draws a moment of its own.
    - `load_timeout`: how long a load may take before everyone who waits for it gets a
      `TimeoutError`; 30 seconds. (A plain `def` cannot be stopped; who called it gets its value,
      late.) `soft_timeout`: how long a caller waits if there is a value that `stale_if_error`
      allows; the load goes on.
    - `when`: a function of the value; what it says no to is not stored.
    - `serializer`: a `Serializer` or the name of an installed one, `"msgpack"` if not given; then a
      function that is annotated to return a class of its own gets one by pydantic, where that is
      installed. `type`: an annotation that decides in the same way, for values by hand.
    - `steps`: what the serializer's bytes pass through, in this order: compression, signing,
      encryption; see `Step`.
    - `max_value_bytes`: the most bytes that a serializer makes of a value, and that are read, once
      expanded; 16 MiB. What has more is served and not stored.
    - `share`: hand out the very object that is cached, not a copy for each caller.
    - `version`: what another version of a function has stored is not served.
    - `skip_l1`: in a chain of stores, no process keeps a copy of the value.

    It opens by itself at first use; `async with cache:` also closes it. It may be used from any
    event loop and any thread; `cache.sync` is the same cache for callers that block.
    """

    def __init__(
        self,
        backend: BackendSpec | None = None,
        *,
        namespace: str | None = None,
        deadline: Duration = 0.25,
        invalidators: Invalidator | Iterable[Invalidator] = (),
        listeners: Iterable[Listener] = (),
        max_loads: int | None = None,
        on_error: Literal["load", "raise"] = "load",
        on_unacked: Literal["raise", "journal"] = "raise",
        clock: Clock = SYSTEM,
        disabled: bool = False,
        **options: Unpack[Options],
    ) -> None:
        self._events = EventMap()
        self._source = Source(
            NoBackend() if disabled else "memory://" if backend is None else backend
        )
        self._engine = Engine(
            self._source,
            namespace=None if namespace is None else check_namespace(namespace),
            policy=default_policy(options),
            deadline=seconds("deadline", deadline),
            clock=clock,
            invalidators=invalidators_of(invalidators),
            listeners=tuple(listeners),
            max_loads=None if max_loads is None else count("max_loads", max_loads),
            raises=_one_of("on_error", on_error, "load", "raise") == "raise",
            journals=_one_of("on_unacked", on_unacked, "raise", "journal") == "journal",
            disabled=disabled,
        )
        if self._source.known:
            self._engine.backend()
        self.sync: SyncCache = SyncCache(self._engine, self._source)
        """The same cache for callers that block."""

    # -- reading

    @overload
    async def get(self, key: str, **form: Unpack[Format]) -> Any: ...
    @overload
    async def get(self, key: str, default: D, **form: Unpack[Format]) -> Any | D: ...
    @overload
    async def get(self, key: str, *, type: type[T], **form: Unpack[Format]) -> T | None: ...
    @overload
    async def get(
        self, key: str, default: D, *, type: type[T], **form: Unpack[Format]
    ) -> T | D: ...
    @overload
    async def get(
        self, key: str, default: Any = ..., *, type: Any, **form: Unpack[Format]
    ) -> Any: ...
    async def get(
        self, key: str, default: Any = None, *, type: Any = MISSING, **form: Unpack[Format]
    ) -> Any:
        """What is under `key`, or `default`: give `MISSING` to tell it from a cached `None`.

        With `type`, what a function that is annotated to return exactly that has stored, or a `set`
        with that `type`; with `serializer` and `steps`, what was stored with those; of whatever
        `version`. Never raises for a backend that fails.
        """
        engine = self._engine
        if engine.store.is_near and type is MISSING and not form:
            value = engine.glance(key, engine.own)
            if value is not MISSING:
                return value
        return await engine.reader.get(engine.look_at(key, type, form, ON_LOOP), default)

    def peek(
        self, key: str, default: Any = None, *, type: Any = MISSING, **form: Unpack[Format]
    ) -> Any:
        """What `get` would give, if that can be told at once in any thread, else `default`.

        Nothing is awaited, opened or counted as a miss: what is not in this process is not seen.
        """
        value = self._engine.reader.peek(self._engine.look_at(key, type, form, ON_LOOP))
        return default if value is MISSING else value

    def peeker(self, *, type: Any = MISSING, **form: Unpack[Format]) -> Callable[[str], Any]:
        """`peek` for one format, as a function of the key that gives `MISSING` for nothing.

        For who peeks at every request: what the format says is worked out once.
        """
        return self._engine.peeker(type, form)

    @overload
    async def get_many(self, keys: Iterable[str], **form: Unpack[Format]) -> dict[str, Any]: ...
    @overload
    async def get_many(
        self, keys: Iterable[str], *, type: type[T], **form: Unpack[Format]
    ) -> dict[str, T]: ...
    @overload
    async def get_many(
        self, keys: Iterable[str], *, type: Any, **form: Unpack[Format]
    ) -> dict[str, Any]: ...
    async def get_many(
        self, keys: Iterable[str], *, type: Any = MISSING, **form: Unpack[Format]
    ) -> dict[str, Any]:
        """What is under `keys`, in one read; missing keys are missing. `type`, … as for `get`."""
        return await self._engine.get_all(keys, type, form, ON_LOOP)

    async def exists(self, key: str, *, type: Any = MISSING, **form: Unpack[Format]) -> bool:
        """Whether `get`, asked alike, would find a value; False if the backend fails."""
        return await self._engine.exists(self._engine.look_at(key, type, form, ON_LOOP))

    @overload
    async def get_or_set(
        self,
        key: str,
        loader: Callable[[], Awaitable[T]],
        *,
        tags: Iterable[str] = ...,
        accept: Callable[[CacheEntry], bool] | None = ...,
        **options: Unpack[Options],
    ) -> T: ...
    @overload
    async def get_or_set(
        self,
        key: str,
        loader: Callable[[], T],
        *,
        tags: Iterable[str] = ...,
        accept: Callable[[CacheEntry], bool] | None = ...,
        **options: Unpack[Options],
    ) -> T: ...
    async def get_or_set(
        self,
        key: str,
        loader: Callable[[], Any],
        *,
        tags: Iterable[str] = (),
        accept: Callable[[CacheEntry], bool] | None = None,
        **options: Unpack[Options],
    ) -> Any:
        """What is under `key`, or what `loader()` gives, which is then stored with `tags`.

        However many callers ask at once, one load runs; each gets a value of its own. Raises only
        what the loader raised, or `TimeoutError` if it took longer than `load_timeout`.

        `accept`: a function of what is there, if that may be served; what it says no to stays for
        others, and is loaded anew for this caller: `lambda there: there.age < 10`.

        `options`: as for `Cache`. With a stale window the loader may run when its caller is gone.
        """
        engine = self._engine
        policy, load = engine.policies.of(options), loader_of(loader)
        if engine.store.is_near and tags == () and accept is None:
            value = engine.glance(key, policy.caller)
            if value is not MISSING:
                return value
        call = engine.call(key, ON_LOOP, tags=tags, policy=policy, load=load, accept=accept)
        return await engine.answer(call)

    @overload
    async def get_or_set_many(
        self,
        keys: Iterable[str],
        loader: Callable[[list[str]], Awaitable[Mapping[str, T]]],
        *,
        tags: Iterable[str] = ...,
        **options: Unpack[Options],
    ) -> dict[str, T]: ...
    @overload
    async def get_or_set_many(
        self,
        keys: Iterable[str],
        loader: Callable[[list[str]], Mapping[str, T]],
        *,
        tags: Iterable[str] = ...,
        **options: Unpack[Options],
    ) -> dict[str, T]: ...
    async def get_or_set_many(
        self,
        keys: Iterable[str],
        loader: Callable[[list[str]], Any],
        *,
        tags: Iterable[str] = (),
        **options: Unpack[Options],
    ) -> dict[str, Any]:
        """Like `get_or_set` for each key, with one read and one call of the loader.

        `loader` is called with those keys that are not there and that nobody loads already, and
        returns a mapping of what it found. What it leaves out is missing in the answer, and is
        asked for again the next time.
        """
        policy = self._engine.policies.of(options)
        return await self._engine.get_or_set_all(
            keys, loader_of(loader, "of a list of keys"), tags, policy, ON_LOOP
        )

    async def entry(
        self, key: str, *, type: Any = MISSING, **form: Unpack[Format]
    ) -> CacheEntry | None:
        """The value under `key` and what is known of it, stale or not; `None` if there is none.

        `type`, `serializer`, … as for `get`.
        """
        return await self._engine.entry(self._engine.look_at(key, type, form, ON_LOOP), key)

    async def metadata(self, key: str) -> EntryMetadata | None:
        """What is known of the value under `key`, whatever its format; `None` if there is none.

        The value itself is not decoded, so it need not be one that `get` can read.
        """
        return await self._engine.metadata(key, ON_LOOP)

    async def ping(self) -> bool:
        """Whether the store answers a read, within the deadline.

        A `get` says nothing of that: where there is no answer, it misses.
        """
        return await self._engine.ping(ON_LOOP)

    # -- writing

    async def set(
        self,
        key: str,
        value: Any,
        *,
        tags: Iterable[str] = (),
        **options: Unpack[Lifetime],
    ) -> None:
        """Store `value`. The last writer wins: to follow a database, `invalidate` instead.

        Raises `EncodeError` for a value that cannot be stored, `InvalidationError` if the store
        did not acknowledge.
        """
        await self._engine.set_all(
            {key: value}, tags, self._engine.policies.to_set(options), ON_LOOP
        )

    async def set_many(
        self,
        values: Mapping[str, Any],
        *,
        tags: Iterable[str] = (),
        **options: Unpack[Lifetime],
    ) -> None:
        """Like `set` for each; one that cannot be stored harms no other, and raises at the end."""
        await self._engine.set_all(values, tags, self._engine.policies.to_set(options), ON_LOOP)

    async def add(
        self,
        key: str,
        value: Any,
        *,
        tags: Iterable[str] = (),
        **options: Unpack[Lifetime],
    ) -> bool:
        """Store `value` if there is none. False if there is one, or the backend fails.

        One of another format, which `get` does not read, is one.
        """
        call = self._engine.call(
            key, ON_LOOP, tags=tags, policy=self._engine.policies.to_set(options)
        )
        return await self._engine.add(key, call, value)

    async def touch(self, key: str, ttl: Ttl | IsMissing = MISSING) -> bool:
        """Have what is under `key` end `ttl` seconds from now; without `ttl`, what it had.

        False if there is nothing, or, where that makes it last longer, if the backend fails. A
        shortening that was not acknowledged raises `InvalidationError`.
        """
        return await self._engine.touch(key, ttl, ON_LOOP)

    # -- forgetting

    async def delete(self, key: str, *, barrier: bool = False) -> None:
        """Forget what is under `key`; raises `InvalidationError` if not acknowledged."""
        await self.delete_many([key], barrier=barrier)

    async def delete_many(self, keys: Iterable[str], *, barrier: bool = False) -> None:
        """Forget what is under `keys`; raises `InvalidationError` naming those that remain."""
        doomed = [Key(key) for key in several("keys", keys)]
        await self._engine.invalidate(doomed, ON_LOOP, barrier=barrier)

    async def invalidate(self, *targets: Target, barrier: bool = False) -> None:
        """Forget every `Key`, `Tag` and `Prefix` of `targets`.

        No call that starts after this has returned gets an older value, not even from a load that
        had begun before. Raises `InvalidationError` naming what was not acknowledged; once begun it
        goes on even if its caller is cancelled.

        Where processes keep copies of their own, that is so for this one, and for others a little
        later (`max_staleness`). With `barrier` this returns once it is so for all.
        """
        await self._engine.invalidate(targets, ON_LOOP, barrier=barrier)

    async def emit(self, event: Any, *, barrier: bool = False) -> tuple[Target, ...]:
        """Tell the invalidators what happened; what they name is forgotten, and returned."""
        return await self._engine.emit(event, ON_LOOP, barrier=barrier)

    async def clear(self, *, barrier: bool = False) -> None:
        """Forget everything in this namespace."""
        await self._engine.clear(ON_LOOP, barrier=barrier)

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
    def cached(self, **options: Unpack[FunctionOptions]) -> Decorator: ...
    def cached(
        self,
        function: Any = None,
        **options: Unpack[FunctionOptions],
    ) -> Any:
        """Cache what a function returns, by its arguments. `async def` and `def`, methods too.

        - `key`: a template of the parameters, `"product:{product_id}"`, or a function of the
          arguments. Without it, the key is the function's name and all of its arguments.
        - `tags`: names, or templates of what the key uses, for `invalidate(Tag(...))`.
        - `ignore`: parameters that do not count; `ignore_self`: nor does a method's object.
        - `name`: instead of where the function is defined.
        - `refresh_scope`: a function that returns a context manager of arguments, by name, in
          place of those that the key leaves out: a session, say. Without it such a function is
          never run when its caller is gone: one caller refreshes what is stale, and waits.
        - `options`: as for `Cache`.

        The function gets `.key`, `.get`, `.set`, `.invalidate`, `.refresh`, which take its
        arguments, `.clear()`, which forgets all its calls, `.info` and `.__wrapped__`.
        `ConfigurationError` says what cannot be.
        """
        naming, policy = Naming.of(self._engine, options)

        def wrap(decorated: Any) -> Any:
            inner, binds = unwrapped(decorated)
            key = naming.key_of(inner, binds)
            this = Function(self._engine, inner, key, policy, naming.refresh_scope)
            return bound_as(awaiting(this) if is_async(inner) else blocking(this), binds)

        return wrap if function is None else wrap(function)

    @overload
    def cached_many(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[list[K], P], Coroutine[Any, Any, Mapping[K, R]]], /
    ) -> AsyncCachedMany[K, P, R]: ...
    @overload
    def cached_many(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[list[K], P], Mapping[K, R]], /
    ) -> CachedMany[K, P, R]: ...
    @overload
    def cached_many(
        self,
        function: Callable[Concatenate[S, list[K], P], Coroutine[Any, Any, Mapping[K, R]]],
        /,
    ) -> AsyncCachedManyMethod[S, K, P, R]: ...
    @overload
    def cached_many(
        self, function: Callable[Concatenate[S, list[K], P], Mapping[K, R]], /
    ) -> CachedManyMethod[S, K, P, R]: ...
    @overload
    def cached_many(self, **options: Unpack[FunctionOptions]) -> ManyDecorator: ...
    def cached_many(
        self,
        function: Any = None,
        **options: Unpack[FunctionOptions],
    ) -> Any:
        """Cache a function of a list of ids, which returns a mapping of those it found.

        Each id is a key of its own: in `key` and `tags`, the name of the first parameter stands
        for one of them, as in `key="product:{product_ids}"`. The function is called for those ids
        that are not there and that nobody loads already; what it leaves out is not in the answer.

        Everything else is as for `cached`; `.key` takes one id, `.set` a mapping.
        """
        naming, policy = Naming.of(self._engine, options)

        def wrap(decorated: Any) -> Any:
            inner, binds = unwrapped(decorated)
            key, at = naming.key_of(inner, binds), int(binds in ("method", "class"))
            scope = naming.refresh_scope
            this = ManyFunction(self._engine, inner, key, policy, at=at, refresh_scope=scope)
            return bound_as(this.wrapper(), binds)

        return wrap if function is None else wrap(function)

    # -- life

    def stats(self) -> Stats:
        """The figures so far."""
        return self._engine.stats()

    async def open(self) -> None:
        """Open the backend, on this event loop; raises what it raises. Not needed before use."""
        await self._engine.open(ON_LOOP)

    async def close(self) -> None:
        """Give up loads under way and let go of the backend; the last cache of it closes it."""
        await self._engine.close(ON_LOOP)
        self._source.forget()
        self._engine.forget_homes()  # last: another thread may ask for them until then

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


def _one_of(argument: str, given: str, *allowed: str) -> str:
    if given not in allowed:
        raise ConfigurationError(f"{argument} must be one of {allowed}, not {given!r}")
    return given
