"""What a cached function is to those who call it, and to type-checkers."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

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


class CachedMany(Protocol[K, P, R]):
    """A cached `def` of a list of ids."""

    info: Info
    """Hits, misses and loads of this function."""

    @property
    def __name__(self) -> str: ...

    @property
    def __wrapped__(self) -> Callable[Concatenate[list[K], P], Mapping[K, R]]:
        """The function itself, past the cache."""
        ...

    def __call__(self, ids: Iterable[K], /, *args: P.args, **kwargs: P.kwargs) -> dict[K, R]: ...

    def key(self, name: K, /, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key of one id, as `cache.get` and `Key` take it."""
        ...

    def get(self, ids: Iterable[K], /, *args: P.args, **kwargs: P.kwargs) -> dict[K, R]:
        """What is cached of these ids; never loads."""
        ...

    def set(self, values: Mapping[K, R], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Cache values by id."""
        ...

    def invalidate(self, ids: Iterable[K], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Forget these ids; raises `InvalidationError` if that was not acknowledged."""
        ...

    def refresh(self, ids: Iterable[K], /, *args: P.args, **kwargs: P.kwargs) -> dict[K, R]:
        """Forget these ids, then load them."""
        ...

    def clear(self) -> None:
        """Forget all ids of this function; raises `InvalidationError`."""
        ...

    def __get__(self, obj: Any, owner: Any = ...) -> "CachedMany[K, P, R]": ...


class AsyncCachedMany(Protocol[K, P, R]):
    """A cached `async def` of a list of ids."""

    info: Info
    """Hits, misses and loads of this function."""

    @property
    def __name__(self) -> str: ...

    @property
    def __wrapped__(
        self,
    ) -> Callable[Concatenate[list[K], P], Coroutine[Any, Any, Mapping[K, R]]]:
        """The function itself, past the cache."""
        ...

    def __call__(
        self, ids: Iterable[K], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, dict[K, R]]: ...

    def key(self, name: K, /, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key of one id, as `cache.get` and `Key` take it."""
        ...

    def get(
        self, ids: Iterable[K], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, dict[K, R]]:
        """What is cached of these ids; never loads."""
        ...

    def set(
        self, values: Mapping[K, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, None]:
        """Cache values by id."""
        ...

    def invalidate(
        self, ids: Iterable[K], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, None]:
        """Forget these ids; raises `InvalidationError` if that was not acknowledged."""
        ...

    def refresh(
        self, ids: Iterable[K], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, dict[K, R]]:
        """Forget these ids, then load them."""
        ...

    def clear(self) -> Coroutine[Any, Any, None]:
        """Forget all ids of this function; raises `InvalidationError`."""
        ...

    def __get__(self, obj: Any, owner: Any = ...) -> "AsyncCachedMany[K, P, R]": ...


class CachedManyMethod(Protocol[T_contra, K, P, R]):
    """A cached method of a list of ids: a `CachedMany` once it is bound."""

    def __call__(
        self, obj: T_contra, ids: Iterable[K], /, *args: P.args, **kwargs: P.kwargs
    ) -> dict[K, R]: ...

    @overload
    def __get__(
        self: "CachedManyMethod[type[S], K, P, R]", obj: object, owner: type[S]
    ) -> CachedMany[K, P, R]: ...
    @overload
    def __get__(self, obj: None, owner: Any = ...) -> Any: ...
    @overload
    def __get__(self, obj: T_contra, owner: Any = ...) -> CachedMany[K, P, R]: ...


class AsyncCachedManyMethod(Protocol[T_contra, K, P, R]):
    """A cached `async def` method of a list of ids: an `AsyncCachedMany` once it is bound."""

    def __call__(
        self, obj: T_contra, ids: Iterable[K], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, dict[K, R]]: ...

    @overload
    def __get__(
        self: "AsyncCachedManyMethod[type[S], K, P, R]", obj: object, owner: type[S]
    ) -> AsyncCachedMany[K, P, R]: ...
    @overload
    def __get__(self, obj: None, owner: Any = ...) -> Any: ...
    @overload
    def __get__(self, obj: T_contra, owner: Any = ...) -> AsyncCachedMany[K, P, R]: ...
