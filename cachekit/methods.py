"""How cached functions bind: those in a class body to the object they are called on."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final, cast

OF_ONE_CALL: Final = frozenset({"key", "get", "set", "invalidate", "refresh"})
"""What a cached function has that takes its arguments, so that it must know its object."""


class CachedMethod:
    """A cached function in a class body: binds, so that `repo.get.invalidate(1)` knows `repo`."""

    def __init__(self, cached: Callable[..., Any], *, of_class: bool) -> None:
        functools.update_wrapper(self, cached)
        for name in OF_ONE_CALL:
            del self.__dict__[name]
        self._cached = cached
        self._of_class = of_class

    def __get__(self, obj: Any, owner: Any = None) -> Any:
        if self._of_class:
            obj = cast("Any", type(obj)) if owner is None else owner
        return self._cached if obj is None else Bound(self._cached, obj)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._cached(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """What its function has, so that `inspect` takes it for one."""
        if name in OF_ONE_CALL or name == "_cached":
            raise AttributeError(
                f"{self.__dict__.get('__qualname__')}.{name} does not know what it is called on: "
                "write @cache.cached above @classmethod, not below it"
            )
        return getattr(self._cached, name)


class Bound:
    # A cached method of one object: like a method, it has all that its function has.

    __slots__ = ("__self__", "_cached")

    def __init__(self, cached: Any, obj: Any) -> None:
        self._cached = cached
        self.__self__ = obj

    @property
    def __wrapped__(self) -> Any:
        return self._cached.__wrapped__.__get__(self.__self__)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return cast("str | None", self._cached.__doc__)

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

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cached, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bound):
            return NotImplemented
        return self._cached is other._cached and self.__self__ is other.__self__

    def __hash__(self) -> int:
        return hash((self._cached, id(self.__self__)))

    def __reduce__(self) -> Any:
        return getattr, (self.__self__, self.__name__)

    def __repr__(self) -> str:
        return f"<cached {self._cached.__qualname__} of {self.__self__!r}>"


def bound_as(cached: Callable[..., Any], binds: str) -> Any:
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
