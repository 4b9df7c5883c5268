"""What only the SQLite backend of the examples does, and several real processes on one file.

The page for authors has it pass the suite: see test_backend_page.py.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from cachekit import Cache, Prefix, Tag
from cachekit.backend import ABSENT, DONE
from cachekit.testing import FakeClock
from examples.sqlite_backend import SqliteBackend
from tests.authors.shelf import putting
from tests.authors.shop import Shop
from tests.core.test_fork import in_child


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.db"


@pytest.fixture
async def backend(path: Path) -> AsyncIterator[SqliteBackend]:
    backend = SqliteBackend(path, clock=FakeClock())
    await backend.open()
    yield backend
    await backend.close()


def rows(path: Path) -> int:
    """How many rows there are, by a connection of its own."""
    with closing(sqlite3.connect(path)) as db:
        return len(db.execute("SELECT key FROM entries").fetchall())


async def test_what_ended_is_swept_by_later_writes(backend: SqliteBackend, path: Path) -> None:
    assert isinstance(backend.clock, FakeClock)
    await backend.write([putting(f"key {n}") for n in range(50)])
    assert rows(path) == 50
    backend.clock.advance(10)
    assert await backend.read([f"key {n}" for n in range(50)]) == {}
    await backend.write([putting("new")])
    await backend.write([putting("newer", expected=ABSENT)])
    assert rows(path) == 2


async def test_a_prefix_is_taken_literally(backend: SqliteBackend) -> None:
    keys = ["v:a%b", "v:a%", "v:a%~", "v:a_b", "v:ab", "v:b", "w:a%"]
    await backend.write([putting(key) for key in keys])
    assert await backend.forget_prefix(["v:a%", "v:b"]) is DONE
    assert sorted(await backend.read(keys)) == ["v:a_b", "v:ab", "w:a%"]


async def test_more_keys_than_a_statement_has_parameters(backend: SqliteBackend) -> None:
    keys = [f"key {number}" for number in range(40_000)]
    await backend.write([putting("a")])
    assert list(await backend.read([*keys, "a"])) == ["a"]


async def test_a_cache_is_warm_when_it_starts_again(path: Path) -> None:
    for first in (True, False):
        async with Cache(SqliteBackend.from_url(f"sqlite:///{path}"), namespace="shop") as cache:
            if first:
                await cache.set("a", {"price": 3}, tags=["prices"])
                await cache.set("page:1", "text")
            assert await cache.get("a") == {"price": 3}
    async with Cache(SqliteBackend(path), namespace="shop") as cache:
        await cache.invalidate(Tag("prices"), Prefix("page:"))
        assert await cache.get_many(["a", "page:1"]) == {}


async def test_those_who_await_and_those_who_block_share_a_load(path: Path) -> None:
    cache = Cache(SqliteBackend(path), namespace="shop", deadline=5)
    loop, asking = asyncio.get_running_loop(), threading.Event()
    following: list[asyncio.Future[str]] = []

    def follow() -> str:
        asking.set()
        return cache.sync.get_or_set("a", lambda: "another load")

    async def load() -> str:
        following.append(loop.run_in_executor(None, follow))
        await loop.run_in_executor(None, asking.wait)
        return "the load"

    assert await cache.get_or_set("a", load) == "the load"
    assert await following[0] == "the load"
    await cache.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_threads_and_connections_of_its_own(path: Path) -> None:
    cache = Cache(SqliteBackend(path), namespace="shop", deadline=5)
    cache.sync.set("a", 1)

    def child() -> None:
        assert cache.sync.get("a") == 1
        cache.sync.set("a", 2)
        cache.sync.close()

    in_child(child)
    assert cache.sync.get("a") == 2
    cache.sync.close()


def test_several_processes_never_see_what_one_has_forgotten(path: Path) -> None:
    with Shop(path, processes=4, products=20) as shop:
        report = shop.run(rounds=250)
    assert report.stale == 0
    assert report.reads > 2000
    assert report.raises > 100
    assert report.first_loads == [1] * 20
