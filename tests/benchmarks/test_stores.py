"""What is measured of any store with a server: what is shown of it, and how trips are counted."""

import asyncio

import pytest
from rich.console import Console

from benchmarks import memcached, redis
from benchmarks.bursts import Burst, bursts, stored
from benchmarks.clients import CROWD, VALUE, Client, by_hand, in_use
from benchmarks.measuring import Effort
from benchmarks.side_results import results_of, shown
from benchmarks.sides import Side
from benchmarks.trips import Trips
from tests.servers.program import NoServerError

LITTLE = ["--rounds", "1", "--span", "0", "--callers", "10"]
LEAST = Effort(rounds=1, span=0.0, callers=10)
RUNS = {"redis": redis.run, "memcached": memcached.run}


async def nothing() -> None:
    """What a client without connections does at its end."""


async def get(key: str) -> object:
    return VALUE


async def keep(key: str, value: object) -> None:
    """Do as if it were kept."""


def client(name: str, *, least: int = 1, most: int = CROWD) -> Client:
    return by_hand(name, get, keep, nothing, least=least, most=most)


@pytest.mark.parametrize("name", RUNS)
def test_without_a_server_it_says_how_to_get_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(kind: object) -> str:
        raise NoServerError("to get one: install it")

    monkeypatch.setattr("tests.servers.base.server_program", none)
    (result,) = RUNS[name](LEAST).results
    assert result.note == "to get one: install it"
    assert result.median is None


def test_who_cannot_be_used_has_a_row_and_a_reason() -> None:
    with asyncio.Runner() as runner:
        side = Side("asyncio", runner, [], {"peer": ImportError("it needs another library")})
    made = shown(side, {})
    assert [*made.columns[0].cells] == ["peer"]
    assert made.caption == "peer: ImportError: it needs another library"
    (result,) = results_of("redis", side)
    assert (result.subject, result.note) == ("peer", "ImportError: it needs another library")


def test_a_floor_of_another_case_is_a_result_beside_those_that_stand_on_it() -> None:
    floor = Burst("get", 2, "plain", get, list)
    hit, failed = (Burst("hit", 2, name, get, list, floor) for name in ("cached", "failed"))
    failed.failure = "TimeoutError"
    for burst, took in ((floor, 4.0), (hit, 6.0)):
        burst.figure.rounds = burst.cpu.rounds = [took]
    with asyncio.Runner() as runner:
        results = results_of("redis", Side("asyncio", runner, [], {}, [hit, failed]))
    told = [(it.subject, it.median, it.floor, it.note) for it in results if "CPU" not in it.metric]
    assert told == [
        ("plain", 4.0, True, ""),
        ("cached", 6.0, False, ""),
        ("failed", None, False, "TimeoutError"),
    ]
    assert {it.metric for it in results} == {
        "hit, 2 callers, asyncio",
        "hit, 2 callers, asyncio, CPU of this process",
    }


def test_the_aim_is_shown_and_others_are_held_against_the_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = [Burst("get", 2, name, get, list) for name in ("first", "other")]
    made[1].floor = made[0]
    for burst, took in zip(made, ([4.0, 8.0, 6.0], [1.0, 4.0, 2.0]), strict=True):
        burst.figure.rounds = burst.cpu.rounds = took
    with asyncio.Runner() as runner:
        Console().print(shown(Side("asyncio", runner, [], {}, made), {("get", 2): 0.25}))
    text = capsys.readouterr().out
    assert "2 x get (aim: 0.25)" in text
    row = next(line for line in text.splitlines() if "other" in line)
    assert row.split("│")[2:-1] == ["     1.0 ", " 2.0 ", " 50% ", "  0.33 ", "    2.0 ", "  0.33 "]


def test_each_is_asked_by_as_many_as_it_is_for() -> None:
    clients = [client("one", most=1), client("few"), client("rest", least=CROWD + 1, most=10**6)]
    made = bursts(clients, iter(range(1000)), 1000)
    asked = {
        name: {it.size for it in made if it.subject == name} for name in ("one", "few", "rest")
    }
    for writing in ("set", "get or load, miss"):
        assert {it.size for it in made if it.case == writing} == {1, 10, 100, 1000}
    assert asked == {"one": {1}, "few": {1, 10, 100}, "rest": {1000}}
    assert [stored(each, 1000) for each in clients] == [1, CROWD, 6000]


@pytest.mark.parametrize("wrong", [None, {}])
async def test_who_gives_back_something_else_has_no_figure(wrong: object) -> None:
    async def call(number: int) -> object:
        return wrong if number else VALUE

    burst = Burst("get", 2, "liar", call, lambda: range(2))
    await burst.prepare(0.0)
    assert burst.failure == "1 calls did not get what was stored"


async def test_who_refuses_has_no_figure() -> None:
    async def call(number: int) -> object:
        await asyncio.sleep(0)
        raise ConnectionError("too many")

    burst = Burst("get", 2, "few", call, lambda: range(2))
    await burst.prepare(0.0)
    assert burst.failure == "ConnectionError: too many"


async def test_those_that_can_be_made_are_used_and_closed() -> None:
    closed: list[str] = []

    async def make() -> Client:
        async def close() -> None:
            closed.append("well")

        return by_hand("well", get, keep, close)

    async def fail() -> Client:
        raise ImportError("it is not installed")

    async with in_use({"ill": fail, "well": make}) as clients:
        assert [each.name for each in clients] == ["well"]
        assert not closed
    assert closed == ["well"]


def test_what_was_sent_before_does_not_count() -> None:
    before, after = Trips(3, {"get": 2, "set": 1}), Trips(5, {"get": 4, "set": 1, "add": 1})
    assert after.since(before) == Trips(2, {"get": 2, "add": 1})
