"""What a write does to what is there, on which condition, and what may happen meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeAlias

import pytest

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, UNREACHED, Condition, Outcome, Write
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack
from cachekit.testing.backends.entries import an_entry
from cachekit.testing.backends.subject import write
from cachekit_memcached import MemcachedBackend
from tests.memcached.meanwhile import Meanwhile
from tests.memcached.place import Place
from tests.servers.waiting import eventually

Bring: TypeAlias = Callable[[Place, str], None]

VERSION: Final = 5
MINUTE: Final = 60.0


def a_value(version: int = VERSION) -> Entry:
    return an_entry(version=version, keep=MINUTE)


def bring(data: Callable[[str], bytes], *, flags: int = 0) -> Bring:
    """What puts under a key what `data` makes of it."""
    return lambda place, key: place.put(key, data(key), expire=50, flags=flags)


STATES: Final[dict[str, Bring]] = {
    "absent": lambda place, key: None,
    "version": bring(lambda key: pack(key, a_value())),
    "stub": bring(lambda key: pack(key, Entry(Kind.STUB, VERSION))),
    "another version": bring(lambda key: pack(key, a_value(6))),
    "corrupt": bring(lambda key: pack(key, a_value())[:-1] + b"?"),
    "short": bring(lambda key: pack(key, a_value())[:5]),
    "empty": bring(lambda key: b""),
    "another key": bring(lambda key: pack("v:x", a_value())),
    "somebody else's": bring(lambda key: b"I5\n.", flags=1),
    "a number": bring(lambda key: b"5", flags=2),
    "lines": bring(lambda key: b"END\r\nVALUE x 0 1\r\nx\r\nEND\r\n", flags=2**32 - 1),
}
HOLDS: Final[dict[int | Condition, Callable[[str], bool]]] = {
    ANY: lambda state: True,
    ABSENT: lambda state: state not in ("version", "stub", "another version"),
    VERSION: lambda state: state in ("version", "stub"),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("expected", HOLDS, ids=str)
async def test_each_condition_on_each_state(
    place: Place, backend: MemcachedBackend, state: str, expected: int | Condition
) -> None:
    """What is stored then, for how long, and what the outcome is."""
    for entry in (a_value(8), Entry(Kind.STUB, 8, keep=MINUTE), None):
        key = f"v:{entry and entry.kind}"
        STATES[state](place, key)
        before = place.held(key)
        outcome = await write(backend, key, entry, expected)
        holds = HOLDS[expected](state)
        assert outcome is (DONE if holds else REFUSED), key
        if not holds:
            assert place.held(key) == before, key
            assert before is None or 0 < (place.left(key) or 0) <= 50, key
        elif entry is None:
            assert place.held(key) is None, key
        else:
            assert place.held(key) == pack(key, entry), key
            assert 55 < (place.left(key) or 0) <= 61, key


@pytest.mark.parametrize("state", STATES)
async def test_a_read_finds_what_is_not_absent(
    place: Place, backend: MemcachedBackend, state: str
) -> None:
    """And what it cannot read it deletes."""
    STATES[state](place, "v:k")
    await write(backend, "v:other", a_value())
    found = await backend.read(["v:k", "v:other", "v:none"])
    is_entry = not HOLDS[ABSENT](state)
    assert sorted(found) == (["v:k", "v:other"] if is_entry else ["v:other"])
    assert backend.unreadable == (not is_entry and state != "absent")
    await eventually(lambda: (place.held("v:k") is not None) == is_entry, "the deletion")


async def test_flags_say_nothing_of_an_entry(place: Place, backend: MemcachedBackend) -> None:
    """What it is its own bytes say."""
    place.put("v:k", pack("v:k", a_value()), flags=3)
    assert list(await backend.read(["v:k"])) == ["v:k"]
    assert await write(backend, "v:k", a_value(6), VERSION) is DONE


async def test_unreadable_bytes_are_taken_over_by_one(place: Place) -> None:
    backends = [place.backend() for _ in range(3)]
    for state in ("corrupt", "somebody else's", "another key"):
        STATES[state](place, "v:k")
        entries = [a_value(number) for number in range(100, 130)]
        outcomes = await asyncio.gather(
            *(write(backends[n % 3], "v:k", entry, ABSENT) for n, entry in enumerate(entries))
        )
        assert (outcomes.count(DONE), outcomes.count(REFUSED)) == (1, 29), state
        assert place.held("v:k") == pack("v:k", entries[outcomes.index(DONE)]), state
    for backend in backends:
        await backend.close()


async def test_a_write_that_takes_longer_is_not_overtaken(
    place: Place, backend: MemcachedBackend
) -> None:
    """By a later one of the same key: unreadable bytes take three commands."""
    STATES["corrupt"](place, "v:k")
    writes = [
        Write("v:k", a_value(1), ABSENT),
        Write("v:other", a_value(1), ABSENT),
        Write("v:k", a_value(2), 1),
        Write("v:k", a_value(3), 1),
        Write("v:k", None, 2),
        Write("v:k", a_value(4), ABSENT),
    ]
    assert await backend.write(writes) == [DONE, DONE, DONE, REFUSED, DONE, DONE]
    found = await backend.read(["v:k", "v:other"])
    assert {key: getattr(entry, "version", None) for key, entry in found.items()} == {
        "v:k": 4,
        "v:other": 1,
    }


# -- what changes between a look and what is done


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    return Meanwhile(monkeypatch)


def drop(place: Place, key: str) -> None:
    place.door.drop(key)


ONCE: Final[dict[str, tuple[str, int | Condition, Bring, Outcome, int]]] = {
    "replaced": ("version", VERSION, STATES["another version"], REFUSED, 1),
    "renewed": ("version", VERSION, STATES["version"], DONE, 2),
    "leased": ("version", VERSION, STATES["stub"], DONE, 2),
    "deleted": ("version", VERSION, drop, REFUSED, 1),
    "damaged": ("version", VERSION, STATES["corrupt"], REFUSED, 1),
    "taken over": ("corrupt", ABSENT, STATES["another version"], REFUSED, 1),
    "damaged again": ("corrupt", ABSENT, STATES["short"], DONE, 2),
    "swept": ("corrupt", ABSENT, drop, DONE, 1),
}
"""What is there, what is expected, what happens, what it comes to, and how often that is tried."""


@pytest.mark.parametrize("case", ONCE)
@pytest.mark.parametrize("entry", [a_value(8), None], ids=["replace", "delete"])
async def test_what_changes_after_it_was_looked_at(
    place: Place, backend: MemcachedBackend, meanwhile: Meanwhile, case: str, entry: Entry | None
) -> None:
    """By another client: what was seen is not replaced if it is not there any more."""
    before, expected, happens, wanted, attempts = ONCE[case]
    STATES[before](place, "v:k")
    changed: list[bytes | None] = []

    def change() -> None:
        happens(place, "v:k")
        changed.append(place.held("v:k"))

    meanwhile.before("cas", change)
    assert await write(backend, "v:k", entry, expected) is wanted
    written = None if entry is None else pack("v:k", entry)
    assert [place.held("v:k")] == (changed if wanted is REFUSED else [written])
    assert meanwhile.sent.count("cas") == attempts


async def test_what_goes_before_it_is_looked_at(
    place: Place, backend: MemcachedBackend, meanwhile: Meanwhile
) -> None:
    """It kept an `add` from being done, and is not there for the look at what that was."""
    STATES["version"](place, "v:k")
    meanwhile.before("gets", lambda: drop(place, "v:k"))
    assert await write(backend, "v:k", a_value(8), ABSENT) is DONE
    assert place.held("v:k") == pack("v:k", a_value(8))
    assert meanwhile.sent[-3:] == ["add", "gets", "add"]


@pytest.mark.parametrize("entry", [a_value(8), None], ids=["replace", "delete"])
@pytest.mark.parametrize(("state", "expected"), [("version", VERSION), ("corrupt", ABSENT)])
async def test_what_changes_all_the_time(
    place: Place,
    backend: MemcachedBackend,
    meanwhile: Meanwhile,
    state: str,
    expected: int | Condition,
    entry: Entry | None,
) -> None:
    """It is given up after some attempts, and nobody knows what is there then."""
    STATES[state](place, "v:k")
    meanwhile.before("cas", *[lambda: STATES[state](place, "v:k")] * 100)
    assert await write(backend, "v:k", entry, expected) is UNREACHED
    assert meanwhile.sent.count("cas") == 6
    found = place.held("v:k")
    STATES[state](place, "v:k")
    assert found == place.held("v:k")


async def test_one_that_changes_all_the_time_harms_no_other(
    place: Place, backend: MemcachedBackend, meanwhile: Meanwhile
) -> None:
    keys = [f"v:{number}" for number in range(5)]
    for key in keys:
        STATES["version"](place, key)
    meanwhile.before("cas", *[lambda: STATES["version"](place, "v:2")] * 100)
    outcomes = await backend.write([Write(key, a_value(8), VERSION) for key in keys])
    assert outcomes == [DONE, DONE, UNREACHED, DONE, DONE]
