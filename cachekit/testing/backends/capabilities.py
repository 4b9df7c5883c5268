"""What a backend says that it can do, it can do."""

import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import pytest

import cachekit.backend
from cachekit.backend import (
    ABSENT,
    DONE,
    FORGET_PREFIX,
    LOCAL,
    MEASURE,
    REFUSED,
    Backend,
    Capability,
)
from cachekit.runtime import drive
from cachekit.testing.backends.concurrency import TIMES, count
from cachekit.testing.backends.entries import an_entry
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject, read, write

KNOWN: Final[list[Capability[Any]]] = list(
    filter(lambda thing: type(thing) is Capability, vars(cachekit.backend).values())
)
"""Every capability that there is a token for."""

INHERITED: Final = frozenset({MEASURE})

THREADS: Final = 8
ROUNDS: Final = 50


class CapabilityTests(Given):
    """What a backend says that it can do, it can do, and there is no more to it."""

    @pytest.fixture
    def inline_backend(self, backend: Backend) -> Backend:
        """The backend under test, not yet open, which says that it never suspends."""
        self.must_claim(LOCAL)
        local = backend.capability(LOCAL)
        assert local is not None
        if local.suspends:
            pytest.skip("it says that it suspends")
        return backend

    def test_it_has_what_it_claims(self, subject: Subject) -> None:
        """Each of `capabilities`, no less and no more; a wrapper has those of what it wraps.

        `MEASURE`, which a `BytesBackend` brings along, need not be named.
        """
        has = {token for token in KNOWN if subject.backend.capability(token) is not None}
        lacking, extra = set(self.capabilities) - has, has - self.capabilities - INHERITED
        assert not lacking, f"the suite's `capabilities` has {lacking}, capability() gives None"
        assert not extra, f"capability() gives {extra}, the suite's `capabilities` lacks it: add it"

    def test_it_answers_for_no_token_that_it_does_not_know(self, subject: Subject) -> None:
        """Tokens are compared by identity, not by name."""
        capability = subject.backend.capability
        assert [token for token in KNOWN if capability(Capability[object](token.name))] == []
        assert capability(Capability[object]("unheard of")) is None

    def test_it_knows_before_it_is_open_whether_it_is_local(self, backend: Backend) -> None:
        """That decides where it is opened."""
        assert (backend.capability(LOCAL) is not None) == (LOCAL in self.capabilities)

    def test_a_local_backend_that_never_suspends_needs_no_event_loop(
        self, inline_backend: Backend
    ) -> None:
        """With `suspends = False` it is opened, used and closed by hand, in any thread."""

        async def use() -> None:
            await inline_backend.open()
            assert await write(inline_backend, "v:k", an_entry(version=1), ABSENT) is DONE
            assert (await read(inline_backend, "v:k"))["v:k"].version == 1
            assert await write(inline_backend, "v:k", None, 1) is DONE
            able = inline_backend.capability(FORGET_PREFIX)
            assert able is None or await able.forget_prefix(["v:"]) is DONE
            await inline_backend.close()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(drive, use()).result()

    def test_a_local_backend_that_never_suspends_is_atomic_between_threads(
        self, inline_backend: Backend
    ) -> None:
        """With `suspends = False` many threads use it at once."""
        drive(inline_backend.open())
        drive(write(inline_backend, "v:count", an_entry(version=0)))

        def work(number: int) -> list[bool]:
            won: list[bool] = []
            for key in range(ROUNDS):
                outcome = drive(write(inline_backend, f"v:{key}", an_entry(version=number), ABSENT))
                assert outcome in (DONE, REFUSED)
                won.append(outcome is DONE)
                drive(count(inline_backend, "v:count", THREADS * ROUNDS))
            return won

        with _hurry(), ThreadPoolExecutor(THREADS) as pool:
            wins = list(pool.map(work, range(THREADS)))
        assert [sum(won) for won in zip(*wins, strict=True)] == [1] * ROUNDS
        assert drive(read(inline_backend, "v:count"))["v:count"].version == THREADS * ROUNDS * TIMES
        drive(inline_backend.close())


@contextmanager
def _hurry() -> Generator[None]:
    """Threads take turns often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
