"""Who writes in the middle of a write, a destructor or a signal handler, or raises there, does no
lasting harm."""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from cachekit.entry import Entry, Kind
from cachekit.testing import FakeClock
from cachekit_memory import MemoryBackend
from cachekit_memory.backend import Eviction
from tests.memory.by_hand import POLICIES, drive, value, write


class Last:
    """Does something when it goes."""

    def __init__(self, then: Callable[[], object]) -> None:
        self.then = then

    def __del__(self) -> None:
        self.then()


class Stop(BaseException):
    """What a signal handler raises."""


def entry(content: Any) -> Entry:
    """A value that keeps `content` itself."""
    made = Entry(Kind.VALUE)
    made.kept = content
    return made


def works(backend: MemoryBackend, most: int) -> None:
    """As if nothing had happened: it takes more than it has room for, and can be emptied."""
    for number in range(5 * most):
        write(backend, f"new {number % (2 * most)}", value(number))
    assert len(backend) <= most
    for key in list(backend._values):
        write(backend, key, None)
    assert (len(backend), backend._values.currsize) == (0, 0)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_destructor_may_replace_and_delete_what_replaces_it(policy: Eviction) -> None:
    backend = MemoryBackend(max_bytes=30_000, policy=policy)
    for _ in range(3):
        deleting = Last(lambda: write(backend, "k", None))
        write(backend, "k", entry(Last(lambda kept=deleting: write(backend, "k", entry(kept)))))  # type: ignore[misc]
        del deleting
        write(backend, "k", value("x" * 9000))
        write(backend, "k", None)
        assert (len(backend), backend._values.currsize) == (0, 0)
    write(backend, "z", value("x" * 9000))
    assert len(backend) == 1


@pytest.mark.parametrize("policy", POLICIES)
def test_a_destructor_may_write_while_all_is_forgotten(policy: Eviction) -> None:
    backend = MemoryBackend(max_entries=3, policy=policy)
    write(backend, "a", entry(Last(lambda: write(backend, "log", value(1)))))
    write(backend, "b", value(2))
    drive(backend.close())
    assert list(backend._values) == ["log"]
    works(backend, 3)


@contextmanager
def interrupted(where: str, handler: Callable[[], object]) -> Iterator[None]:
    """`handler` comes when a function of that name begins, once."""
    came: list[str] = []

    def note(frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and not came and frame.f_code.co_qualname == where:
            came.append(where)
            handler()

    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
    assert came, f"it did not come to {where}"


PLACES = ["Slot.__init__", "Rings.add", "Rings._place", "Rings._reach", "Deadlines.set"]


@pytest.mark.parametrize("deletes", [False, True])
@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("policy", ["tinylfu", "s3fifo"])
def test_a_signal_handler_may_write_the_same_key(
    policy: Eviction, where: str, deletes: bool
) -> None:
    backend = MemoryBackend(max_entries=3, policy=policy)

    def handle() -> None:
        write(backend, "k", value("handler", keep=9.0))
        if deletes:
            write(backend, "k", None)

    with interrupted(where, handle):
        write(backend, "k", value("k", keep=9.0))
    works(backend, 3)


def test_what_it_leaves_among_the_deadlines_keeps_nothing_from_being_swept() -> None:
    clock = FakeClock()
    backend = MemoryBackend(clock=clock)

    def put(key: str) -> None:
        write(backend, key, Entry(Kind.PASS, keep=1.0))

    with interrupted("Rings.add", lambda: put("k")):
        put("k")
    for number in range(300):
        clock.advance(1.0)
        put(f"{number}")
    assert len(backend._beside) <= 2


@pytest.mark.parametrize("policy", POLICIES)
def test_what_a_handler_raises_in_the_middle_of_a_write_harms_that_write_only(
    policy: Eviction,
) -> None:
    raised = 0
    for seed in range(200):
        backend = MemoryBackend(max_entries=10, policy=policy)
        rng = random.Random(seed)
        raised += stopped(backend, rng, rng.randrange(400))
        works(backend, 10)
    assert raised > 100


def stopped(backend: MemoryBackend, rng: random.Random, after: int) -> bool:
    """Some writes, in which at some point a handler raises; whether it did."""
    left = [after]

    def note(frame: FrameType, event: str, arg: object) -> None:
        inside = "cachekit_memory" in frame.f_code.co_filename and backend._lock._is_owned()  # type: ignore[attr-defined]
        if inside and event in ("call", "c_return"):
            left[0] -= 1
            if not left[0]:
                raise Stop

    sys.setprofile(note)
    try:
        for _ in range(60):
            kept = None if rng.random() < 0.2 else value(1, keep=rng.choice([None, 5.0]))
            write(backend, f"k{rng.randrange(15)}", kept)
    except Stop:
        return True
    finally:
        sys.setprofile(None)
    return False
