"""The benchmark on Redis runs, with few callers; and round trips are as many as they are to be."""

import asyncio
import re

import pytest

from benchmarks.__main__ import main
from benchmarks.redis import shown
from benchmarks.redis_bursts import Burst
from benchmarks.redis_clients import VALUE
from benchmarks.redis_sides import Side
from benchmarks.redis_trips import Trips, trips, trips_of_ours
from tests.servers.fixtures import Starter
from tests.servers.program import NoServerError
from tests.servers.server import RedisServer

LITTLE = ["--rounds", "1", "--span", "0", "--callers", "10"]


# What the peers use of redis-py, and leave open, is their affair.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_all_are_measured_on_both_loops(
    server_installed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["redis", *LITTLE])
    shown = capsys.readouterr().out
    for name in ("redis.asyncio", "cachekit", "aiocache", "cashews", "fastapi-cache2"):
        assert len(re.findall(rf"│   {name} +│ +[\d,.]+ │", shown)) >= 8, f"{name} in {shown}"
    assert re.search("asyncio: what one call takes", shown)
    assert re.search("uvloop: what one call takes", shown)
    assert re.search(r"stopped \(SIGSTOP\) │ first", shown)


def test_without_a_server_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise NoServerError("to get one: install it")

    monkeypatch.setattr("benchmarks.redis.server_program", none)
    with pytest.raises(SystemExit, match="to get one: install it"):
        main(["redis", *LITTLE])


def test_who_cannot_be_used_has_a_row_and_a_reason() -> None:
    with asyncio.Runner() as runner:
        side = Side("asyncio", runner, [], {"peer": ImportError("it needs another library")})
    made = shown(side)
    assert [*made.columns[0].cells] == ["peer"]
    assert made.caption == "peer: ImportError: it needs another library"


async def test_calls_go_to_the_server_as_often_as_they_have_to(start: Starter) -> None:
    counted = await trips_of_ours(start(RedisServer()))
    assert {name: told.count for name, told in counted.items()} == {
        "get, hit": 1,
        "20 gets at once, hits": 1,
        "cached, hit": 1,
        "cached with tags, hit": 1,
        "cached, first miss of all": 4,
        "cached, miss": 3,
        "cached with tags never seen, miss": 4,
        "cached with tags, miss": 3,
        "set of what is not there": 3,
        "20 sets at once of what is there": 2,
        "invalidate a key": 1,
        "invalidate a tag": 1,
    }


async def test_what_is_sent_is_counted_by_command_and_by_piece(start: Starter) -> None:
    server = start(RedisServer())

    async def work() -> None:
        server.command("SET", "a", 1)
        server.together(("GET", "a"), ("GET", "a"))

    assert await trips(server, work) == Trips(2, {"set": 1, "get": 2, "multi": 1, "exec": 1})


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
