"""What a cached function is to those who call it, and to type-checkers."""

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from cachekit.missing import IsMissing
from cachekit.stats import Info

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")


class Cached(Protocol[P, R]):
    """A cached `def`."""

    info: Info
    """Hits, misses and loads of this function."""

    @property
    def __name__(self) -> str: ...

    @property
    def __wrapped__(self) -> Callable[P, R]:
        """The function itself, past the cache."""
        ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key of this call, as `cache.get` and `Key` take it."""
        ...

    def get(self, *args: P.args, **kwargs: P.kwargs) -> R | IsMissing:
        """What is cached for this call, or `MISSING`; never loads."""
        ...

    def set(self, value: R, *args: P.args, **kwargs: P.kwargs) -> None:
        """Cache `value` for this call."""
        ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Forget this call's value; raises `InvalidationError` if that was not acknowledged."""
        ...

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Forget this call's value, then load it."""
        ...

    @overload
    def __get__(self, obj: None, owner: Any = ...) -> "Cached[P, R]": ...
    @overload
    def __get__(
        self: "Cached[Concatenate[S, Q], R]", obj: S, owner: Any = ...
    ) -> "Cached[Q, R]": ...


class AsyncCached(Protocol[P, R]):
    """A cached `async def`."""

    info: Info
    """Hits, misses and loads of this function."""

    @property
    def __name__(self) -> str: ...

    @property
    def __wrapped__(self) -> Callable[P, Coroutine[Any, Any, R]]:
        """The function itself, past the cache."""
        ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]: ...

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key of this call, as `cache.get` and `Key` take it."""
        ...

    def get(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R | IsMissing]:
        """What is cached for this call, or `MISSING`; never loads."""
        ...

    def set(self, value: R, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, None]:
        """Cache `value` for this call."""
        ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, None]:
        """Forget this call's value; raises `InvalidationError` if that was not acknowledged."""
        ...

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Forget this call's value, then load it."""
        ...

    @overload
    def __get__(self, obj: None, owner: Any = ...) -> "AsyncCached[P, R]": ...
    @overload
    def __get__(
        self: "AsyncCached[Concatenate[S, Q], R]", obj: S, owner: Any = ...
    ) -> "AsyncCached[Q, R]": ...
