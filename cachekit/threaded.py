"""`ThreadedBackend`: a store whose client blocks, as a backend."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from cachekit.bytes_backend import BytesBackend, Put
from cachekit.clock import SYSTEM, Clock
from cachekit.errors import ConfigurationError
from cachekit.workers import Workers


class BlockingStore(Protocol):
    """A connection to a store of bytes, for one thread: it blocks, and no two calls overlap."""

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """As `BytesBackend.get_many`."""
        ...

    def put_many(self, puts: Sequence[Put]) -> Sequence[bool]:
        """As `BytesBackend.put_many`."""
        ...

    def close(self) -> None:
        """Give up the connection; called after anything that raised, too."""
        ...


S = TypeVar("S", bound=BlockingStore)
T = TypeVar("T")


class ThreadedBackend(BytesBackend, Generic[S]):
    """The store that `connect` connects to, used from at most `threads` threads of its own.

    `connect` is called in each thread, when it has something to do, and again after an operation
    that raised: at any time, in several threads at once, while other connections write. A
    connection is only ever used, and closed, in the thread that made it. Nobody who waits can
    interrupt an operation. `close()` ends the threads once what they were given is done. The child
    of a fork connects anew, and neither uses nor closes the connections of its parent.
    """

    def __init__(
        self, connect: Callable[[], S], *, threads: int = 4, clock: Clock = SYSTEM
    ) -> None:
        if threads < 1:
            raise ConfigurationError(f"threads must be at least 1, not {threads!r}")
        # Two underscores: a subclass may call what is its own `_connect`.
        self.clock = clock
        self.__connect = connect
        self.__threads = threads
        self.__workers: Workers[S] | None = None

    async def open(self) -> None:
        """Start the threads, and connect in one of them. Raises what `connect` raised."""
        self.__stop()  # those of a loop that ended without closing
        self.__workers = Workers(self.__connect, self.__threads)
        try:
            await self.__workers.run(_connected)
        except BaseException:
            self.__stop()
            raise

    async def close(self) -> None:
        """Wait for what is under way; then the threads have ended."""
        workers = self.__stop()
        if workers is not None:
            await workers.close()

    async def run(self, work: Callable[[S], T]) -> T:
        """Call `work` with a connection, in the thread of that: for what this class lacks."""
        if self.__workers is None:
            raise ConnectionError("this backend is not open")
        return await self.__workers.run(work)

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return await self.run(lambda store: store.get_many(keys))

    async def put_many(self, puts: Sequence[Put]) -> Sequence[bool]:
        return await self.run(lambda store: store.put_many(puts))

    def __stop(self) -> Workers[S] | None:
        workers, self.__workers = self.__workers, None
        if workers is not None:
            workers.stop()
        return workers


def _connected(store: BlockingStore) -> None:
    pass
