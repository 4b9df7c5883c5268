"""What a cached function of a list of ids is to those who call it, and to type-checkers."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from cachekit.stats import Info

K = TypeVar("K")
P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
T_contra = TypeVar("T_contra", contravariant=True)


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


class ManyDecorator(Protocol):
    """What `cache.cached_many(...)` returns: give it a function of a list of ids."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[list[K], P], Coroutine[Any, Any, Mapping[K, R]]], /
    ) -> AsyncCachedMany[K, P, R]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[list[K], P], Mapping[K, R]], /
    ) -> CachedMany[K, P, R]: ...
    @overload
    def __call__(
        self,
        function: Callable[Concatenate[S, list[K], P], Coroutine[Any, Any, Mapping[K, R]]],
        /,
    ) -> AsyncCachedManyMethod[S, K, P, R]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[S, list[K], P], Mapping[K, R]], /
    ) -> CachedManyMethod[S, K, P, R]: ...
