"""The backend under test, for tests that block."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from cachekit.backend import ANY, Backend, Condition, Outcome, Write
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
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns."""
        return self._runner.run(asyncio.wait_for(work, self._patience))

    def open(self) -> None:
        """Open the backend."""
        self.run(self.backend.open())

    def close(self) -> None:
        """Close the backend."""
        self.run(self.backend.close())

    def leave(self) -> None:
        """End the event loop; whatever comes next runs on another one."""
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
        found = self.run(self.backend.read(keys))
        return {key: entry_of(entry) for key, entry in found.items()}

    def find(self, key: str) -> Entry | None:
        """What is under `key`."""
        return self.read(key).get(key)

    def write(
        self,
        key: str,
        entry: Entry | None,
        expected: int | Condition = ANY,
        *,
        announce: bool = False,
    ) -> Outcome:
        """What becomes of one write."""
        (outcome,) = self.write_all(Write(key, entry, expected, announce))
        return outcome

    def write_all(self, *writes: Write) -> list[Outcome]:
        """What becomes of one batch."""
        return list(self.run(self.backend.write(writes)))


def entry_of(found: object) -> Entry:
    """`found` itself: with a healthy store, all that a read answers are entries."""
    assert isinstance(found, Entry), f"a read answered {found!r}: an Entry, or leave the key out"
    return found
