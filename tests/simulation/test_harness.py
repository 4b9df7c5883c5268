"""What the simulation stands on: its time, its store, its judge, its patches."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, UNREACHED, Condition, Outcome, Write
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack
from cachekit.testing.simulation.bytestore import in_bytes
from cachekit.testing.simulation.checker import Checker, Claim
from cachekit.testing.simulation.choices import Choice
from cachekit.testing.simulation.history import History
from cachekit.testing.simulation.link import Link
from cachekit.testing.simulation.loop import DeadlockError, VirtualClock, VirtualLoop, run
from cachekit.testing.simulation.origin import Load, Origin
from cachekit.testing.simulation.shore import Packed, Shore
from cachekit.testing.simulation.weather import CALM, Weather
from tests.simulation.mutants.__main__ import HERE, make
from tests.simulation.mutants.patches import StalePatchError, apply

MUTANTS = sorted(path.stem for path in HERE.glob("*.patch"))


def test_a_day_passes_at_once() -> None:
    async def main(loop: VirtualLoop) -> float:
        await asyncio.gather(asyncio.sleep(86400.0), asyncio.sleep(3.0))
        return loop.time()

    assert run(main, seed=0) == pytest.approx(86400.0)


def test_a_deadlock_says_who_waits_for_what() -> None:
    async def stuck(loop: VirtualLoop) -> None:
        await loop.create_future()

    with pytest.raises(DeadlockError, match=r"world: .*stuck:\d+"):
        run(stuck, seed=0)


def test_while_a_backend_is_at_work_no_time_passes() -> None:
    async def work() -> int:
        await asyncio.to_thread(time.sleep, 0.001)
        await asyncio.sleep(0.001)  # real seconds, as everywhere in a backend
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.001)
        return 5

    async def main(loop: VirtualLoop) -> float:
        others = loop.create_task(asyncio.sleep(0.0001))
        assert await loop.really(work()) == 5
        assert not others.done()
        return loop.time()

    assert run(main, seed=0) == 0.0


def test_the_dice_of_others_are_left_alone() -> None:
    random.seed(1)
    expected = random.Random(1).random()

    async def main(loop: VirtualLoop) -> float:
        return random.random()

    assert run(main, seed=7) == run(main, seed=7)
    assert random.random() == expected


@pytest.mark.parametrize(
    ("expected", "outcome"), [(ANY, DONE), (ABSENT, REFUSED), (5, DONE), (6, REFUSED)]
)
def test_a_condition_compares_the_version(expected: int | Condition, outcome: Outcome) -> None:
    async def main(loop: VirtualLoop) -> Outcome:
        shore = await a_shore(loop)
        assert await write(shore, a_stub("v:k0", ABSENT, version=5)) is DONE
        return await write(shore, a_stub("v:k0", expected, version=9))

    assert run(main, seed=0) is outcome


def test_what_is_past_its_time_or_corrupt_is_absent() -> None:
    async def main(loop: VirtualLoop) -> None:
        shore = await a_shore(loop)
        await write(shore, a_stub("v:k0", ANY, version=5))
        await asyncio.sleep(2.5)
        assert await write(shore, a_stub("v:k0", ABSENT, version=6)) is DONE
        await shore.corrupt(random.Random(0))
        assert await write(shore, a_stub("v:k0", ABSENT, version=7)) is DONE

    run(main, seed=0)


def test_a_late_write_strikes_once_its_key_was_forgotten() -> None:
    async def main(loop: VirtualLoop) -> None:
        shore = await a_shore(loop)
        shore.lurk("A1", a_stub("v:k0", ABSENT, version=5), after=0.25)
        await write(shore, Packed("v:k0", None, None, ANY, announce=True))
        assert shore.entry("v:k0") is None  # too early
        await asyncio.sleep(0.3)
        await write(shore, Packed("v:k0", None, None, ANY, announce=True))
        entry = shore.entry("v:k0")
        assert entry is not None
        assert entry.version == 5

    run(main, seed=0)


def test_a_link_that_loses_everything_answers_with_an_error_in_the_end() -> None:
    async def main(loop: VirtualLoop) -> None:
        with pytest.raises(ConnectionError):
            await (await a_link(loop, Weather(lost=1.0))).write([Write("v:k0", None)])

    run(main, seed=0)


def test_a_link_of_two_nodes_answers_for_one() -> None:
    async def main(loop: VirtualLoop) -> set[Outcome]:
        link = await a_link(loop, Weather(partial=1.0))
        return set(await link.write([Write(f"v:k{i}", None) for i in range(20)]))

    assert run(main, seed=0) == {DONE, UNREACHED}


def test_what_was_sent_is_done_though_its_sender_is_gone() -> None:
    async def main(loop: VirtualLoop) -> None:
        link = await a_link(loop, CALM)
        sending = loop.create_task(link.write([Write("v:k0", Entry(Kind.STUB, keep=2.0))]))
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.sleep(1.0)
        assert list(await link.shore.left(Kind.STUB, ["v:k0", "v:k1"])) == ["v:k0"]

    run(main, seed=0)


def test_the_floor_is_what_was_acknowledged_before_the_question() -> None:
    checker = a_checker()
    early = checker.ask(1.0, "A1", "k0", ())
    checker.acknowledged(2.0, Claim("B1", "delete", {"k0": 2}))
    late = checker.ask(3.0, "A1", "k0", ())
    checker.answer(4.0, early, "k0@1/0")
    assert checker.violation is None
    checker.answer(4.0, late, "k0@1/0")
    assert "@2 was acknowledged before" in str(checker.violation)


def test_a_forgotten_tag_counts_for_who_declares_it() -> None:
    checker = a_checker()
    checker.acknowledged(1.0, Claim("B1", "invalidate", {"k0": 2}, ("t0",)))
    checker.answer(3.0, checker.ask(2.0, "A1", "k0", ("t1",)), "k0@1/0")
    assert checker.violation is None
    checker.answer(3.0, checker.ask(2.0, "A1", "k0", ("t0", "t1")), "k0@1/0")
    assert checker.violation is not None


@pytest.mark.parametrize(("verdict", "wrong"), [(True, False), (False, True), (None, True)])
def test_who_chooses_has_what_it_has_said_yes_to(verdict: bool | None, wrong: bool) -> None:
    checker, choice = a_checker(), Choice(lambda there: False)
    if verdict is not None:
        choice.verdicts["k0@2/0"] = verdict
    checker.answer(2.0, checker.ask(1.0, "A1", "k0", (), choice=choice), "k0@2/0")
    assert (checker.violation is not None) is wrong


@pytest.mark.parametrize(("ended", "wrong"), [(5.0, True), (11.0, False)])
def test_who_chooses_has_what_was_loaded_since_it_came(ended: float, wrong: bool) -> None:
    checker, choice = a_checker(), Choice(lambda there: False)
    checker.origin.loads.append(Load(1, "k0", "B1", began=4.0, ended=ended, ttl=60.0))
    checker.answer(12.0, checker.ask(10.0, "A1", "k0", (), choice=choice), "k0@2/1")
    assert (checker.violation is not None) is wrong


def test_what_is_private_is_for_who_has_loaded_it() -> None:
    checker, load = a_checker(), Load(1, "k0", "A1", began=1.0, ended=2.0, ttl=60.0, private=True)
    checker.origin.loads.append(load)
    checker.answer(2.0, checker.ask(1.0, "A1", "k0", (), ours=[load]), "k0@2/1")
    assert checker.violation is None
    checker.answer(2.0, checker.ask(1.0, "A1", "k0", ()), "k0@2/1")
    assert "private" in str(checker.violation)


def test_what_is_shown_is_as_new_as_what_is_given() -> None:
    checker = a_checker()
    checker.acknowledged(1.0, Claim("B1", "delete", {"k0": 2}))
    checker.shows(2.0, checker.ask(2.0, "A1", "k0", ()), "k0@1/0")
    assert "@2 was acknowledged before" in str(checker.violation)


@pytest.mark.parametrize("value", ["k1@1/0", "k0@3/0", None])
def test_no_other_keys_value_nor_one_from_the_future(value: object) -> None:
    checker = a_checker()
    checker.answer(2.0, checker.ask(1.0, "A1", "k0", ()), value)
    assert checker.violation is not None


@pytest.mark.parametrize("error", [ConnectionError(), TimeoutError(), KeyError()])
def test_no_error_but_the_loaders(error: Exception) -> None:
    checker = a_checker()
    checker.fails(2.0, checker.ask(1.0, "A1", "k0", ()), error)
    assert checker.violation is not None


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_can_be_made(name: str, tmp_path: Path) -> None:
    make(name, tmp_path)


def test_a_patch_that_does_not_apply_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("one\ntwo\n")
    patch = tmp_path / "wrong.patch"
    patch.write_text("Why.\n\n--- a/code.py\n+++ b/code.py\n@@ -1,2 +1,2 @@\n one\n-three\n+four\n")
    with pytest.raises(StalePatchError, match=r"does not apply to code\.py"):
        apply(patch, tmp_path)


async def a_shore(loop: VirtualLoop) -> Shore:
    shore = Shore(loop, History(), in_bytes(), evicts=False)
    await shore.connect()
    return shore


async def write(shore: Shore, write: Packed) -> Outcome:
    (outcome,) = await shore.write(shore.backends[0], "A1", [write])
    return outcome


async def a_link(loop: VirtualLoop, weather: Weather) -> Link:
    shore = await a_shore(loop)
    clock = VirtualClock(loop)
    return Link("A1", shore, shore.backends[0], clock, weather, random.Random(0), shore.history)


def a_stub(key: str, expected: int | Condition, *, version: int) -> Packed:
    entry = Entry(Kind.STUB, version=version)
    return Packed(key, pack(key, entry), 2.0, expected, announce=False)


def a_checker() -> Checker:
    history = History()
    origin = Origin(history, random.Random(0), CALM, versions={"k0": 2, "k1": 2})
    return Checker(history, origin)
