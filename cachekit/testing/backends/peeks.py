"""Looking without I/O: what is served from a peek is what a read would find."""

import asyncio
import threading
from typing import Final

import pytest

from cachekit.backend import PEEK, Peek
from cachekit.entry import Entry, Kind
from cachekit.testing.backends.entries import a_fresh_value, an_entry, named
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject

TRIES: Final = 100
PAUSE: Final = 0.02


class Peeker:
    """Peeks at the backend under test."""

    def __init__(self, subject: Subject, able: Peek, short: float) -> None:
        self.peek = able.peek
        self._subject = subject
        self._short = short

    def put(self, key: str, tags: dict[str, int]) -> int:
        """Write a value that is fresh and kept for a short time; its version."""
        entry = a_fresh_value(self._subject.clock, self._short, keep=self._short, tags=tags)
        self._subject.put([(key, entry)])
        return entry.version

    def tag(self, key: str, version: int) -> None:
        """Write a tag record."""
        self._subject.put([(key, an_entry(Kind.TAG, version=version))])

    def served(self, key: str) -> int | None:
        """The version that is served from a peek now."""
        entry = self.peek(key)
        if entry is None or not self.serves(entry):
            return None
        return entry.version

    def serves(self, entry: Entry) -> bool:
        """Whether an entry may be served now."""
        return entry.serves(self._subject.clock.monotonic())

    def wait_for(self, key: str) -> int:
        """Read what is there until it is served from a peek, for two seconds at most."""
        for _ in range(TRIES):
            found = self._subject.find(key)
            assert found is not None
            self._subject.read(key, *found.tags)
            version = self.served(key)
            if version is not None:
                return version
            self._subject.run(asyncio.sleep(PAUSE))
        pytest.fail(f"peek({key!r}) finds nothing of what was written and read")


class PeekTests(Given):
    """`PEEK` finds values, linked to the live records of their tags, or nothing.

    What it gives may be served while `entry.serves(now)`: so nothing that was deleted, replaced,
    or invalidated, and nothing that expired, may say so.
    """

    @pytest.fixture
    def peeker(self, subject: Subject) -> Peeker:
        """The backend under test, which claims `PEEK`."""
        self.must_claim(PEEK)
        able = subject.backend.capability(PEEK)
        assert able is not None
        return Peeker(subject, able, self.short)

    def test_a_peek_finds_what_was_written(self, peeker: Peeker) -> None:
        """Within two seconds, once it was read; what was never written it does not find."""
        peeker.tag("t:a", 1)
        version = peeker.put("v:k", {"t:a": 1})
        assert peeker.wait_for("v:k") == version
        assert peeker.peek("v:absent") is None

    def test_a_peek_is_made_from_any_thread(self, peeker: Peeker) -> None:
        """With no event loop there."""
        version = peeker.put("v:k", {})
        peeker.wait_for("v:k")
        found: list[int | None] = []
        thread = threading.Thread(target=lambda: found.append(peeker.served("v:k")))
        thread.start()
        thread.join()
        assert found == [version]

    def test_what_was_replaced_is_not_served(self, peeker: Peeker) -> None:
        """A peek gives what replaced it, or nothing."""
        peeker.put("v:k", {})
        peeker.wait_for("v:k")
        version = peeker.put("v:k", {})
        assert peeker.served("v:k") in (version, None)

    @pytest.mark.parametrize("kind", [Kind.STUB, Kind.PASS, None], ids=named)
    def test_what_has_gone_is_not_served(
        self, subject: Subject, peeker: Peeker, kind: Kind | None
    ) -> None:
        """It was deleted, or there is something now that is no value."""
        peeker.put("v:k", {})
        peeker.wait_for("v:k")
        subject.write("v:k", None if kind is None else an_entry(kind))
        assert peeker.served("v:k") is None

    def test_what_expired_is_not_served(self, subject: Subject, peeker: Peeker) -> None:
        """Past its time it says itself that it does not serve, or is not there."""
        peeker.put("v:k", {})
        peeker.wait_for("v:k")
        subject.wait(self.ended)
        assert peeker.served("v:k") is None

    @pytest.mark.parametrize("version", [None, 2])
    def test_what_was_invalidated_is_not_served(
        self, subject: Subject, peeker: Peeker, version: int | None
    ) -> None:
        """One of its tags has another version, or no record; whoever holds the entry knows."""
        peeker.tag("t:a", 1)
        peeker.tag("t:b", 1)
        peeker.put("v:k", {"t:a": 1, "t:b": 1})
        peeker.wait_for("v:k")
        held = peeker.peek("v:k")
        subject.write("t:b", None if version is None else an_entry(Kind.TAG, version=version))
        assert peeker.served("v:k") is None
        assert held is None or not peeker.serves(held)

    @pytest.mark.parametrize("version", [None, 2])
    def test_what_was_never_valid_is_not_served(
        self, subject: Subject, peeker: Peeker, version: int | None
    ) -> None:
        """The record of its tag was missing, or had another version, when it was written."""
        if version is not None:
            peeker.tag("t:a", version)
        peeker.put("v:k", {"t:a": 1})
        subject.read("v:k", "t:a")
        assert peeker.served("v:k") is None
