"""Cached functions in a class body, which bind to the object they are called on."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, cast

from cachekit.stats import Info


class CachedMethod:
    """A cached function in a class body: binds, so that `repo.get.invalidate(1)` knows `repo`."""

    def __init__(self, cached: Callable[..., Any], *, of_class: bool) -> None:
        functools.update_wrapper(self, cached)
        self._cached = cached
        self._of_class = of_class
        self._bound = AsyncBound if inspect.iscoroutinefunction(cached) else Bound

    def __get__(self, obj: Any, owner: Any = None) -> Any:
        if self._of_class:
            obj = cast("Any", type(obj)) if owner is None else owner
        return self._cached if obj is None else self._bound(self._cached, obj)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._cached(*args, **kwargs)


class Bound:
    """A cached method of one object."""

    __slots__ = ("__self__", "__wrapped__", "_cached")

    def __init__(self, cached: Any, obj: Any) -> None:
        self._cached = cached
        self.__self__ = obj
        self.__wrapped__ = cached.__wrapped__.__get__(obj)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._cached(self.__self__, *args, **kwargs)

    def key(self, *args: Any, **kwargs: Any) -> Any:
        return self._cached.key(self.__self__, *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._cached.get(self.__self__, *args, **kwargs)

    def set(self, value: Any, /, *args: Any, **kwargs: Any) -> Any:
        return self._cached.set(value, self.__self__, *args, **kwargs)

    def invalidate(self, *args: Any, **kwargs: Any) -> Any:
        return self._cached.invalidate(self.__self__, *args, **kwargs)

    def refresh(self, *args: Any, **kwargs: Any) -> Any:
        return self._cached.refresh(self.__self__, *args, **kwargs)

    @property
    def info(self) -> Info:
        return cast("Info", self._cached.info)

    @property
    def __name__(self) -> str:
        return cast("str", self._cached.__name__)

    def __repr__(self) -> str:
        return f"<cached {self._cached.__qualname__} of {self.__self__!r}>"


class AsyncBound(Bound):
    """A cached `async def` of one object; a coroutine function to those who ask."""

    __slots__ = ()

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return await self._cached(self.__self__, *args, **kwargs)
