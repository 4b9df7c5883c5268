"""A crowd is measured in memory, and on a Redis in one process and in several; all have ended."""

import pytest

from benchmarks import stampede
from benchmarks.measuring import Effort
from benchmarks.results import OURS, Result
from benchmarks.stampede import LOADS, PLACES
from benchmarks.stampede_process import Worker
from benchmarks.stampede_subjects import FUTURE, IN_MEMORY, MEMORY, ON_REDIS, Subject
from tests.servers.program import NoServerError

LEAST = Effort(rounds=1, callers=8)
BLOCKS = "dogpile.cache"


def test_all_are_measured_and_ours_load_once(server_installed: str) -> None:
    results = stampede.run(LEAST).results
    assert len(results) == 2 * (len(IN_MEMORY) + 2 * len(ON_REDIS))
    for each in results:
        assert len(each.rounds) == (0 if each.subject == BLOCKS else 1), each
    for place in PLACES:
        loads = {each.subject: each.median for each in results if _is_of(each, place.name)}
        assert loads[OURS] == loads["cachekit get_or_set"] == 1.0
        assert loads[FUTURE] == place.processes
    assert all(each.rounds[0] >= 50.0 for each in results if each.unit == "ms" and each.rounds)


def _is_of(result: Result, place: str) -> bool:
    return result.metric.startswith(LOADS) and result.metric.endswith(place)


def test_without_a_server_what_is_in_memory_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(kind: object) -> str:
        raise NoServerError("to get one: install it")

    monkeypatch.setattr("tests.servers.base.server_program", none)
    results = stampede.run(LEAST).results
    assert len([each for each in results if each.rounds]) == 2 * (len(IN_MEMORY) - 1)
    assert [each.note for each in results[-2:]] == ["to get one: install it"] * 2


async def test_who_gets_something_else_is_no_figure() -> None:
    async def wrong(number: int) -> str:
        return "something else"

    async def nothing() -> None:
        """What has nothing to close."""

    worker = Worker(MEMORY)
    worker._subjects["liar"] = Subject(wrong, nothing)
    with pytest.raises(ValueError, match="3 of 3 got something else"):
        await worker.answer({"subject": "liar", "number": 1, "waiters": 3})


async def test_loads_are_counted_and_a_value_that_is_there_is_none() -> None:
    worker = Worker(MEMORY)
    question = {"subject": OURS, "number": 1, "waiters": 3}
    first, again = [await worker.answer(question) for _ in range(2)]
    assert (first["loads"], again["loads"]) == (1, 0)
    await worker.close()
