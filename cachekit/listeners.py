"""Who wants to hear of hits, misses and loads."""

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from types import TracebackType
from typing import Final, TypeAlias

Leave: TypeAlias = Callable[
    [type[BaseException] | None, BaseException | None, TracebackType | None], bool
]

log: Final = logging.getLogger("cachekit")


class Listener:
    """Hears what a cache does; override what you want to hear.

    It is called in the caller's thread and must not block. `name` is the cached function's, `""`
    for a direct call; `key` is without the namespace, as `current_load().key` is. What it raises
    is logged, once.

    >>> class Slow(Listener):
    ...     def hit(self, name: str, key: str) -> None:
    ...         print("hit", key)
    """

    def hit(self, name: str, key: str) -> None:
        """A value came from the cache."""

    def miss(self, name: str, key: str) -> None:
        """There was none, or none that may be served."""

    def load(self, name: str, key: str) -> AbstractContextManager[object]:
        """Entered around a load, in its own task or thread; what the load raises passes through.

        Of a load of several keys, `key` is the first.
        """
        return nullcontext()


class Listeners:
    """All listeners of one cache, told by store key; only what they override is called."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._hit = [it.hit for it in listeners if type(it).hit is not Listener.hit]
        self._miss = [it.miss for it in listeners if type(it).miss is not Listener.miss]
        self._load = [it.load for it in listeners if type(it).load is not Listener.load]
        self.hear_hits, self.hear_misses = bool(self._hit), bool(self._miss)
        self.hear_loads = bool(self._load)
        self._complained = False

    def hit(self, name: str, key: str) -> None:
        for hear in self._hit:
            self._tell(hear, name, key)

    def miss(self, name: str, key: str) -> None:
        for hear in self._miss:
            self._tell(hear, name, key)

    def _tell(self, hear: Callable[[str, str], None], name: str, key: str) -> None:
        try:
            hear(name, _shown(key))
        except Exception as error:
            self._complain(error)

    @contextmanager
    def load(self, name: str, key: str) -> Generator[None]:
        """Around a load."""
        with ExitStack() as stack:
            for hear in self._load:
                try:
                    entered = hear(name, _shown(key))
                    entered.__enter__()
                except Exception as error:
                    self._complain(error)
                else:
                    stack.push(self._leaving(entered))
            yield

    def _leaving(self, entered: AbstractContextManager[object]) -> Leave:
        def leave(
            kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None,
        ) -> bool:
            try:
                entered.__exit__(kind, error, traceback)
            except Exception as own:
                if own is not error:
                    self._complain(own)
            return False  # what the load raises passes through

        return leave

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            log.error("a listener raises", exc_info=error)


def _shown(store_key: str) -> str:
    """What follows the space and the namespace."""
    return store_key.split(":", 2)[2]
