"""The backend under test, for tests that block."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from cachekit.backend import ANY, DONE, Backend, Condition, Outcome, Write
from cachekit.clock import SYSTEM, Clock
from cachekit.entry import Entry
from cachekit.testing.clock import FakeClock

T = TypeVar("T")


class Subject:
    """A backend on an event loop of its own, which runs while one of these methods does.

    `clock` is what the backend was made with; without one, `wait` waits in real time. Whatever
    takes longer than `patience` seconds raises `TimeoutError`.
    """

    def __init__(self, backend: Backend, clock: FakeClock | None, patience: float) -> None:
        self.backend = backend
        self.clock: Clock = clock or SYSTEM
        self._fake = clock
        self._patience = patience
        self._opened: list[Backend] = []
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns."""
        return self._runner.run(self._within_patience(work))

    async def _within_patience(self, work: Coroutine[Any, Any, T]) -> T:
        async with asyncio.timeout(self._patience):
            return await work

    def open(self, *others: Backend) -> None:
        """Open the backend, and `others` with it."""
        for backend in (self.backend, *others):
            if backend not in self._opened:
                self.run(backend.open())
                self._opened.append(backend)

    def close(self) -> None:
        """Close what was opened, and end the event loop; what comes next runs on another one."""
        try:
            while self._opened:
                self.run(self._opened.pop().close())
        finally:
            self._runner.close()
            self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        if self._fake is not None:
            self._fake.advance(seconds)
        else:
            self.run(asyncio.sleep(seconds))

    def read(self, *keys: str) -> dict[str, Entry]:
        """What the backend answers to one read of all `keys`."""
        return self.run(read(self.backend, *keys))

    def find(self, key: str) -> Entry | None:
        """What is under `key`."""
        return self.read(key).get(key)

    def write(self, key: str, entry: Entry | None, expected: int | Condition = ANY) -> Outcome:
        """What becomes of one write."""
        return self.run(write(self.backend, key, entry, expected))

    def write_all(self, *writes: Write) -> list[Outcome]:
        """What becomes of one batch of writes."""
        return list(self.run(self.backend.write(writes)))

    def put(self, entries: Iterable[tuple[str, Entry]]) -> None:
        """Write all of these, whatever is there."""
        writes = [Write(key, entry) for key, entry in entries]
        assert self.write_all(*writes) == [DONE] * len(writes)


async def read(backend: Backend, *keys: str) -> dict[str, Entry]:
    """What `backend` answers to one read; with a healthy store these are entries."""
    found = await backend.read(keys)
    for key, entry in found.items():
        assert isinstance(entry, Entry), f"under {key!r} the read found {entry!r}, not an Entry"
    return {key: entry for key, entry in found.items() if isinstance(entry, Entry)}


async def write(
    backend: Backend, key: str, entry: Entry | None, expected: int | Condition = ANY
) -> Outcome:
    """What becomes of one write."""
    (outcome,) = await backend.write([Write(key, entry, expected)])
    return outcome
