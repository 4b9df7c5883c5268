"""Many callers at once, through every backend there is on the store."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final, TypeVar

import pytest

from cachekit.backend import ABSENT, DONE, REFUSED, Backend, Outcome
from cachekit.entry import Entry, Kind
from cachekit.testing.backends.entries import an_entry, named
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject, read, write

T = TypeVar("T")
Rivals = Sequence[Backend]

MANY: Final = 40
KEYS: Final = [f"v:{number}" for number in range(MANY)]

WORKERS: Final = 8
TIMES: Final = 5


class ConcurrencyTests(Given):
    """Each write is atomic, each answer is its caller's."""

    @pytest.mark.parametrize("kind", [Kind.VALUE, Kind.STUB], ids=named)
    def test_absent_is_won_by_one(self, subject: Subject, rivals: Rivals, kind: Kind) -> None:
        """Of many who find nothing, one writes; the others are refused."""
        for key in KEYS[:5]:
            entries = [an_entry(kind) for _ in range(MANY)]
            outcomes = subject.run(all_write(rivals, key, entries, ABSENT))
            check_winner(subject, key, entries, outcomes, "ABSENT")

    def test_a_version_is_replaced_by_one(self, subject: Subject, rivals: Rivals) -> None:
        """Of many who would replace the same entry, one does."""
        for key in KEYS[:5]:
            subject.write(key, an_entry(version=1))
            entries = [an_entry() for _ in range(MANY)]
            outcomes = subject.run(all_write(rivals, key, entries, 1))
            check_winner(subject, key, entries, outcomes, "expected version")

    def test_a_version_is_deleted_by_one(self, subject: Subject, rivals: Rivals) -> None:
        """Of many who would delete the same entry, one does."""
        for key in KEYS[:5]:
            subject.write(key, an_entry(version=1))
            outcomes = subject.run(all_write(rivals, key, [None] * MANY, 1))
            check_one_won(key, outcomes, "expected version")

    def test_no_count_is_lost(self, subject: Subject, rivals: Rivals) -> None:
        """Who reads a version and replaces it on that condition counts up, one by one."""
        subject.write("v:count", an_entry(version=0))
        workers = [count(rivals[n % len(rivals)], "v:count", WORKERS) for n in range(WORKERS)]
        subject.run(together(workers))
        found = subject.find("v:count")
        assert found is not None, "the count is gone, though nobody deleted it"
        assert found.version == WORKERS * TIMES, (
            f"of {WORKERS * TIMES} counts {WORKERS * TIMES - found.version} were lost: a write got "
            "DONE though its expected version had been replaced since it was read"
        )

    def test_each_read_has_its_own_answer(self, subject: Subject, rivals: Rivals) -> None:
        """Reads and writes at once of different keys are never mixed up."""
        subject.put((key, an_entry(version=number)) for number, key in enumerate(KEYS))

        async def look(number: int) -> None:
            backend, keys = rivals[number % len(rivals)], KEYS[number : number + 1 + number % 3]
            found = await read(backend, *keys)
            assert {key: entry.version for key, entry in found.items()} == {
                key: int(key.removeprefix("v:")) for key in keys
            }

        async def store(number: int) -> None:
            key, backend = f"v:new:{number}", rivals[number % len(rivals)]
            assert await write(backend, key, an_entry(version=number), ABSENT) is DONE
            found = await read(backend, key)
            assert [entry.version for entry in found.values()] == [number]

        work = (step for number in range(MANY) for step in (look(number), store(number)))
        subject.run(together(work))

    def test_what_is_acknowledged_is_seen_by_all(self, subject: Subject, rivals: Rivals) -> None:
        """Through whatever backend of the store it was written, changed or deleted."""
        if len(rivals) == 1:
            pytest.skip("there is one backend on this store (another_backend is None)")
        here, there = rivals[0], rivals[-1]

        async def versions() -> list[int]:
            return [entry.version for entry in (await read(there, "v:k")).values()]

        async def check() -> None:
            assert await versions() == []
            assert await write(here, "v:k", an_entry(version=1), ABSENT) is DONE
            assert await versions() == [1]
            assert await write(there, "v:k", an_entry(version=2), 1) is DONE
            assert await write(here, "v:k", an_entry(version=3), 2) is DONE
            assert await versions() == [3]
            assert await write(here, "v:k", None, 3) is DONE
            assert await versions() == []

        subject.run(check())

    @pytest.mark.parametrize("ticks", range(6))
    def test_a_cancelled_caller_harms_no_other(self, subject: Subject, ticks: int) -> None:
        """Half of the callers are cancelled, so many ticks of the event loop after they came."""
        subject.put((key, an_entry(version=number)) for number, key in enumerate(KEYS))
        before = {key: number for number, key in enumerate(KEYS)}
        backend = subject.backend

        async def disturb() -> None:
            reads = [asyncio.ensure_future(read(backend, key)) for key in KEYS]
            writes = [asyncio.ensure_future(write(backend, key, an_entry())) for key in KEYS[:6]]
            for _ in range(ticks):
                await asyncio.sleep(0)
            cancelled: list[asyncio.Task[Any]] = [*reads[::2], *writes[::2]]
            for task in cancelled:
                task.cancel()
            await asyncio.wait(cancelled)
            assert await asyncio.gather(*writes[1::2]) == [DONE] * 3
            for key, answer in zip(KEYS[1::2], await asyncio.gather(*reads[1::2]), strict=True):
                assert list(answer) == [key]
                assert answer[key].version == before[key] or key in KEYS[:6]

        subject.run(disturb())
        found = {key: entry.version for key, entry in subject.read(*KEYS).items()}
        assert found.keys() == before.keys()
        assert {key: found[key] for key in KEYS[6:]} == {key: before[key] for key in KEYS[6:]}


def check_winner(
    subject: Subject, key: str, entries: list[Entry], outcomes: list[Outcome], condition: str
) -> None:
    """One of `entries` was written, the others were refused, and that one is there."""
    check_one_won(key, outcomes, condition)
    found = subject.find(key)
    assert found is not None, f"a write of {key!r} got DONE, and then nothing was there"
    assert found.version == entries[outcomes.index(DONE)].version, (
        f"under {key!r} is the entry of a caller who was refused"
    )


def check_one_won(key: str, outcomes: list[Outcome], condition: str) -> None:
    """One write was done, the others were refused."""
    won, size = outcomes.count(DONE), len(outcomes)
    assert won == 1, (
        f"{won} of {size} callers got DONE for one {condition}: from the look at {key!r} to the "
        "write nobody else may write there, on no thread and in no process"
    )
    assert outcomes.count(REFUSED) == size - 1, f"neither DONE nor REFUSED: {set(outcomes)}"


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Do all of it at once."""
    return list(await asyncio.gather(*work))


async def all_write(
    rivals: Rivals, key: str, entries: Sequence[Entry | None], expected: Any
) -> list[Outcome]:
    """Write all `entries` under one key at once, through all rivals in turn."""
    return await together(
        write(rivals[number % len(rivals)], key, entry, expected)
        for number, entry in enumerate(entries)
    )


async def count(backend: Backend, key: str, others: int) -> None:
    """Count up what is under `key`, `TIMES` times, by conditional writes.

    Whoever is refused was overtaken, and there are only so many `others` who count as often.
    """
    counted = refused = 0
    while counted < TIMES:
        version = (await read(backend, key))[key].version
        outcome = await write(backend, key, an_entry(version=version + 1), version)
        counted += outcome is DONE
        refused += outcome is not DONE
        assert refused <= others * TIMES, "a write was refused though nobody had overtaken it"
