"""`ThreadedBackend`: a store whose client blocks, as a backend."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from cachekit.bytes_backend import BytesBackend, Expected
from cachekit.clock import SYSTEM, Clock
from cachekit.errors import ConfigurationError
from cachekit.workers import Workers


class BlockingStore(Protocol):
    """A connection to a store of bytes, for one thread: it blocks, and no two calls overlap."""

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """As `BytesBackend.get_many`."""
        ...

    def put_if(self, key: str, data: bytes | None, keep: float | None, expected: Expected) -> bool:
        """As `BytesBackend.put_if`."""
        ...

    def close(self) -> None:
        """Give up the connection; called after anything that raised, too."""
        ...


S = TypeVar("S", bound=BlockingStore)
T = TypeVar("T")


class ThreadedBackend(BytesBackend, Generic[S]):
    """The store that `connect` connects to, used from at most `threads` threads of its own.

    `connect` is called in each thread, when it has something to do, and again after an operation
    that raised; a connection is only ever used, and closed, in the thread that made it. Nobody
    who waits can interrupt an operation. `close()` ends the threads once what they were given is
    done.
    """

    def __init__(
        self, connect: Callable[[], S], *, threads: int = 4, clock: Clock = SYSTEM
    ) -> None:
        if threads < 1:
            raise ConfigurationError(f"threads must be at least 1, not {threads!r}")
        self.clock = clock
        self._connect = connect
        self._threads = threads
        self._workers: Workers[S] | None = None

    async def open(self) -> None:
        """Start the threads, and connect in one of them. Raises what `connect` raised."""
        self._stop()  # those of a loop that ended without closing
        self._workers = Workers(self._connect, self._threads)
        try:
            await self._workers.run(_connected)
        except BaseException:
            self._stop()
            raise

    async def close(self) -> None:
        """Wait for what is under way; then the threads have ended."""
        workers = self._stop()
        if workers is not None:
            await workers.close()

    async def run(self, work: Callable[[S], T]) -> T:
        """Call `work` with a connection, in the thread of that: for what this class lacks."""
        if self._workers is None:
            raise ConnectionError("this backend is not open")
        return await self._workers.run(work)

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return await self.run(lambda store: store.get_many(keys))

    async def put_if(
        self, key: str, data: bytes | None, keep: float | None, expected: Expected
    ) -> bool:
        return await self.run(lambda store: store.put_if(key, data, keep, expected))

    def _stop(self) -> Workers[S] | None:
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.stop()
        return workers


def _connected(store: BlockingStore) -> None:
    pass
