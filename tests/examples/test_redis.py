"""The places on Redis: one setting, and several processes that share what they have cached."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from cachekit import Cache
from examples.places.demo.__main__ import main
from examples.places.demo.server import serving
from examples.places.demo.store import StoreError, corner
from tests.servers.server import RedisServer

PARIS = 2988507
PATHS = (
    f"/places/{PARIS}",
    "/places?country=FR&size=5",
    "/countries/FR/statistics",
    "/users/7/settings",
)
NOWHERE = "redis://somebody:secret@127.0.0.1:1"


def stored(server: RedisServer, prefix: str) -> list[bytes]:
    keys: list[bytes] = server.command("KEYS", f"{prefix}*")
    return keys


@asynccontextmanager
async def service(database: Path, store: str) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(database, cached=True, store=store) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30.0, trust_env=False) as client,
    ):
        yield client


async def read(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    return answer.raise_for_status().json()


async def queries(client: httpx.AsyncClient) -> int:
    return int((await read(client, "/stats"))["database_queries"])


async def test_what_one_service_has_cached_another_serves_and_its_updates_are_seen(
    filled: Path, tmp_path: Path, redis_server: RedisServer, prefix: str
) -> None:
    database = Path(shutil.copy(filled, tmp_path))
    store = f"{redis_server.url}?prefix={prefix}"
    async with service(database, store) as one, service(database, store) as other:
        first = [await read(one, path) for path in PATHS]
        assert [await read(other, path) for path in PATHS] == first
        assert await queries(other) == 0
        for population in (2_200_001, 2_200_002):
            change = {"population": population}
            updated = (await one.patch(f"/places/{PARIS}", json=change)).json()
            place, page, statistics, _ = [await read(other, path) for path in PATHS]
            assert place == page["places"][0] == updated
            assert statistics["version"] == page["version"] == updated["version"]
        saved = (await other.put("/users/7/settings", json={"language": "fr"})).json()
        assert await read(one, "/users/7/settings") == saved
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
