"""What a write does to what is there: on which condition, for how long, and who hears of it."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeAlias

import pytest

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, UNREACHED, Condition, Outcome, Write
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack
from cachekit.testing.backends.entries import an_entry
from cachekit_redis import RedisBackend
from tests.redis.back_door import LIFE
from tests.redis.place import PATIENCE, Place, write
from tests.redis.scripted import NOTHING, bulk, scripted
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.servers.waiting import eventually

Bring: TypeAlias = Callable[[Place, str, bytes], object]

VERSION: Final = 5
MINUTE: Final = 60.0
WRONG: Final = b"-WRONGTYPE no string\r\n"


def put(place: Place, key: str, data: bytes) -> None:
    place.ask("SET", key, data, "PX", 50_000)


def a_value(version: int = VERSION) -> Entry:
    return an_entry(version=version, keep=MINUTE)


STATES: Final[dict[str, Bring]] = {
    "absent": lambda place, key, life: None,
    "version": lambda place, key, life: put(place, key, life + pack(key, a_value())),
    "stub": lambda place, key, life: put(
        place, key, life + pack(key, Entry(Kind.STUB, VERSION, keep=MINUTE))
    ),
    "another version": lambda place, key, life: put(place, key, life + pack(key, a_value(6))),
    "another life": lambda place, key, life: put(place, key, b"12345678" + pack(key, a_value())),
    "no life": lambda place, key, life: put(place, key, bytes(LIFE) + pack(key, a_value())),
    "corrupt": lambda place, key, life: put(place, key, life + pack(key, a_value(6))[:-1] + b"?"),
    "short": lambda place, key, life: put(place, key, life[:5]),
    "empty": lambda place, key, life: put(place, key, b""),
    "another key": lambda place, key, life: put(place, key, life + pack("v:x", a_value(6))),
    "a list": lambda place, key, life: place.ask("RPUSH", key, life + pack(key, a_value())),
    "a stream": lambda place, key, life: place.ask("XADD", key, "*", "k", key),
}
HOLDS: Final[dict[int | Condition, Callable[[str], bool]]] = {
    ANY: lambda state: True,
    ABSENT: lambda state: state not in ("version", "stub", "another version"),
    VERSION: lambda state: state in ("version", "stub"),
}


async def life_of(place: Place, backend: RedisBackend, key: str) -> bytes:
    """The life of the server that has `key`."""
    assert await write(backend, key, a_value()) is DONE
    life: bytes = place.ask("GET", key)[:LIFE]
    place.ask("DEL", key)
    return life


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("expected", HOLDS, ids=str)
async def test_each_condition_on_each_state(
    place: Place, backend: RedisBackend, state: str, expected: int | Condition
) -> None:
    """What is stored then, and announced, and what the outcome is."""
    for announce in (False, True):
        for entry in (a_value(8), Entry(Kind.STUB, 8, keep=MINUTE), None):
            key = f"v:{announce}:{entry and entry.kind}"
            life = await life_of(place, backend, key)
            STATES[state](place, key, life)
            before, told = place.held(key)[0], len(place.announced())
            outcome = await write(backend, key, entry, expected, announce=announce)
            holds = HOLDS[expected](state)
            assert outcome is (DONE if holds else REFUSED), key
            if not holds:
                assert place.held(key)[0] == before, key
            elif entry is None:
                assert place.held(key) == (None, -2), key
            else:
                assert place.ask("GET", key) == life + pack(key, entry), key
                assert 55_000 < place.ask("PTTL", key) <= 60_000, key
            news = [{b"k": key.encode()}] if holds and announce else []
            assert place.announced()[told:] == news, key


@pytest.mark.parametrize("state", STATES)
async def test_a_read_finds_what_is_not_absent(
    place: Place, backend: RedisBackend, state: str
) -> None:
    """And what it cannot read it deletes, if that is not another life's."""
    life = await life_of(place, backend, "v:k")
    STATES[state](place, "v:k", life)
    await write(backend, "v:other", a_value())
    found = await backend.read(["v:k", "v:other", "v:none"])
    absent = HOLDS[ABSENT](state)
    assert list(found) == (["v:other"] if absent else ["v:k", "v:other"])
    unreadable = state in ("corrupt", "another key")
    assert backend.unreadable == unreadable
    stays = not unreadable and state != "absent"
    await eventually(lambda: place.ask("EXISTS", "v:k") == stays, "the deletion")


async def test_unreadable_bytes_are_taken_over_by_one(place: Place) -> None:
    backends = [place.backend() for _ in range(3)]
    life = await life_of(place, backends[0], "v:k")
    for state in ("corrupt", "another life", "a list"):
        place.ask("DEL", "v:k")
        STATES[state](place, "v:k", life)
        entries = [a_value(n) for n in range(100, 130)]
        outcomes = await asyncio.gather(
            *(
                write(backends[n % 3], "v:k", entry, ABSENT, announce=n % 2 == 0)
                for n, entry in enumerate(entries)
            )
        )
        assert (outcomes.count(DONE), outcomes.count(REFUSED)) == (1, 29), state
        winner = entries[outcomes.index(DONE)]
        assert place.ask("GET", "v:k") == life + pack("v:k", winner), state
    for backend in backends:
        await backend.close()


@pytest.mark.parametrize(
    ("replies", "wanted"),
    [
        ([NOTHING], DONE),
        ([bulk(b"a"), b":1\r\n"], DONE),
        ([bulk(b"a"), b":0\r\n", NOTHING], DONE),
        ([bulk(b"a"), b":0\r\n", bulk(b"b"), b":1\r\n"], DONE),
        ([WRONG, b":0\r\n", bulk(b"b"), b":0\r\n", NOTHING], DONE),
        ([bulk(b"a"), b":0\r\n"] * 3, UNREACHED),
    ],
)
async def test_what_changes_while_it_is_looked_at(replies: list[bytes], wanted: Outcome) -> None:
    """It is looked at again, a few times."""
    left = list(replies)
    async with scripted(lambda asked: left.pop(0)) as server:
        backend = RedisBackend(server.url, timeout=PATIENCE)
        assert await write(backend, "v:k", a_value(), ABSENT) is wanted
        assert left == []
        await backend.close()


async def test_a_write_that_takes_longer_is_not_overtaken(
    place: Place, backend: RedisBackend
) -> None:
    """By a later one of the same key: unreadable bytes take two commands."""
    STATES["corrupt"](place, "v:k", await life_of(place, backend, "v:k"))
    writes = [
        Write("v:k", a_value(1), ABSENT, announce=True),
        Write("v:k", a_value(2), 1),
        Write("v:k", None, 2),
        Write("v:k", a_value(3), ABSENT, announce=True),
    ]
    assert await backend.write(writes) == [DONE] * 4
    assert len(place.announced()) == 2


async def test_what_is_not_announced_leaves_no_stream(place: Place) -> None:
    backend = place.backend(announce=False)
    for expected in (ABSENT, 8, ANY):
        assert await write(backend, "v:k", a_value(8), expected, announce=True) is DONE
    assert await backend.forget_prefix(["v:"]) is DONE
    assert place.ask("EXISTS", "~changes") == 0
    await backend.close()


@pytest.mark.parametrize("expected", [ANY, ABSENT, VERSION], ids=str)
async def test_scripts_that_a_server_has_forgotten_are_sent_again(
    start: Starter, prefix: str, expected: int | Condition
) -> None:
    place = Place(start(RedisServer()), prefix)
    backend = place.backend()
    life = await life_of(place, backend, "v:k")
    for bring in ("version" if expected == VERSION else "corrupt", "absent"):
        key = f"v:{bring}"
        STATES[bring](place, key, life)
        place.servers[0].command("SCRIPT", "FLUSH")
        wanted = REFUSED if (expected == VERSION and bring == "absent") else DONE
        assert await write(backend, key, a_value(8), expected, announce=True) is wanted
        place.servers[0].command("SCRIPT", "FLUSH")
        assert await backend.forget_prefix([f"v:{bring}"]) is DONE
    events = [list(event.items()) for event in place.announced()]
    assert (b"k", b"v:version" if expected == VERSION else b"v:corrupt") in events[0]
    assert [event for event in events if event[0][0] == b"p"] == [
        [(b"p", b"v:version" if expected == VERSION else b"v:corrupt")],
        [(b"p", b"v:absent")],
    ]
    await backend.close()


async def test_writes_of_one_key_in_one_batch_follow_each_other(
    place: Place, backend: RedisBackend
) -> None:
    writes = [
        Write("v:k", a_value(1), ABSENT, announce=True),
        Write("v:other", a_value(1), ABSENT, announce=True),
        Write("v:k", a_value(2), 1, announce=True),
        Write("v:k", a_value(3), 1, announce=True),
        Write("v:k", None, 2, announce=True),
        Write("v:k", a_value(4), ABSENT),
    ]
    assert await backend.write(writes) == [DONE, DONE, DONE, REFUSED, DONE, DONE]
    found = await backend.read(["v:k", "v:other"])
    assert {key: getattr(entry, "version", None) for key, entry in found.items()} == {
        "v:k": 4,
        "v:other": 1,
    }
    told = [event[b"k"] for event in place.announced()]
    assert sorted(told) == [b"v:k", b"v:k", b"v:k", b"v:other"]


async def test_keys_and_prefixes_that_are_no_text(place: Place, backend: RedisBackend) -> None:
    key = "v:n:\udc80\x00 \r\n{}*ü"
    assert await write(backend, key, a_value(), announce=True) is DONE
    assert await write(backend, key, a_value(6), VERSION, announce=True) is DONE
    assert list(await backend.read([key])) == [key]
    assert await backend.forget_prefix([key]) is DONE
    assert place.announced()[1:] == [
        {b"k": key.encode("utf-8", "surrogatepass")},
        {b"p": key.encode("utf-8", "surrogatepass")},
    ]
