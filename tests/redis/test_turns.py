"""Changes of one key in one batch: in order, and in no more round trips than that takes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, Condition, Outcome, Write
from cachekit.entry import Entry, Kind
from cachekit.testing.backends.entries import an_entry
from cachekit_redis import RedisBackend
from tests.redis.counting import Counter
from tests.redis.place import PATIENCE, Place
from tests.redis.scripted import OK, echo, scripted
from tests.servers.server import RedisServer
from tests.stores.scripted import Asked

MANY: Final = 500

CONDITIONS: Final[Sequence[int | Condition]] = (ANY, ANY, ABSENT, 1, 2)
ENTRIES: Final[Mapping[str, Callable[[], Entry | None]]] = {
    "nothing": lambda: None,
    "value 1": lambda: an_entry(version=1, keep=60.0),
    "value 2": lambda: an_entry(version=2, keep=60.0),
    "record 1": lambda: Entry(Kind.TAG, 1, keep=60.0),
    "record 2": lambda: Entry(Kind.TAG, 2, keep=60.0),
}


def hot(number: int) -> Write:
    return Write("t:hot", Entry(Kind.TAG, number, keep=60.0), announce=True)


async def test_what_is_done_to_one_key_at_once_is_one_trip(place: Place) -> None:
    """On a Cluster a second one, for the announcements."""
    backend = place.backend(connections=1)
    await backend.read([f"v:warm:{n}" for n in range(50)])
    kinds: dict[str, Callable[[int], Write]] = {
        "records": hot,
        "deletions": lambda number: Write("v:hot", None, announce=True),
        "conditions": lambda number: Write("v:hot", None, number),
    }
    counter = Counter(place.servers)
    for name, make in kinds.items():
        outcomes = await backend.write([make(number) for number in range(1, MANY + 1)])
        _, trips = counter.look()
        assert set(outcomes) <= {DONE, REFUSED}
        # So much is read in pieces by the servers, which is not a trip for each.
        assert max(trips) < MANY / 5, name
    found = await backend.read(["t:hot"])
    assert getattr(found["t:hot"], "version", None) == MANY
    await backend.close()


async def test_nothing_is_waited_for_between_them() -> None:
    """No answer comes before all was asked."""

    def say(asked: Asked) -> bytes:
        if asked[0] in (b"EVAL", b"EVALSHA"):
            scripts.append(asked)
            return b":1\r\n" * MANY if len(scripts) == MANY else b""
        return OK

    scripts: list[Asked] = []
    async with scripted(say) as server:
        backend = RedisBackend(server.url, timeout=PATIENCE)
        assert await backend.write([hot(number) for number in range(MANY)]) == [DONE] * MANY
        await backend.close()


async def test_a_script_that_is_not_known_does_not_fall_behind_the_next() -> None:
    async with scripted(echo) as server:
        written: list[bytes] = []
        names = 0

        def say(asked: Asked) -> bytes:
            nonlocal names
            if asked[0] == b"EVALSHA":
                names += 1
                if names == 1:
                    return b"-NOSCRIPT No matching script.\r\n"
            written.extend(word for word in asked if b"number " in word)
            return b":1\r\n"

        server.say = say
        backend = RedisBackend(server.url, timeout=PATIENCE)
        tags = ["number 1", "number 2", "number 3"]
        writes = [Write("t:k", an_entry(payload=tag.encode(), keep=60.0), 7) for tag in tags]
        assert await backend.write(writes) == [DONE] * 3
        assert [b"number %d" % n in word for n, word in enumerate(written, 1)] == [True] * 3
        await backend.close()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["v:a", "v:b"]),
            st.sampled_from(list(ENTRIES)),
            st.sampled_from(CONDITIONS),
        ),
        max_size=12,
    ),
    st.booleans(),
    st.booleans(),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_together_as_one_by_one(
    redis_server: RedisServer,
    prefix: str,
    asked: list[tuple[str, str, int | Condition]],
    announce: bool,
    forgets: bool,
) -> None:
    """The outcomes, and what is there in the end."""
    writes = [Write(key, ENTRIES[name](), when, announce) for key, name, when in asked]

    async def look() -> tuple[list[Outcome], list[Outcome]]:
        backend = RedisBackend(redis_server.url, prefix=prefix, timeout=PATIENCE)
        await backend.write([Write(key, None) for key in ("v:a", "v:b")])
        alone = [outcome for write in writes for outcome in await backend.write([write])]
        there = versions(await backend.read(["v:a", "v:b"]))
        await backend.write([Write(key, None) for key in ("v:a", "v:b")])
        if forgets:
            redis_server.command("SCRIPT", "FLUSH")
        together = list(await backend.write(writes))
        assert versions(await backend.read(["v:a", "v:b"])) == there
        await backend.close()
        return alone, together

    alone, together = asyncio.run(look())
    assert together == alone


def versions(found: Mapping[str, object]) -> dict[str, object]:
    return {key: getattr(entry, "version", entry) for key, entry in found.items()}
