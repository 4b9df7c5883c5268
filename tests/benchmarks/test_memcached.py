"""The benchmark on memcached runs, with few callers; and round trips are as many as they are."""

import asyncio
import re

import pytest

from benchmarks.__main__ import main
from benchmarks.memcached_clients import makers
from benchmarks.memcached_trips import Relay, commands_in
from benchmarks.trips import Counted, Trips, trips, trips_of, trips_of_ours
from cachekit_memcached import MemcachedBackend
from tests.benchmarks.test_stores import LITTLE
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.servers.ports import LOOPBACK


def test_all_are_measured_on_both_loops(
    memcached_installed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["memcached", *LITTLE])
    shown = capsys.readouterr().out
    several = "aiomcache", "emcache", "cachekit", "aiocache", "fastapi-cache2"
    for name in (*several, "aiomcache, pool of 100", "emcache, autobatching"):
        assert len(re.findall(rf"│   {name} +│ +[\d,.]+ │", shown)) >= 8, f"{name} in {shown}"
    assert len(re.findall(r"│   pymemcache +│ +[\d,.]+ │", shown)) == 6, shown
    assert re.search("uvloop: what one call takes", shown)
    assert re.search("uvloop, a link of 2 ms and back between: what one call takes", shown)
    assert re.search(r"stopped \(SIGSTOP\), first call", shown)


async def test_calls_go_to_the_server_as_often_as_they_have_to(start: Starter) -> None:
    server = start(MemcachedServer())
    async with Relay(server.port) as relay:
        counted = await trips_of_ours(relay, MemcachedBackend(relay.url))
    assert {name: told.count for name, told in counted.items()} == {
        "get, hit": 1,
        "20 gets at once, hits": 1,
        "cached, hit": 1,
        "cached with tags, hit": 1,
        "cached, first miss of all": 5,
        "cached, miss": 4,
        "cached with tags never seen, miss": 5,
        "cached with tags, miss": 4,
        "set of what is not there": 4,
        "20 sets at once of what is there": 3,
        "invalidate a key": 1,
        "invalidate a tag": 1,
    }


async def test_one_that_blocks_is_counted_from_a_thread(start: Starter) -> None:
    server = start(MemcachedServer())
    async with Relay(server.port) as relay:
        client = await makers(relay.url)["pymemcache"]()
        counted = await trips_of(relay, client, iter(range(2)))
        await client.close()
    name = "pymemcache, get, set"
    assert counted == [
        Counted(name, "cached, miss", Trips(2, {"get": 1, "set": 1}), plain=True),
        Counted(name, "cached, hit", Trips(1, {"get": 1}), plain=True),
    ]


async def test_what_is_sent_without_an_answer_is_one_piece(start: Starter) -> None:
    server = start(MemcachedServer())
    async with Relay(server.port) as relay:
        reader, writer = await asyncio.open_connection(LOOPBACK, relay.port)

        async def work() -> None:
            for line in (
                b"set a 0 0 3\r\nx\r\n\r\n",
                b"set b 0 0 1 noreply\r\ny\r\n",
                b"get a b\r\n",
            ):
                writer.write(line)
            assert await reader.readuntil(b"END\r\n") == (
                b"STORED\r\nVALUE a 0 3\r\nx\r\n\r\nVALUE b 0 1\r\ny\r\nEND\r\n"
            )

        assert await trips(relay, work) == Trips(1, {"set": 2, "get": 1})
        writer.close()
        await writer.wait_closed()


def test_commands_are_read_past_their_data() -> None:
    assert [*commands_in(b"add a 0 0 5\r\nget x\r\nget b\r\n")] == [b"add a 0 0 5", b"get b"]
    with pytest.raises(ValueError, match="has more than is there"):
        list(commands_in(b"set a 0 0 9\r\nx\r\n"))
