"""What has copies in its process is measured, in one process and in several, and all have ended."""

import os
import sys
from itertools import repeat
from pathlib import Path

import pytest

from benchmarks import tiered
from benchmarks.measuring import Effort
from benchmarks.processes import Crew, NoAnswerError
from benchmarks.results import OURS, Result
from benchmarks.tiered import CASES
from benchmarks.tiered_changes import SEEN
from benchmarks.tiered_process import seen, timed
from benchmarks.tiered_subjects import COPIES, MAKERS, NO_COPIES, Tiers
from tests.servers.program import NoServerError

LEAST = Effort(rounds=1, span=0.0)


# What a peer uses of redis-py is its affair.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_all_cases_of_all_subjects_are_measured(server_installed: str) -> None:
    results = tiered.run(LEAST).results
    assert {each.subject for each in results} == set(MAKERS)
    alone = [each for each in results if each.metric.endswith("one process")]
    assert len(alone) == len(CASES) * len(MAKERS)
    assert all(each.median for each in alone), alone
    hits = {each.subject: each.rounds[0] for each in alone if CASES["hit"] in each.metric}
    assert hits[OURS] < hits[NO_COPIES] / 3, "there was no copy"
    assert len([each for each in results if each.unit == "calls/s"]) == len(alone)
    changes = [each for each in results if each.unit == "ms"]
    assert len(changes) == 2 * len(SEEN) * len(MAKERS)
    assert all(_is_told_of(each) for each in changes), changes


def _is_told_of(change: Result) -> bool:
    """Nobody tells other processes of what cachetools has; all others do."""
    if change.subject == COPIES:
        return not change.rounds and change.note.endswith("others have the older value 2 s later")
    return change.median is not None and 0.0 <= change.median < 1000.0


def test_without_a_server_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(kind: object) -> str:
        raise NoServerError("to get one: install it")

    monkeypatch.setattr("tests.servers.base.server_program", none)
    (result,) = tiered.run(LEAST).results
    assert (result.median, result.note) == (None, "to get one: install it")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """One whose processes say their number, fail, or die."""
    text = """
import asyncio, os, sys
from benchmarks.processes import serve
class Worker:
    async def answer(self, question):
        if question["what"] == "die":
            os._exit(3)
        return {"pid": os.getpid(), "told": int(question["what"]), "number": sys.argv[-1]}
    async def close(self):
        print("closed", file=sys.stderr)
asyncio.run(serve(Worker()))
"""
    (tmp_path / "asked.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    return "asked"


def test_processes_are_asked_together_and_end(
    module: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with Crew(module, 2) as crew:
        answers = crew.ask(what=7)
        assert [(each["told"], each["number"]) for each in answers] == [(7, "0"), (7, "1")]
        with pytest.raises(NoAnswerError, match="ValueError: invalid literal"):
            crew.ask(what="nothing")
        assert [each["told"] for each in crew.ask(what=8)] == [8, 8]
    for each in answers:
        with pytest.raises(ProcessLookupError):
            os.kill(each["pid"], 0)
    assert capfd.readouterr().err == "closed\n" * 2


def test_one_that_dies_is_no_answer(module: str) -> None:
    with Crew(module, 1) as crew:
        for _ in range(2):
            with pytest.raises(NoAnswerError, match="has ended by 3"):
                crew.ask(what="die")


def test_one_that_does_not_begin_is_no_crew(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NoAnswerError, match="has ended by 1"), Crew("no.such.module", 2):
        pytest.fail("it was entered")


async def test_a_call_that_gets_the_older_value_is_told_by_when_it_began() -> None:
    versions = iter([1, 1, 2])

    async def get(number: int) -> dict[str, int]:
        return {"version": next(versions)}

    async def nothing() -> None:
        """What has nothing to close."""

    told = await seen(Tiers(get, get, nothing), 2)
    assert told["older"] < told["newer"]


async def test_calls_are_counted_and_their_answer_is_looked_at() -> None:
    async def double(number: int) -> int:
        return 2 * number

    assert (await timed(double, range(50), wanted=98))["calls"] == 50
    assert (await timed(double, repeat(1), 0.0, wanted=2))["calls"] >= 20
    with pytest.raises(ValueError, match="it gives 98"):
        await timed(double, range(50), wanted=99)
