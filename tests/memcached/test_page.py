"""What docs/memcached.md says is so."""

import ast
import re
from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Final

import pytest

from cachekit import Cache
from cachekit_memcached import MemcachedBackend
from tests.servers.fixtures import ThreeMemcacheds
from tests.servers.memcached import MemcachedServer

PAGE: Final = (Path(__file__).parents[2] / "docs" / "memcached.md").read_text()


def rows(heading: str) -> dict[str, Sequence[str]]:
    """The table under a heading: its cells, by what the first of them says."""
    text = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [re.split(r" *\| *", line)[1:-1] for line in re.findall(r"^\|.*", text, re.MULTILINE)]
    return {first: rest for first, *rest in cells[2:]}


def test_the_options_are_those_of_the_page() -> None:
    taken = signature(MemcachedBackend).parameters.values()
    options = {each.name: each.default for each in taken if each.name not in ("servers", "clock")}
    told = {name.strip("`"): cells[0].strip("`") for name, cells in rows("Options").items()}
    assert {name: ast.literal_eval(default) for name, default in told.items()} == options


@pytest.mark.parametrize("url", [url.strip("`") for url in rows("Where it is")])
async def test_the_urls_are_taken(url: str) -> None:
    assert MemcachedBackend(url).servers == MemcachedBackend.from_url(url).servers
    await Cache(url, namespace="shop").close()


async def test_what_the_page_says_lies_there(
    three_memcacheds: ThreeMemcacheds, prefix: str
) -> None:
    """On one server, and with its own record for each of several."""
    lies = [key.strip("`") for key in rows("What lies there")]
    value, tag, of_all, of_one, _ = [key.replace("ck:", prefix) for key in lies]
    for servers in (three_memcacheds[:1], three_memcacheds):
        backend = MemcachedBackend([server.address for server in servers], prefix=prefix)
        async with Cache(backend, namespace="shop", deadline=5.0) as cache:
            await cache.set("product:1", "lamp", tags=["products"])
            records = [of_one.replace("host1:11211", s.address) for s in servers]
            wanted = [value, tag, *(records if len(servers) > 1 else [of_all])]
            assert sum(has(server, name) for server in servers for name in wanted) >= 3


def has(server: MemcachedServer, name: str) -> bool:
    with server.client() as client:
        return client.get(name) is not None
