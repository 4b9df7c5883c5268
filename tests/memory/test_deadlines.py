"""Deadlines: found in time, swept in parts, and no larger than what is kept."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit_memory.deadlines import LATE, PARTS, SHORTEST, SWEEP, Deadlines

YEARS = 10 * 365 * 86400.0
MANY = 100_000
BUCKETS = 3000


@dataclass
class Kept:
    """What the model has of a key: its deadline, and when a sweep finds it at the latest."""

    at: float
    found: float


def times() -> st.SearchStrategy[float]:
    """Seconds from now: past, some microseconds, a day, ten years, never."""
    few = st.sampled_from([-1e9, -1.0, 0.0, 1e-6, 5e-5, 1.0, 60.0, 86400.0, YEARS, inf, -inf])
    return few | st.floats(0.0, 10.0) | st.floats(0.0, YEARS)


def steps() -> st.SearchStrategy[list[tuple[str, str, float]]]:
    step = st.tuples(st.sampled_from(["set", "drop", "wait"]), st.sampled_from("abcdef"), times())
    return st.lists(step, max_size=60)


def test_a_key_is_past_its_time_at_its_deadline() -> None:
    deadlines = Deadlines()
    deadlines.set("a", 2.0)
    assert not deadlines.passed("a", 1.999)
    assert deadlines.passed("a", 2.0)
    assert not deadlines.passed("b", 99.0)


def test_a_key_without_a_deadline_never_is() -> None:
    deadlines = Deadlines()
    deadlines.set("a", 2.0)
    deadlines.set("a", inf)
    assert not deadlines.passed("a", 1e300)
    assert list(deadlines.overdue(1e300)) == []


def test_the_last_deadline_set_counts() -> None:
    deadlines = Deadlines()
    for at in (5.0, 9.0, 1.0, 7.0):
        deadlines.set("a", at)
    assert list(deadlines.overdue(6.9)) == []
    assert list(deadlines.overdue(7.0)) == ["a"]


def test_a_sweep_looks_at_a_bounded_number() -> None:
    deadlines = Deadlines()
    for number in range(3 * SWEEP):
        deadlines.set(str(number), 1.0)
    assert [len(list(deadlines.overdue(2.0))) for _ in range(4)] == [SWEEP, SWEEP, SWEEP, 0]


def test_nothing_is_passed_over_when_the_clock_jumps() -> None:
    deadlines = Deadlines()
    for number in range(1000):
        deadlines.set(str(number), 1.5 ** (number / 20))
    assert sorted(swept(deadlines, 1e12), key=int) == [str(number) for number in range(1000)]
    assert len(deadlines) == len(deadlines._buckets) == 0


def test_those_overdue_for_longest_are_found_first() -> None:
    deadlines = Deadlines()
    for at in (300.0, 1.0, 20.0):
        deadlines.set(str(at), at)
    assert list(deadlines.overdue(1e6)) == ["1.0", "20.0", "300.0"]


def test_moved_deadlines_do_not_pile_up() -> None:
    deadlines = Deadlines()
    for number in range(20_000):
        list(deadlines.overdue(number * 60.0))
        deadlines.set(str(number % 10), number * 60.0 + 86400.0)
        assert len(deadlines._rings) <= len(deadlines) + BUCKETS
    assert len(deadlines) == 10
    assert len(deadlines._rings) < 10 + 100


def test_buckets_are_few_whatever_the_times() -> None:
    deadlines = Deadlines()
    for number in range(MANY):
        list(deadlines.overdue(number * 0.37))
        deadlines.set(str(number), number * 0.37 + YEARS ** (number * 0.618 % 1))
    assert len(deadlines._buckets) < BUCKETS


class Key(str):
    """Counts how often one of its kind is looked at."""

    __slots__ = ()
    touched = 0

    def __hash__(self) -> int:
        Key.touched += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        Key.touched += 1
        return super().__eq__(other)

    def __lt__(self, other: str) -> bool:
        Key.touched += 1
        return super().__lt__(other)


class Column(list[Any]):
    """Counts how many of its items are read or written."""

    def __getitem__(self, place: Any) -> Any:
        Key.touched += 1
        return super().__getitem__(place)

    def __setitem__(self, place: Any, item: Any) -> None:
        Key.touched += 1
        super().__setitem__(place, item)

    def __iter__(self) -> Iterator[Any]:
        Key.touched += len(self)
        return super().__iter__()


def most(call: Callable[..., object], arguments: Iterable[tuple[Any, ...]]) -> int:
    """What the call that touches most touches."""
    counts: list[int] = []
    for each in arguments:
        Key.touched = 0
        call(*each)
        counts.append(Key.touched)
    return max(counts)


@pytest.fixture
def counted() -> Deadlines:
    """Whatever it touches counts."""
    deadlines: Any = Deadlines()
    deadlines._at = Column()
    for name in ("_keys", "_before", "_after"):
        setattr(deadlines._rings, name, Column())
    counted: Deadlines = deadlines
    return counted


def test_no_call_touches_more_than_a_few_of_many_keys(counted: Deadlines) -> None:
    keys = [Key(number) for number in range(MANY)]
    for at in (1e5, 1e5, 2e5):
        assert most(counted.set, ((key, at) for key in keys)) <= 20
    assert most(counted.passed, ((key, 1e5) for key in keys)) <= 5
    assert most(counted.drop, ((key,) for key in keys[::2])) <= 20
    sweeps = [(1e6,)] * (MANY // SWEEP)
    assert most(lambda now: list(counted.overdue(now)), sweeps) <= 20 * SWEEP
    assert len(counted) == 0


def test_no_table_is_of_all_keys() -> None:
    """One that grows is made anew at once, key by key."""
    deadlines = Deadlines()
    for number in range(MANY):
        deadlines.set(f"key:{number}", 1e5 + number)
    largest = max(len(part) for part in deadlines._places)
    assert largest < 2 * MANY / PARTS
    assert max(len(deadlines._buckets), len(deadlines._ends)) < BUCKETS


@given(steps())
@settings(max_examples=300)
def test_like_a_dict(given_steps: list[tuple[str, str, float]]) -> None:
    deadlines, model, now = Deadlines(), dict[str, Kept](), 1000.0
    assert list(deadlines.overdue(now)) == []
    for what, key, seconds in given_steps:
        if what == "wait":
            now += max(seconds, 0.0) if seconds < inf else YEARS
            for found in deadlines.overdue(now):
                assert model.pop(found).at <= now
            assert all(now < kept.found for kept in model.values())
        elif what == "set":
            deadlines.set(key, now + seconds)
            left = max(seconds, SHORTEST)
            model[key] = Kept(now + seconds, max(now, now + seconds) + left / LATE + 1e-6)
        else:
            deadlines.drop(key)
            model.pop(key, None)
        for each in "abcdef":
            assert deadlines.passed(each, now) == (each in model and model[each].at <= now)
        assert len(deadlines) == sum(kept.at < inf for kept in model.values())
    assert sorted(swept(deadlines, 1e15)) == sorted(k for k, kept in model.items() if kept.at < inf)
    assert len(deadlines) == len(deadlines._buckets) == 0


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 10)), max_size=60))
def test_sweeping_finds_each_overdue_key_once(sets: list[tuple[str, float]]) -> None:
    deadlines, model = Deadlines(), dict[str, float]()
    for key, at in sets:
        deadlines.set(key, at)
        model[key] = at
    for now in range(12):
        due = {key for key, at in model.items() if at <= now}
        assert {key for key in model if deadlines.passed(key, now)} == due
        found = swept(deadlines, now)
        assert len(found) == len(set(found))
        assert due >= set(found) >= {key for key in due if model[key] * (1 + 1 / LATE) < now}
        model = {key: at for key, at in model.items() if key not in found}
    assert not model


def swept(deadlines: Deadlines, now: float) -> list[str]:
    """What is found in as many sweeps as it takes."""
    found: list[str] = []
    while deadlines._ends and deadlines._ends[0] <= now:
        found += deadlines.overdue(now)
    return found
