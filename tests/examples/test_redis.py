"""The places on Redis: one setting, and several processes that share what they have cached."""

import re
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest

from cachekit import Cache
from examples.places.demo.__main__ import main
from examples.places.demo.store import StoreError, corner
from tests.examples.sharing import check_that_two_share
from tests.servers.server import RedisServer

NOWHERE = "redis://somebody:secret@127.0.0.1:1"


def stored(server: RedisServer, prefix: str) -> list[bytes]:
    keys: list[bytes] = server.command("KEYS", f"{prefix}*")
    return keys


async def test_what_one_service_has_cached_another_serves_and_its_updates_are_seen(
    filled: Path, tmp_path: Path, redis_server: RedisServer, prefix: str
) -> None:
    database = Path(shutil.copy(filled, tmp_path))
    await check_that_two_share(database, f"{redis_server.url}?prefix={prefix}")
    assert len(stored(redis_server, prefix)) > 5


async def test_of_a_corner_nothing_is_left(redis_server: RedisServer, prefix: str) -> None:
    url = f"{redis_server.url}?prefix={prefix}&announce=true"

    async def interrupted() -> None:
        async with (
            corner(url) as own,
            Cache(own or "", namespace="places") as cache,
            Cache(url, namespace="places") as another,
        ):
            await cache.set("a", 1, tags=["t"])
            await cache.delete("b")
            assert len(stored(redis_server, f"{prefix}demo-")) == 4  # one of them is the stream
            assert await another.get("a") is None
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await interrupted()
    assert stored(redis_server, prefix) == []


async def test_of_a_chain_what_is_shared_has_a_corner(
    redis_server: RedisServer, prefix: str
) -> None:
    async with corner(f"memory://?max_entries=5 {redis_server.url}?prefix={prefix}") as own:
        near, shared = (own or "").split()
        assert (near, f"prefix={quote(prefix)}demo-" in shared) == ("memory://?max_entries=5", True)


async def test_a_corner_of_what_does_not_answer() -> None:
    with pytest.raises(StoreError, match=r"no answer from redis://\*\*\*@127.0.0.1:1: ") as failed:
        async with corner(NOWHERE):
            pytest.fail("nobody is there")
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize("url", [None, "memory://?max_entries=5"])
async def test_memory_is_left_as_it_is(url: str | None) -> None:
    async with corner(url) as own:
        assert own == url


def test_the_demo_says_that_redis_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACES_CACHE", NOWHERE)
    with pytest.raises(SystemExit, match="The demo failed: no answer from redis"):
        main([])


@pytest.mark.long
def test_a_small_demo_on_redis(
    redis_server: RedisServer,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PLACES_CACHE", f"{redis_server.url}?prefix={prefix}")
    main(["--requests", "150", "--clients", "5", "--crowd", "20", "--smallest", "15000"])
    shown = capsys.readouterr().out
    assert re.search(r"20 clients, cold key: loads +│ +20 │ +1 │", shown), shown
    assert re.search(r"stale answers +│ +0 │ +0 │", shown), shown
    assert stored(redis_server, prefix) == []
