"""What a write does to what is there: on which condition, for how long, and who hears of it."""

from collections.abc import AsyncIterator, Callable
from typing import Final, TypeAlias

import pytest

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, Condition, Outcome, Write
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack
from cachekit.testing.backends.entries import an_entry
from cachekit_redis import RedisBackend
from tests.redis.back_door import LIFE
from tests.redis.place import Place
from tests.servers.cluster import RedisCluster
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer

Bring: TypeAlias = Callable[[Place, str, bytes], object]

VERSION: Final = 5
MINUTE: Final = 60.0
DAY: Final = 86_400_000


@pytest.fixture(params=["one", "cluster"])
def place(request: pytest.FixtureRequest, prefix: str) -> Place:
    server: RedisServer | RedisCluster = request.getfixturevalue(f"redis_{KINDS[request.param]}")
    return Place(server, prefix)


KINDS: Final = {"one": "server", "cluster": "cluster"}


@pytest.fixture
async def backend(place: Place) -> AsyncIterator[RedisBackend]:
    backend = place.backend()
    await backend.open()
    yield backend
    await backend.close()


async def write(
    backend: RedisBackend,
    key: str,
    entry: Entry | None,
    expected: int | Condition = ANY,
    *,
    announce: bool = False,
) -> Outcome:
    (outcome,) = await backend.write([Write(key, entry, expected, announce)])
    return outcome


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


# -- for how long


@pytest.mark.parametrize("kind", [Kind.VALUE, Kind.STUB, Kind.PASS], ids=str)
@pytest.mark.parametrize("expected", [ANY, ABSENT, VERSION], ids=str)
async def test_entries_are_kept_as_long_as_they_say(
    place: Place, backend: RedisBackend, kind: Kind, expected: int | Condition
) -> None:
    for announce in (False, True):
        for keep, least, most in (
            (MINUTE, 55_000, 60_000),
            (0.0001, -2, 1),
            (None, -1, -1),
            (1e9, 10**12 - 10_000, 10**12),
        ):
            key = f"v:{announce}:{keep}"
            if expected == VERSION:
                assert await write(backend, key, an_entry(version=VERSION, keep=MINUTE)) is DONE
            entry = an_entry(kind, keep=keep)
            assert await write(backend, key, entry, expected, announce=announce) is DONE
            assert least <= place.ask("PTTL", key) <= most, key


async def test_what_ends_soon_is_gone_then(place: Place, backend: RedisBackend) -> None:
    """By the server's own time."""
    await write(backend, "v:k", an_entry(keep=0.02))
    while place.ask("EXISTS", "v:k"):
        pass
    assert await backend.read(["v:k"]) == {}
    assert await write(backend, "v:k", a_value(), ABSENT) is DONE


# -- the records of tags


async def test_a_record_is_kept_for_a_day(place: Place, backend: RedisBackend) -> None:
    for announce in (False, True):
        for expected in (ABSENT, ANY):
            key = f"t:{announce}"
            assert await write(backend, key, Entry(Kind.TAG), expected, announce=announce) is DONE
            assert DAY - 5_000 <= place.ask("PTTL", key) <= DAY


async def a_fill(backend: RedisBackend, keep: float | None) -> None:
    """Of an entry that carries `t:t`."""
    entry = an_entry(keep=keep, tags={"t:t": 1})
    assert await write(backend, "v:k", entry) is DONE


async def test_who_is_kept_longer_than_a_record_keeps_it(
    place: Place, backend: RedisBackend
) -> None:
    """Never for a shorter time than it would have been, and for good if it is."""
    await write(backend, "t:t", Entry(Kind.TAG, 1), announce=True)
    await a_fill(backend, MINUTE)
    assert DAY - 5_000 <= place.ask("PTTL", "t:t") <= DAY
    await a_fill(backend, 10 * 86_400.0)
    assert 10 * DAY - 5_000 <= place.ask("PTTL", "t:t") <= 10 * DAY
    await a_fill(backend, 2 * 86_400.0)
    assert 10 * DAY - 5_000 <= place.ask("PTTL", "t:t") <= 10 * DAY
    await a_fill(backend, None)
    assert place.ask("PTTL", "t:t") == -1
    await a_fill(backend, 10 * 86_400.0)
    assert place.ask("PTTL", "t:t") == -1


async def test_the_longest_of_a_batch_counts(place: Place, backend: RedisBackend) -> None:
    records = [Write(f"t:{name}", Entry(Kind.TAG, 1)) for name in ("long", "good", "none")]
    await backend.write(records)
    carried = {"t:long": 1, "t:good": 1, "t:missing": 1}
    fills = [
        Write("v:1", an_entry(keep=3 * 86_400.0, tags=carried)),
        Write("v:2", an_entry(keep=5 * 86_400.0, tags=carried)),
        Write("v:3", an_entry(keep=4 * 86_400.0, tags=carried)),
        Write("v:4", an_entry(keep=None, tags={"t:good": 1})),
        Write("v:5", an_entry(Kind.STUB, keep=MINUTE, tags={"t:none": 1})),
    ]
    assert await backend.write(fills) == [DONE] * 5
    assert 5 * DAY - 5_000 <= place.ask("PTTL", "t:long") <= 5 * DAY
    assert place.ask("PTTL", "t:good") == -1
    assert DAY - 5_000 <= place.ask("PTTL", "t:none") <= DAY
    assert place.ask("EXISTS", "t:missing") == 0


async def test_a_fill_that_is_refused_harms_no_record(place: Place, backend: RedisBackend) -> None:
    await write(backend, "t:t", Entry(Kind.TAG, 1))
    entry = an_entry(keep=MINUTE, tags={"t:t": 1})
    assert await write(backend, "v:k", entry, VERSION) is REFUSED
    assert DAY - 5_000 <= place.ask("PTTL", "t:t") <= DAY
    assert list(await backend.read(["t:t"])) == ["t:t"]
