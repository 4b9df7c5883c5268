"""What the author of a backend gives to the suite."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pytest

from cachekit.backend import LOCAL, Backend, Capability
from cachekit.testing.backends.door import BackDoor
from cachekit.testing.backends.subject import Subject
from cachekit.testing.clock import FakeClock
from cachekit.testing.suite import Suite


class Given(Suite):
    """The fixtures and settings that all groups of tests stand on; see `BackendSuite`."""

    capabilities: ClassVar[frozenset[Capability[Any]]] = frozenset()
    keeps_bytes: ClassVar[bool] = True
    short: ClassVar[float] = 0.5
    slack: ClassVar[float] = 0.05
    examples: ClassVar[int] = 50
    patience: ClassVar[float] = 30.0

    @pytest.fixture
    def backend(self) -> Backend:
        """The backend under test, on an empty store, not yet open."""
        pytest.fail(f"{_name(self)} needs a fixture `backend` that returns an unopened backend")

    @pytest.fixture
    def another_backend(self) -> Backend | None:
        """A second backend on the same store, as another process would have one, not yet open.

        `None` if the store lives and dies with the one backend; so it is with a `LOCAL` one.
        """
        if LOCAL in self.capabilities:
            return None
        pytest.fail(
            f"{_name(self)} needs a fixture `another_backend` that returns a second, unopened "
            "backend on the same store, or None if each backend is a store of its own"
        )

    @pytest.fixture
    def back_door(self) -> BackDoor:
        """The way into the store past the backend under test."""
        pytest.fail(f"{_name(self)} needs a fixture `back_door` that returns a BackDoor")

    @pytest.fixture
    def clock(self) -> FakeClock | None:
        """The clock that the backend was made with, or `None`: the store has its own time."""
        return None

    @pytest.fixture
    def subject(self, backend: Backend, clock: FakeClock | None) -> Iterator[Subject]:
        """The backend under test, open."""
        subject = Subject(backend, clock, self.patience)
        try:
            subject.open()
            yield subject
        finally:
            subject.close()

    @pytest.fixture
    def rivals(self, subject: Subject, another_backend: Backend | None) -> Sequence[Backend]:
        """All backends there are on the store, open on one event loop."""
        others = [] if another_backend is None else [another_backend]
        subject.open(*others)
        return [subject.backend, *others]

    @property
    def ended(self) -> float:
        """Seconds after which what is kept for `short` is certainly past its time."""
        return self.short + self.slack

    def must_claim(self, capability: Capability[Any]) -> None:
        """Skip the test for a backend that does not claim `capability`."""
        if capability not in self.capabilities:
            pytest.skip(f"it does not claim {capability!r}")


def _name(suite: object) -> str:
    return type(suite).__name__
