"""What every decorated function is made of, whether it takes one thing or a list of ids."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from cachekit.builder import FunctionKey
from cachekit.engine import Engine
from cachekit.entry import Caller
from cachekit.errors import ConfigurationError
from cachekit.policy import Policy
from cachekit.refreshing import RefreshScope, refreshing
from cachekit.runtime import ON_LOOP, Ways, drive, in_thread
from cachekit.typed import returned_by

CACHED_BY: Final = "__cached_by__"
"""The attribute of a cached function that holds its cache's engine; other wrappers hand it on."""

Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]


class Decorated(ABC):
    """One decorated function: everything that was worked out at its decoration."""

    def __init__(
        self,
        engine: Engine,
        function: Callable[..., Any],
        key: FunctionKey,
        policy: Policy,
        left_out: Collection[str],
        refresh_scope: RefreshScope | None,
    ) -> None:
        if getattr(function, CACHED_BY, None) is engine:
            raise ConfigurationError(f"{key.name} is cached by this cache: decorate it once")
        self.engine = engine
        self.function = function
        self.key = key
        self.name = key.name
        self.caller = Caller(key.name)
        self._untyped = policy
        self.info = engine.info(key.name)
        self.again = refreshing(function, left_out, refresh_scope)
        """The function as it may be called behind its callers' backs, if it may."""
        self._fixed_tags = key.tags((), {}) if key.static_tags else None
        with suppress(NameError):  # what it returns is defined further down: at its first use
            vars(self)["policy"] = self._typed()

    @cached_property
    def policy(self) -> Policy:
        """How its values are cached, with a serializer for what it is annotated to return."""
        try:
            return self._typed()
        except NameError as error:
            return replace(self._untyped, untyped=str(error))

    def _typed(self) -> Policy:
        return self._untyped.for_results(self.annotation(returned_by(self.function)))

    def annotation(self, returned: Any) -> Any:
        """What one value is, of what the function is annotated to return."""
        return returned

    def tags(self, key: str, args: Args, kwargs: Kwargs) -> tuple[str, ...]:
        """The store keys of the tags of one call, whose own store key is `key`."""
        carried, fixed = self.engine.carried, self._fixed_tags
        home = carried.home_of(key)
        if fixed is not None:
            return carried.known(home, fixed, self.name)
        return carried.at(home, self.key.tags(args, kwargs), self.name)

    @abstractmethod
    async def answer(self, args: Args, kwargs: Kwargs, ways: Ways) -> Any: ...

    @abstractmethod
    async def get(self, args: Args, kwargs: Kwargs, ways: Ways) -> Any: ...

    @abstractmethod
    async def set(self, value: Any, args: Args, kwargs: Kwargs, ways: Ways) -> None: ...

    @abstractmethod
    async def invalidate(self, args: Args, kwargs: Kwargs, ways: Ways) -> None: ...

    async def refresh(self, args: Args, kwargs: Kwargs, ways: Ways) -> Any:
        await self.invalidate(args, kwargs, ways)
        return await self.answer(args, kwargs, ways)

    async def clear(self, ways: Ways) -> None:
        await self.engine.clear_function(self.name, ways)


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
