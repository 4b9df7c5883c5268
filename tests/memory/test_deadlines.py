"""Deadlines: found in time, swept in parts, and no larger than what is kept."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from cachekit_memory.deadlines import SWEEP, Deadlines


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


def test_moved_deadlines_do_not_pile_up() -> None:
    deadlines = Deadlines()
    for number in range(10_000):
        deadlines.set(str(number % 10), 1e6 + number)
        assert len(deadlines._heap) <= 2 * len(deadlines) + SWEEP


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 10)), max_size=60))
def test_sweeping_finds_each_overdue_key_once(sets: list[tuple[str, float]]) -> None:
    deadlines, model = Deadlines(), dict[str, float]()
    for key, at in sets:
        deadlines.set(key, at)
        model[key] = at
    for now in range(11):
        due = {key for key, at in model.items() if at <= now}
        assert {key for key in model if deadlines.passed(key, now)} == due
        found = [key for _ in range(3) for key in deadlines.overdue(now)]
        assert sorted(found) == sorted(due)
        model = {key: at for key, at in model.items() if key not in due}
