"""Where a Cache gets its backend from."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

from cachekit.backend import Backend
from cachekit.errors import CacheError, ConfigurationError
from cachekit.registry import backend_from, chained
from cachekit.runtime import afresh_after_fork

BackendSpec: TypeAlias = Backend | str | Sequence[Backend | str] | Callable[[], Backend | str]


class Source:
    """The backend that `spec` stands for.

    A URL is looked up at once (what is there from the start is `known`), a callable is called when
    the cache opens and again when it opens after it was closed. One that raises is a
    `ConfigurationError`, and called again by whoever comes next.
    """

    def __init__(self, spec: BackendSpec) -> None:
        self._lock = threading.RLock()
        only = _only(spec)
        self.known = isinstance(only, str) or _is_backend(only)
        self._make = _maker(only)
        self._made: Backend | None = None
        afresh_after_fork(self)

    def after_fork(self) -> None:
        self._lock = threading.RLock()

    def __call__(self) -> Backend:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def forget(self) -> None:
        """Make another one the next time, where one is made."""
        with self._lock:
            self._made = None


def _maker(spec: Any) -> Callable[[], Backend]:
    if isinstance(spec, str) or _is_backend(spec):
        backend = _backend(spec)
        return lambda: backend
    if callable(spec):
        return lambda: _backend(_called(spec))
    raise ConfigurationError(f"{spec!r} is no backend: {_WANTED}")


def _called(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except CacheError:
        raise
    except Exception as error:
        name = getattr(make, "__qualname__", repr(make))
        raise ConfigurationError(
            f"{name}() made no backend, it raised {type(error).__name__}: {error}; give a Backend, "
            "or a callable that needs no arguments and makes one"
        ) from error


_WANTED = "give a URL such as 'memory://', a Backend, a list of them, or a callable that makes one"


def _only(spec: Any) -> Any:
    """One backend, or what stands for it; a list of two is one in front of the other."""
    if not isinstance(spec, (list, tuple)):
        return spec
    chain = cast("Sequence[Any]", spec)
    if len(chain) == 1:
        return chain[0]
    if len(chain) == 2:
        return chained(*map(_backend, chain))
    raise ConfigurationError(
        f"a chain of {len(chain)} backends: give one, or two, the nearest first: "
        "['memory://', 'redis://localhost']"
    )


def _backend(made: Any) -> Backend:
    if isinstance(made, str):
        return backend_from(made)
    if not _is_backend(made):
        raise ConfigurationError(f"{made!r} is no backend: {_WANTED}")
    return cast("Backend", made)


def _is_backend(spec: Any) -> bool:
    return hasattr(spec, "read") and hasattr(spec, "write") and not isinstance(spec, type)
