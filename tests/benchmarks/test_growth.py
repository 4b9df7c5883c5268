"""How cost grows: a little of it is measured, and the fit of what is known is right."""

import pytest

from benchmarks.growth import run
from benchmarks.growth_series import DICT, Series, curves, exponent, results, sizes
from benchmarks.growth_tables import Table
from benchmarks.growth_worst import NESTED, TEXTS, filled
from benchmarks.measuring import Effort
from benchmarks.results import OURS
from tests.servers.program import NoServerError

LITTLE = Effort(rounds=1, hits=2, span=0.0, callers=2, most=1000)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_fit_of_a_known_series_is_its_power(power: float) -> None:
    assert exponent({size: 3.0 * size**power for size in (10, 100, 1000)}) == pytest.approx(power)


def test_one_size_has_no_growth() -> None:
    assert exponent({10: 1.0}) is None
    assert exponent({}) is None


def test_sizes_are_powers_of_ten_and_never_none() -> None:
    assert sizes(1000) == [1, 10, 100, 1000]
    assert sizes(5000, 100) == [100, 1000]
    assert sizes(5, 7) == [5]


def test_a_series_has_a_row_for_each_size_its_growth_and_a_curve() -> None:
    series = Series("a hit", OURS, "entries")
    for size in (10, 100):
        for figure in (1.0 * size, 2.0 * size, 9.0 * size):
            series.add(size, figure)
    one, other, growth = results([series])
    assert (one.metric, one.rounds) == ("a hit, 10 entries", [10.0, 20.0, 90.0])
    assert (other.metric, other.median) == ("a hit, 100 entries", 200.0)
    assert growth.unit == "exponent"
    assert growth.median == pytest.approx(1.0)
    (picture,) = curves([series])
    assert picture.curves == {OURS: [(10, 20.0), (100, 200.0)]}


def test_what_was_not_measured_has_a_row_and_a_reason() -> None:
    (row,) = results([Series("a get", OURS, "entries", note="no server")])
    assert (row.rounds, row.note) == ([], "no server")


def test_little_is_measured_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(kind: object) -> str:
        raise NoServerError("to get one: install it")

    monkeypatch.setattr("tests.servers.base.server_program", none)
    report = run(LITTLE)
    rows = {(row.metric, row.subject): row for row in report.results}
    whats = ("a hit of a decorated function", "a get", "a peek of the store", "a set")
    worst = [f"the worst set of a table being filled with {values}" for values in (TEXTS, NESTED)]
    for what in (*whats, "memory of an entry", *worst):
        for subject in (OURS, DICT):
            assert len(rows[f"{what}, 1,000 entries", subject].rounds) == 1
    for metric in ("a hit, 16 tags", "a set, 1 tags", "a caller of one load, 1,000 waiters"):
        assert rows[metric, OURS].rounds
    assert rows["forgetting all by their tag: growth over entries", OURS].unit == "exponent"
    assert rows["a get from Redis", OURS].note == "to get one: install it"
    assert "What a caller of one load takes" in {picture.title for picture in report.curves}


async def test_what_is_still_there_after_it_was_forgotten_is_an_error() -> None:
    table = Table(3)
    table.fill()
    table.item = table.cache.cached(key="another:{number}", tags=["another"])(table._load)
    await table.cache.set(table.keys[0], "not tagged")
    with pytest.raises(AssertionError, match="1 of 3 are still there"):
        await table.forget()


def test_the_worst_call_is_found_and_the_garbage_collector_counts_apart() -> None:
    heap: list[list[object]] = []

    def put(number: int) -> None:
        heap.extend([[] for _ in range(30_000 if number == 5 else 1)])

    whole, apart = filled(put, 10)
    assert whole > apart > 0.0
