"""What a cached function is to those who call it, and to type-checkers."""

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from cachekit.missing import IsMissing
from cachekit.stats import Info

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
K = TypeVar("K")
S = TypeVar("S")
R_co = TypeVar("R_co", covariant=True)
S_contra = TypeVar("S_contra", contravariant=True)
T_contra = TypeVar("T_contra", contravariant=True)


class Takes(Protocol[S_contra, Q, R_co]):
    """What is called with something first: what that is says how a method binds."""

    def __call__(self, first: S_contra, /, *args: Q.args, **kwargs: Q.kwargs) -> R_co: ...


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

    def set(self, value: R, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Cache `value` for this call."""
        ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Forget this call's value; raises `InvalidationError` if that was not acknowledged."""
        ...

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Forget this call's value, then load it."""
        ...

    def clear(self) -> None:
        """Forget the values of all calls of this function; raises `InvalidationError`."""
        ...

    @overload
    def __get__(self: Takes[type[S], Q, R], obj: object, owner: type[S]) -> "Cached[Q, R]": ...
    @overload
    def __get__(self, obj: None, owner: Any = ...) -> "Cached[P, R]": ...
    @overload
    def __get__(self: Takes[S, Q, R], obj: S, owner: Any = ...) -> "Cached[Q, R]": ...
    @overload
    def __get__(self, obj: object, owner: Any = ...) -> "Cached[P, R]": ...


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

    def set(self, value: R, /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, None]:
        """Cache `value` for this call."""
        ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, None]:
        """Forget this call's value; raises `InvalidationError` if that was not acknowledged."""
        ...

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Forget this call's value, then load it."""
        ...

    def clear(self) -> Coroutine[Any, Any, None]:
        """Forget the values of all calls of this function; raises `InvalidationError`."""
        ...

    @overload
    def __get__(
        self: Takes[type[S], Q, Coroutine[Any, Any, R]], obj: object, owner: type[S]
    ) -> "AsyncCached[Q, R]": ...
    @overload
    def __get__(self, obj: None, owner: Any = ...) -> "AsyncCached[P, R]": ...
    @overload
    def __get__(
        self: Takes[S, Q, Coroutine[Any, Any, R]], obj: S, owner: Any = ...
    ) -> "AsyncCached[Q, R]": ...
    @overload
    def __get__(self, obj: object, owner: Any = ...) -> "AsyncCached[P, R]": ...


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
