"""For how long a server keeps what was written: entries, and the records of their tags."""

from typing import Final

import pytest

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, Condition, Write
from cachekit.entry import Entry, Kind
from cachekit.testing.backends.entries import an_entry
from cachekit_redis import RedisBackend
from cachekit_redis.changes import milliseconds
from tests.redis.place import Place, write

VERSION: Final = 5
MINUTE: Final = 60.0
DAY: Final = 86_400_000


@pytest.mark.parametrize("kind", [Kind.VALUE, Kind.STUB, Kind.PASS], ids=str)
@pytest.mark.parametrize("expected", [ANY, ABSENT, VERSION], ids=str)
async def test_entries_are_kept_as_long_as_they_say(
    place: Place, backend: RedisBackend, kind: Kind, expected: int | Condition
) -> None:
    for announce in (False, True):
        for keep, least, most in (
            (MINUTE, 55_000, 60_000),
            (0.0001, -2, 1),
            (0.0, -2, 1),
            (-5.0, -2, 1),
            (None, -1, -1),
            (1e9, 10**12 - 10_000, 10**12),
        ):
            key = f"v:{announce}:{keep}"
            if expected == VERSION:
                assert await write(backend, key, an_entry(version=VERSION, keep=MINUTE)) is DONE
            entry = an_entry(kind, keep=keep)
            assert await write(backend, key, entry, expected, announce=announce) is DONE
            assert least <= place.ask("PTTL", key) <= most, key


@pytest.mark.parametrize(
    ("seconds", "wanted"), [(-1.0, 1), (0.0, 1), (0.0011, 2), (1.0, 1000), (1.0001, 1001)]
)
def test_milliseconds_are_never_fewer(seconds: float, wanted: int) -> None:
    assert milliseconds(seconds) == wanted


async def test_what_ends_soon_is_gone_then(place: Place, backend: RedisBackend) -> None:
    """By the server's own time."""
    await write(backend, "v:k", an_entry(keep=0.02))
    while place.ask("EXISTS", "v:k"):
        pass
    assert await backend.read(["v:k"]) == {}
    assert await write(backend, "v:k", an_entry(keep=MINUTE), ABSENT) is DONE


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
