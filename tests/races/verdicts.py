"""What must be true of the outcome of a race, on whatever store it was run."""

from dataclasses import replace
from typing import Final

from tests.races.crew import PATIENCE
from tests.races.rivals import Report, Rivalry
from tests.races.stampede import PROCESSES, Outcome, Stampede
from tests.races.store import Store

LONG: Final = 50_000
SHORT: Final = LONG // 8
TASKS: Final = 25


def check_right(store: Store, reads: int, *, patience: float = PATIENCE) -> None:
    """All that was asked of the cache was done, and raced for."""
    report = Rivalry(store, reads=reads).run(patience=patience)
    print(report)
    assert report.wrong == report.unacknowledged == report.unreached == 0
    assert report.reads >= reads
    assert report.hits >= reads / 2
    assert report.met >= reads / 50
    assert report.refused > 0
    _check_ways(report, store)


def _check_ways(report: Report, store: Store) -> None:
    """Each way of forgetting was taken; a `store` may not know all of them."""
    assert min(report.by_key, report.by_tag, report.clears) > 0
    assert (report.by_prefix > 0) == store.has_prefixes


def check_seen_wrong(store: Store) -> None:
    """Where values are simply stored, what is old is seen."""
    report = Rivalry(replace(store, plain=True), reads=SHORT // 3).run()
    assert report.wrong > 20, report
    assert report.refused == 0, report


def check_one_load(store: Store, *, fatal: bool = False) -> None:
    """A cold key is loaded once; a leader who is killed costs one more load."""
    outcome = Stampede(store, keys=1, tasks=TASKS, fatal=fatal).run()
    loads = 2 if fatal else 1
    assert outcome == Outcome([loads], [[loads] * TASKS] * (PROCESSES - fatal))


def check_loads(store: Store, keys: int) -> None:
    """Each of many cold keys is loaded once."""
    outcome = Stampede(store, keys=keys, tasks=1).run()
    assert outcome == Outcome([1] * keys, [[1] * keys] * PROCESSES)
