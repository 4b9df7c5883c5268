"""The benchmark on Redis runs, with few callers; and round trips are as many as they are to be."""

import re

import pytest

from benchmarks.__main__ import main
from benchmarks.redis_trips import RedisMeter, backend_on
from benchmarks.trips import Trips, trips, trips_of_ours
from tests.benchmarks.test_stores import LITTLE
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer


# What the peers use of redis-py, and leave open, is their affair.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_all_are_measured_on_both_loops(
    server_installed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["redis", *LITTLE])
    shown = capsys.readouterr().out
    several = "redis.asyncio", "coredis", "cachekit", "aiocache", "cashews", "fastapi-cache2"
    for name in several:
        assert len(re.findall(rf"│   {name} +│ +[\d,.]+ │", shown)) >= 8, f"{name} in {shown}"
    assert len(re.findall(r"│   valkey-glide +│ +[\d,.]+ │", shown)) >= 6, shown
    assert re.search("asyncio: what one call takes", shown)
    assert re.search("uvloop: what one call takes", shown)
    assert re.search(r"stopped \(SIGSTOP\), first call", shown)


async def test_calls_go_to_the_server_as_often_as_they_have_to(start: Starter) -> None:
    server = start(RedisServer())
    counted = await trips_of_ours(RedisMeter(server), backend_on(server))
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

    counted = await trips(RedisMeter(server), work)
    assert counted == Trips(2, {"set": 1, "get": 2, "multi": 1, "exec": 1})
