"""What `@cache.cached` makes of a function: one that looks in the cache first."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

from cachekit.builder import FunctionKey
from cachekit.call import Call
from cachekit.engine import Engine
from cachekit.errors import ConfigurationError
from cachekit.methods import CachedMethod
from cachekit.missing import MISSING
from cachekit.policy import Policy
from cachekit.refreshing import RefreshScope, refreshing
from cachekit.runtime import ON_LOOP, Ways, drive, in_thread
from cachekit.stats import Info
from cachekit.targets import Doomed, title

CACHED_BY: Final = "__cached_by__"
"""The attribute of a cached function that holds its cache's engine; other wrappers hand it on."""

Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]


class Decorated(Protocol):
    """What the methods of a cached function stand on."""

    engine: Engine
    key: FunctionKey
    info: Info

    async def get(self, args: Args, kwargs: Kwargs, ways: Ways) -> Any: ...

    async def set(self, value: Any, args: Args, kwargs: Kwargs, ways: Ways) -> None: ...

    async def invalidate(self, args: Args, kwargs: Kwargs, ways: Ways) -> None: ...

    async def refresh(self, args: Args, kwargs: Kwargs, ways: Ways) -> Any: ...

    async def clear(self, ways: Ways) -> None: ...


class Function:
    """One decorated function: everything that was worked out at its decoration."""

    def __init__(
        self,
        engine: Engine,
        function: Callable[..., Any],
        key: FunctionKey,
        policy: Policy,
        refresh_scope: RefreshScope | None = None,
    ) -> None:
        if getattr(function, CACHED_BY, None) is engine:
            raise ConfigurationError(f"{key.name} is cached by this cache: decorate it once")
        self.engine = engine
        self.function = function
        self.key = key
        self.name = key.name
        self.policy = policy
        self.info = engine.info(key.name)
        self._record = engine.record_of(key.name)
        self._fixed_tags = self._tags((), {}) if key.static_tags else None
        self._again = refreshing(function, key.left_out, refresh_scope)

    def _tags(self, args: Args, kwargs: Kwargs) -> tuple[str, ...]:
        return self.engine.stored_tags(self.key.tags(args, kwargs), self._record)

    def call(self, args: Args, kwargs: Kwargs, ways: Ways) -> Call:
        """The question this call asks."""
        function, again, tags = self.function, self._again, self._fixed_tags
        stored = self.key.stored
        key = stored(args, kwargs)

        def load() -> Any:
            return function(*args, **kwargs)

        return Call(
            key,
            self._tags(args, kwargs) if tags is None else tags,
            self.policy,
            ways,
            load,
            self.info,
            self.engine,
            self.engine.namespace,
            load if again is function else again and (lambda: again(*args, **kwargs)),
            self,
            same=lambda: stored(args, kwargs) == key,
        )

    async def answer(self, args: Args, kwargs: Kwargs, ways: Ways) -> Any:
        return await self.engine.answer(self.call(args, kwargs, ways))

    async def get(self, args: Args, kwargs: Kwargs, ways: Ways) -> Any:
        return await self.engine.reader.get(self.call(args, kwargs, ways))

    async def set(self, value: Any, args: Args, kwargs: Kwargs, ways: Ways) -> None:
        call = self.call(args, kwargs, ways)
        titles = {call.key: title(self.key.natural(args, kwargs))}
        await self.engine.put_all({call.key: value}, titles, call.tags, self.policy, ways)

    async def invalidate(self, args: Args, kwargs: Kwargs, ways: Ways) -> None:
        doomed = Doomed()
        doomed.keys[self.key.stored(args, kwargs)] = title(self.key.natural(args, kwargs))
        await self.engine.forget(doomed, ways)

    async def refresh(self, args: Args, kwargs: Kwargs, ways: Ways) -> Any:
        await self.invalidate(args, kwargs, ways)
        return await self.answer(args, kwargs, ways)

    async def clear(self, ways: Ways) -> None:
        await self.engine.clear_function(self.name, ways)


def awaiting(this: Function) -> Callable[..., Any]:
    """The wrapper of an `async def`."""
    hit, stored, info, answer = (
        this.engine.reader.hit,
        this.key.stored,
        this.info,
        this.engine.answer,
    )

    @functools.wraps(this.function)
    async def cached(*args: Any, **kwargs: Any) -> Any:
        value = hit(stored(args, kwargs), this, info)
        if value is not MISSING:
            return value
        return await answer(this.call(args, kwargs, ON_LOOP))

    return with_methods(cached, this, awaiting_methods(this))


def blocking(this: Function) -> Callable[..., Any]:
    """The wrapper of a `def`."""
    hit, stored, info, answer = (
        this.engine.reader.hit,
        this.key.stored,
        this.info,
        this.engine.answer,
    )

    @functools.wraps(this.function)
    def cached(*args: Any, **kwargs: Any) -> Any:
        value = hit(stored(args, kwargs), this, info)
        if value is not MISSING:
            return value
        return drive(answer(this.call(args, kwargs, in_thread())))

    return with_methods(cached, this, blocking_methods(this))


def awaiting_methods(this: Decorated) -> tuple[Callable[..., Any], ...]:
    """What a cached `async def` has besides itself."""

    async def get(*args: Any, **kwargs: Any) -> Any:
        return await this.get(args, kwargs, ON_LOOP)

    async def set(value: Any, /, *args: Any, **kwargs: Any) -> None:
        await this.set(value, args, kwargs, ON_LOOP)

    async def invalidate(*args: Any, **kwargs: Any) -> None:
        await this.invalidate(args, kwargs, ON_LOOP)

    async def refresh(*args: Any, **kwargs: Any) -> Any:
        return await this.refresh(args, kwargs, ON_LOOP)

    async def clear() -> None:
        await this.clear(ON_LOOP)

    return get, set, invalidate, refresh, clear


def blocking_methods(this: Decorated) -> tuple[Callable[..., Any], ...]:
    """What a cached `def` has besides itself."""

    def get(*args: Any, **kwargs: Any) -> Any:
        return drive(this.get(args, kwargs, in_thread()))

    def set(value: Any, /, *args: Any, **kwargs: Any) -> None:
        drive(this.set(value, args, kwargs, in_thread()))

    def invalidate(*args: Any, **kwargs: Any) -> None:
        drive(this.invalidate(args, kwargs, in_thread()))

    def refresh(*args: Any, **kwargs: Any) -> Any:
        return drive(this.refresh(args, kwargs, in_thread()))

    def clear() -> None:
        drive(this.clear(in_thread()))

    return get, set, invalidate, refresh, clear


def with_methods(
    cached: Callable[..., Any], this: Decorated, methods: tuple[Callable[..., Any], ...]
) -> Callable[..., Any]:
    """`cached`, with all that a cached function has."""

    def key(*args: Any, **kwargs: Any) -> str:
        return this.key.natural(args, kwargs)

    for method in (key, *methods):
        setattr(cached, method.__name__, method)
    setattr(cached, "info", this.info)  # noqa: B010
    setattr(cached, CACHED_BY, this.engine)
    return cached


def decorate(cached: Callable[..., Any], binds: str) -> Any:
    """The cached function, or the descriptor that binds like the original does."""
    if binds == "static":
        return staticmethod(cached)
    if binds == "function":
        return cached
    return CachedMethod(cached, of_class=binds == "class")


def unwrapped(decorated: Any) -> tuple[Callable[..., Any], str]:
    """The function in what was decorated, and how it binds: function, method, class, static.

    Raises `TypeError` for what cannot be cached.
    """
    for wrapper, binds in ((staticmethod, "static"), (classmethod, "class")):
        if isinstance(decorated, wrapper):
            return _checked(cast("Any", decorated).__func__), binds
    function = _checked(decorated)
    return function, "method" if _is_method(function) else "function"


def _checked(function: Any) -> Callable[..., Any]:
    if isinstance(function, property):
        raise TypeError("a property cannot be cached: decorate the function under it instead")
    if inspect.isclass(function) or not callable(function):
        raise TypeError(f"cached() decorates functions, not {function!r}")
    inner = inspect.unwrap(function)
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        raise TypeError(
            f"{getattr(function, '__qualname__', function)} is a generator, which can be consumed "
            "only once: return a list instead"
        )
    return cast("Callable[..., Any]", function)


def _is_method(function: Callable[..., Any]) -> bool:
    parent = getattr(function, "__qualname__", "").rpartition(".")[0]
    in_class = bool(parent) and not parent.endswith("<locals>")
    return in_class and next(iter(inspect.signature(function).parameters), "") in _SELVES


_SELVES: Final = ("self", "cls")
