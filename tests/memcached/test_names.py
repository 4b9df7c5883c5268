"""Whatever a key is called, it has its own value, and nobody else's."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit import Cache, Key, Tag
from cachekit.backend import ABSENT, DONE, REFUSED, UNREACHED, Write
from cachekit.keys import value_key
from cachekit.testing.backends.entries import an_entry
from cachekit.testing.backends.subject import read, write
from cachekit_memcached import MemcachedBackend
from cachekit_memcached.names import LONGEST, name_of
from tests.memcached.place import PATIENCE, Place
from tests.servers.memcached import MemcachedServer

PREFIX: Final = b"ck:"
SAFE: Final = re.compile(rb"[!-~]+")
MILLION: Final = "m" * 1_000_000
"""Characters; a megabyte of key."""

INJECTED: Final = "\r\nset injected 0 0 1\r\ny\r\n"

ODD: Final = [
    "a",
    "a b",
    " a",
    "a ",
    "a\r",
    "a\n",
    "a\r\n",
    "a\0",
    "a\0b",
    "\0",
    "a\tb",
    "a\x7f",
    "a\x80",
    "a\xa0b",
    "ä",
    "a\u0308",
    "\u2028",
    "😀",
    "😀😀",
    "\ud83d\ude00",
    "\ud83d",
    "\ude00",
    "\udc80",
    "a\udcff",
    "a\ufffd",
    "~",
    "~~",
    "a~~",
    "~~a",
    "a~",
    "a~~b",
    "noreply",
    "0",
    "get",
    "END",
    "VALUE x 0 1",
    INJECTED,
    f"a{INJECTED}",
    "a\r\ndelete a\r\n",
    "a 0 0 1\r\nx",
    "a noreply",
    *("x" * size for size in (199, 200, 201, 246, 247, 248, 249, 250, 251, 252)),
    "ü" * 125,
    "ü" * 126,
    "x" * 250 + "a",
    "x" * 250 + "b",
    MILLION,
    MILLION + "a",
    MILLION[:-1] + "😀",
    MILLION[:-1] + "\ud800",
]
HEAD: Final = value_key("n", "a")[:-1]
DIGESTS: Final = [value_key("n", key).removeprefix(HEAD) for key in ODD]
"""What others are stored as, as keys."""

NAMES: Final = [name_of(b"", HEAD + key).decode().removeprefix(HEAD) for key in ODD]
"""And what a server would know them by."""

KEYS: Final = list(dict.fromkeys([*ODD, *DIGESTS, *NAMES, *(key + " " for key in DIGESTS)]))

TEXTS: Final = st.text(st.characters(codec=None), max_size=300) | st.text("~x ", max_size=8)
"""Lone surrogates among them."""


@given(TEXTS, TEXTS)
def test_no_two_keys_have_one_name(one: str, two: str) -> None:
    names = {name_of(PREFIX, key) for key in (one, two)}
    assert len(names) == len({one, two})


@given(TEXTS)
def test_no_key_has_the_name_of_what_it_is_not(key: str) -> None:
    """Not even who knows the name of another, and what it is made of."""
    name = name_of(PREFIX, key)
    taken = name[len(PREFIX) :].decode() if name.startswith(PREFIX) else name.decode()
    assert taken == key or name_of(PREFIX, taken) != name


@given(st.text(st.characters(codec=None), max_size=64), TEXTS)
def test_a_name_is_what_the_protocol_takes(prefix: str, key: str) -> None:
    name = name_of(prefix.encode("utf-8", "surrogatepass"), "v:" + key)
    assert SAFE.fullmatch(name)
    assert len(name) <= LONGEST


@given(st.text("abc:/", min_size=1, max_size=200))
def test_a_plain_key_is_its_own_name(key: str) -> None:
    assert name_of(PREFIX, key) == PREFIX + key.encode()


def test_the_odd_ones_have_names_of_their_own() -> None:
    assert len({name_of(PREFIX, key) for key in KEYS}) == len(KEYS) > 100


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("v:shop:a", b"ck:v:shop:a"),
        ("v:shop:a b", b"ck:v:shop:a~~590c201c2fb98021484dc98928362f75"),
        ("ü", b"ck:~~af186fcc79d0ccb77cf4900e3ecc108c"),
        ("a~~b", b"ck:a~~b~~86e56d2e85795923f1b10c8177256b17"),
        ("x" * 300, b"ck:" + b"x" * 117 + b"~~99b9e9b0fdef03e3fa0f49081b1daf68"),
    ],
)
def test_names_stay_what_they_are(key: str, name: bytes) -> None:
    """Those of another release read what is there."""
    assert name_of(PREFIX, key) == name


def test_a_server_takes_no_longer_ones(memcached_server: MemcachedServer, prefix: str) -> None:
    longest = prefix.encode().ljust(LONGEST, b"x")
    assert memcached_server.command(b"set %b 0 0 1\r\ny" % longest) == b"STORED"
    assert memcached_server.command(b"get %b" % longest) == b"VALUE %b 0 1" % longest
    assert memcached_server.command(b"get %bx" % longest).startswith(b"CLIENT_ERROR")


# -- through a whole cache


@pytest.fixture
async def cache(place: Place) -> AsyncIterator[Cache]:
    async with Cache(place.backend(), namespace="n", deadline=PATIENCE) as cache:
        yield cache
    for server in place.servers:
        assert server.command(b"get injected") == b"END"


async def test_each_key_has_its_own_value(cache: Cache) -> None:
    """Whether it is asked for alone or with all others."""
    for number, key in enumerate(KEYS):
        await cache.set(key, number, ttl=60)
    wanted = {key: number for number, key in enumerate(KEYS)}
    assert [await cache.get(key) for key in KEYS] == list(wanted.values())
    assert await asyncio.gather(*(cache.get(key) for key in KEYS)) == list(wanted.values())
    assert await cache.get_many(KEYS) == wanted


async def test_what_is_loaded_for_a_key_is_for_that_one(cache: Cache) -> None:
    loaded: list[str] = []

    @cache.cached(key="{key}", ttl=60)
    async def shown(key: str) -> str:
        loaded.append(key)
        return f"shown {key[-200:]!a}"

    for _ in range(2):
        found = await asyncio.gather(*(shown(key) for key in KEYS))
        assert found == [f"shown {key[-200:]!a}" for key in KEYS]
    assert sorted(loaded) == sorted(KEYS)


async def test_many_are_loaded_at_once(cache: Cache) -> None:
    async def load(keys: Sequence[str]) -> dict[str, int]:
        return {key: KEYS.index(key) for key in keys}

    wanted = {key: number for number, key in enumerate(KEYS)}
    assert await cache.get_or_set_many(KEYS, load, ttl=60) == wanted
    assert await cache.get_many(KEYS) == wanted


async def test_who_forgets_a_key_forgets_no_other(cache: Cache) -> None:
    await cache.set_many({key: key[-9:] for key in KEYS}, ttl=60)
    await cache.invalidate(*(Key(key) for key in KEYS[::2]))
    assert await cache.get_many(KEYS) == {key: key[-9:] for key in KEYS[1::2]}


async def test_who_forgets_a_tag_forgets_no_other(cache: Cache) -> None:
    for key in ODD:
        await cache.set(key, key[-9:], ttl=60, tags=[key])
    await cache.invalidate(*(Tag(key) for key in ODD[::2]))
    assert await cache.get_many(ODD) == {key: key[-9:] for key in ODD[1::2]}


# -- past what a cache makes of keys


SHORT: Final = [key for key in KEYS if len(key) < 10_000]


async def test_hundreds_of_them_in_one_batch(place: Place, backend: MemcachedBackend) -> None:
    """As long as they are, and as strange: each has what was written there."""
    plain = [space + key for space in ("v:", "t:", "c:", HEAD, "") for key in SHORT]
    names = [place.name(key).decode().removeprefix(place.prefix) for key in plain]
    keys = list(dict.fromkeys(plain + names))
    assert len(keys) > 1000
    writes = [Write(key, an_entry(version=number)) for number, key in enumerate(keys)]
    assert await backend.write(writes) == [DONE] * len(keys)
    found = await read(backend, *keys)
    assert {key: entry.version for key, entry in found.items()} == {
        key: number for number, key in enumerate(keys)
    }
    gone = [Write(key, None, number) for number, key in enumerate(keys)]
    assert await backend.write(gone[::2]) == [DONE] * len(gone[::2])
    assert sorted(await backend.read(keys)) == sorted(keys[1::2])
    assert backend.unreadable == 0


async def test_conditions_are_those_of_one_key(backend: MemcachedBackend) -> None:
    for number, key in enumerate(SHORT):
        assert await write(backend, key, an_entry(version=number), ABSENT) is DONE, ascii(key)
    for number, key in enumerate(SHORT):
        assert await write(backend, key, an_entry(), ABSENT) is REFUSED, ascii(key)
        assert await write(backend, key, an_entry(version=number + 1), number) is DONE, ascii(key)


async def test_what_no_bytes_can_hold_harms_no_other(backend: MemcachedBackend) -> None:
    """A key of a megabyte, of which no cache makes one."""
    writes = [Write(key, an_entry(version=5)) for key in ("v:a", MILLION, "v:b")]
    assert await backend.write(writes) == [DONE, UNREACHED, DONE]
    assert sorted(await backend.read(["v:a", MILLION, "v:b"])) == ["v:a", "v:b"]
    assert await write(backend, MILLION, None) is DONE


async def test_a_line_of_half_a_megabyte(place: Place, backend: MemcachedBackend) -> None:
    """What one command asks for is as long as all its keys."""
    keys = [f"v:{number}:".ljust(240 - len(place.prefix), "x") for number in range(2_000)]
    await backend.write([Write(key, an_entry(version=5)) for key in keys[::100]])
    assert sorted(await backend.read(keys)) == sorted(keys[::100])
