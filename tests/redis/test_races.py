"""Several real processes on one server, and on a Cluster."""

from typing import Any, Final

import pytest

from tests.races.rivals import Report, Rivalry
from tests.races.stampede import PROCESSES, Stampede
from tests.races.store import DEADLINE, Store

LONG: Final = 50_000
SHORT: Final = LONG // 8


@pytest.fixture(params=["redis_server", "redis_cluster"])
def url(request: pytest.FixtureRequest, prefix: str) -> str:
    server: Any = request.getfixturevalue(request.param)
    joint = "&" if "?" in server.url else "?"
    return f"{server.url}{joint}prefix={prefix}&timeout={DEADLINE}&connect_timeout={DEADLINE}"


def test_a_cold_key_is_loaded_once(url: str) -> None:
    outcome = Stampede(Store(url), keys=1, tasks=25).run()
    assert outcome.loads == [1]
    assert outcome.values == [[1] * 25] * PROCESSES


def test_a_leader_who_is_killed_costs_one_more_load(url: str) -> None:
    outcome = Stampede(Store(url), keys=1, tasks=25, fatal=True).run()
    assert outcome.loads == [2]
    assert outcome.values == [[2] * 25] * (PROCESSES - 1)


def test_many_cold_keys_are_loaded_once_each(url: str) -> None:
    outcome = Stampede(Store(url), keys=300, tasks=1).run()
    assert outcome.loads == [1] * 300
    assert outcome.values == [[1] * 300] * PROCESSES


def test_nobody_gets_what_was_forgotten_before(url: str) -> None:
    check_right(Rivalry(Store(url), reads=SHORT).run(), SHORT)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_nobody_ever_gets_what_was_forgotten_before(url: str) -> None:
    check_right(Rivalry(Store(url), reads=LONG).run(patience=300), LONG)


def test_values_that_are_simply_stored_are_seen_to_be_wrong(url: str) -> None:
    report = Rivalry(Store(url, plain=True), reads=SHORT // 3).run()
    assert report.wrong > 20, report
    assert report.refused == 0, report


def check_right(report: Report, reads: int) -> None:
    """All that was asked of the cache was done, and raced for."""
    print(report)
    assert report.wrong == report.unacknowledged == report.unreached == 0
    assert report.reads >= reads
    assert report.hits >= reads / 2
    assert report.met >= reads / 50
    assert min(report.by_key, report.by_tag, report.by_prefix, report.clears) > 0
    assert report.refused > 0
