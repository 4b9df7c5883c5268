"""The places on memcached: one setting, and several processes that share what they have cached."""

import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from cachekit import Cache
from examples.places.demo.__main__ import main
from examples.places.demo.store import StoreError, corner
from tests.examples.sharing import check_that_two_share
from tests.servers.fixtures import ThreeMemcacheds
from tests.servers.memcached import MemcachedServer

NOWHERE: Final = "memcached://127.0.0.1:1"


async def test_what_one_service_has_cached_another_serves_and_its_updates_are_seen(
    filled: Path, tmp_path: Path, three_memcacheds: ThreeMemcacheds, prefix: str
) -> None:
    database = Path(shutil.copy(filled, tmp_path))
    servers = ",".join(server.address for server in three_memcacheds)
    await check_that_two_share(database, f"memcached://{servers}?prefix={prefix}")


async def test_a_corner_is_nobody_elses(memcached_server: MemcachedServer, prefix: str) -> None:
    url = f"memory://?max_entries=5 {memcached_server.url}?prefix={prefix}"
    async with corner(url) as one, corner(url) as other:
        assert one != other
        urls = [(each or "").split() for each in (one, other)]
        async with Cache(urls[0], namespace="places") as cache:
            await cache.set("a", 1)
            async with Cache(urls[1], namespace="places") as another:
                assert await another.get("a") is None


async def test_a_corner_of_what_does_not_answer() -> None:
    with pytest.raises(StoreError, match=f"no answer from {NOWHERE}: "):
        async with corner(NOWHERE):
            pytest.fail("nobody is there")


def test_the_demo_says_that_memcached_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACES_CACHE", NOWHERE)
    with pytest.raises(SystemExit, match="The demo failed: no answer from memcached"):
        main([])


@pytest.mark.long
@pytest.mark.parametrize("before", ["", "memory:// "], ids=["alone", "with copies"])
def test_a_small_demo_on_memcached(
    memcached_server: MemcachedServer,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: str,
) -> None:
    monkeypatch.setenv("PLACES_CACHE", f"{before}{memcached_server.url}?prefix={prefix}")
    main(["--requests", "150", "--clients", "5", "--crowd", "20", "--smallest", "15000"])
    shown = capsys.readouterr().out
    assert re.search(r"20 clients, cold key: loads +│ +20 │ +1 │", shown), shown
    assert re.search(r"stale answers +│ +0 │ +0 │", shown), shown
