"""`FaultyBackend`: what is executed, and what its caller is told."""

import asyncio
from collections.abc import Iterator

import pytest

from cachekit.backend import (
    ABSENT,
    DONE,
    FORGET_PREFIX,
    LOCAL,
    PEEK,
    REFUSED,
    UNREACHED,
    Outcome,
    Unreached,
    Write,
)
from cachekit.entry import Entry, Kind
from cachekit.runtime import drive
from cachekit.testing import FakeClock
from cachekit.testing.faulty import Fault, FaultyBackend
from cachekit.testing.reference import ReferenceBackend
from cachekit.testing.simulation.loop import VirtualLoop
from cachekit_memory import MemoryBackend

RAISE = None


@pytest.fixture
def inner() -> ReferenceBackend:
    return ReferenceBackend(FakeClock())


@pytest.fixture
def faulty(inner: ReferenceBackend) -> FaultyBackend:
    return FaultyBackend(inner)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """Runs in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield runner


def putting(key: str, payload: bytes = b"payload", expected: int | None = None) -> Write:
    entry = Entry(Kind.VALUE, version=1)
    entry.payload = payload
    return Write(key, entry, ABSENT if expected is None else expected)


@pytest.mark.parametrize(
    ("fault", "executed", "told"),
    [
        (Fault.NONE, True, [DONE, DONE]),
        (Fault.LOST, False, RAISE),
        (Fault.MUTE, True, RAISE),
        (Fault.UNREACHED, False, [UNREACHED, UNREACHED]),
        (Fault.SILENT, True, [UNREACHED, UNREACHED]),
        (Fault.PARTLY, True, [DONE, UNREACHED]),
        (Fault.GONE, False, [DONE, DONE]),
    ],
)
async def test_a_write(
    faulty: FaultyBackend,
    inner: ReferenceBackend,
    fault: Fault,
    executed: bool,
    told: list[Outcome] | None,
) -> None:
    faulty.fail(fault)
    if told is RAISE:
        with pytest.raises(ConnectionError, match=fault.value):
            await faulty.write([putting("a"), putting("b")])
    else:
        assert await faulty.write([putting("a"), putting("b")]) == told
    assert sorted(await inner.read(["a", "b"])) == (["a", "b"] if executed else [])
    assert faulty.struck == (fault is not Fault.NONE)
    assert await faulty.write([putting("c")]) == [DONE]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.NONE, {"a": Entry, "b": Entry}),
        (Fault.LOST, RAISE),
        (Fault.MUTE, RAISE),
        (Fault.LATE, RAISE),
        (Fault.UNREACHED, dict.fromkeys("abc", Unreached)),
        (Fault.SILENT, dict.fromkeys("abc", Unreached)),
        (Fault.PARTLY, {"a": Entry, "b": Unreached, "c": Unreached}),
        (Fault.GONE, {}),
    ],
)
async def test_a_read(faulty: FaultyBackend, fault: Fault, told: dict[str, type] | None) -> None:
    await faulty.write([putting("a"), putting("b")])
    faulty.fail(fault)
    if told is RAISE:
        with pytest.raises(ConnectionError, match="a fault on the way"):
            await faulty.read(["a", "b", "c"])
    else:
        found = await faulty.read(["a", "b", "c"])
        assert {key: type(answer) for key, answer in found.items()} == told
    assert (await faulty.read(["a", "b", "c"])).keys() == {"a", "b"}


async def test_what_is_torn_lacks_half_of_its_payload(faulty: FaultyBackend) -> None:
    await faulty.write([putting("whole", b"12345678"), Write("stub", Entry(Kind.STUB))])
    faulty.fail(Fault.TORN, Fault.TORN)
    write = putting("torn", b"12345678")
    await faulty.write([write])
    assert write.entry is not None
    assert write.entry.payload == b"12345678"
    found = await faulty.read(["whole", "stub"])
    assert _payloads(found) == {"whole": b"1234", "stub": None}
    found = await faulty.read(["whole", "torn"])
    assert _payloads(found) == {"whole": b"12345678", "torn": b"1234"}


async def test_what_is_gone_was_not_there_if_it_was_refused(faulty: FaultyBackend) -> None:
    await faulty.write([putting("a", b"old")])
    faulty.fail(Fault.GONE)
    assert await faulty.write([putting("a", b"new"), Write("b", None)]) == [REFUSED, DONE]
    assert _payloads(await faulty.read(["a"])) == {"a": b"old"}


def test_a_late_write_is_executed_later(
    runner: asyncio.Runner, faulty: FaultyBackend, inner: ReferenceBackend
) -> None:
    async def check() -> None:
        faulty.fail(Fault.LATE)
        with pytest.raises(ConnectionError, match="late"):
            await faulty.write([putting("a", b"late")])
        await asyncio.sleep(0.9)
        assert await inner.read(["a"]) == {}
        await asyncio.sleep(0.2)
        assert _payloads(await inner.read(["a"])) == {"a": b"late"}

    runner.run(check())


def test_what_is_late_never_comes_once_it_is_closed(
    runner: asyncio.Runner, faulty: FaultyBackend, inner: ReferenceBackend
) -> None:
    async def check() -> None:
        faulty.fail(Fault.LATE)
        with pytest.raises(ConnectionError, match="late"):
            await faulty.write([putting("a")])
        await faulty.close()
        assert len(asyncio.all_tasks()) == 1
        await asyncio.sleep(2.0)
        assert await inner.read(["a"]) == {}

    runner.run(check())


def test_latency_is_up_to_so_much_each_way(runner: asyncio.Runner, inner: ReferenceBackend) -> None:
    faulty = FaultyBackend(inner, latency=1.0)

    async def check() -> list[float]:
        took: list[float] = []
        for _ in range(200):
            begun = asyncio.get_running_loop().time()
            await faulty.read(["a"])
            took.append(asyncio.get_running_loop().time() - begun)
        return took

    took = runner.run(check())
    assert min(took) < 0.3
    assert 1.6 < max(took) <= 2.0


async def test_what_is_told_by_hand_is_for_the_next_operation_of_its_kind(
    faulty: FaultyBackend,
) -> None:
    faulty.fail(Fault.LOST, only="write")
    faulty.fail(Fault.NONE, Fault.GONE, only="read")
    await faulty.read(["a"])
    assert faulty.failing
    able = faulty.capability(FORGET_PREFIX)
    assert able is not None
    with pytest.raises(ConnectionError):
        await able.forget_prefix(["a"])
    await faulty.write([putting("a")])
    assert await faulty.read(["a"]) == {}
    assert not faulty.failing
    assert faulty.struck == 2


async def test_forgetting_by_prefix_may_fail_too(
    faulty: FaultyBackend, inner: ReferenceBackend
) -> None:
    able = faulty.capability(FORGET_PREFIX)
    assert able is not None
    await faulty.write([putting("a")])
    faulty.fail(Fault.UNREACHED, Fault.SILENT)
    assert await able.forget_prefix(["a"]) is UNREACHED
    assert list(await inner.read(["a"])) == ["a"]
    assert await able.forget_prefix(["a"]) is UNREACHED
    assert await inner.read(["a"]) == {}


async def struck(seed: int, chances: dict[Fault, float]) -> list[bool]:
    """Which of 200 reads failed."""
    faulty = FaultyBackend(ReferenceBackend(), chances, seed=seed)
    found = [await faulty.read(["a"]) for _ in range(200)]
    return [answer != {} for answer in found]


async def test_chances_are_drawn_from_a_seed() -> None:
    chances = {Fault.UNREACHED: 0.2, Fault.SILENT: 0.1}
    one, same, other = [await struck(seed, chances) for seed in (1, 1, 2)]
    assert one == same != other
    assert 40 < sum(one) < 80
    assert sum(await struck(1, {Fault.SILENT: 1.0})) == 200
    assert sum(await struck(1, {Fault.SILENT: 0.0})) == 0


async def test_what_heals_fails_no_more(inner: ReferenceBackend) -> None:
    faulty = FaultyBackend(inner, {Fault.LOST: 1.0}, latency=1.0)
    faulty.fail(Fault.MUTE)
    faulty.heal()
    assert await faulty.read(["a"]) == {}
    assert (faulty.failing, faulty.struck) == (False, 0)


def test_it_is_what_it_wraps() -> None:
    memory = MemoryBackend()
    near, far = FaultyBackend(memory), FaultyBackend(memory, latency=1.0)
    assert near.capability(LOCAL) is memory
    assert near.capability(PEEK) is far.capability(PEEK) is memory.capability(PEEK)
    local = far.capability(LOCAL)
    assert local is not None
    assert local.suspends
    assert FaultyBackend(ReferenceBackend(), latency=1.0).capability(LOCAL) is None


def test_without_latency_it_never_suspends() -> None:
    faulty = FaultyBackend(MemoryBackend())
    assert drive(faulty.write([putting("a")])) == [DONE]
    assert list(drive(faulty.read(["a"]))) == ["a"]


def _payloads(found: object) -> dict[str, bytes | None]:
    assert isinstance(found, dict)
    return {key: entry.payload for key, entry in found.items()}
