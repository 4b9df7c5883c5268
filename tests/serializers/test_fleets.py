"""While a new release goes out, two of them share a store and the keys in it."""

import asyncio
import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cachekit import Key, Tag
from tests.core.helpers import start
from tests.serializers import release
from tests.serializers.conftest import Plain
from tests.serializers.fleets import CHANGES, TAKES, TURNED, Instance, Release, two_fleets

pytestmark = pytest.mark.virtual

HOT = range(3)

Pair = tuple[Release, Release]

SOME = {
    name: CHANGES[name]
    for name in ("a field more", "msgpack, a NamedTuple turned", "a first version")
}

each_change = pytest.mark.parametrize("pair", CHANGES.values(), ids=CHANGES)
some_changes = pytest.mark.parametrize("pair", SOME.values(), ids=SOME)

LIFETIMES: dict[str, dict[str, Any]] = {
    "long": {"ttl": 1000},
    "stale": {"ttl": 0.2, "stale_while_revalidate": 60},
    "early": {"ttl": 0.2, "stale_if_error": 60, "early_refresh": 1},
}


async def play(*instances: Instance, rounds: int = 8) -> None:
    async with asyncio.TaskGroup() as group:
        for number, instance in enumerate(instances):
            for task in range(3):
                group.create_task(instance.plays(HOT, rounds, 10 * number + task))


@pytest.mark.parametrize("options", LIFETIMES.values(), ids=LIFETIMES)
@some_changes
async def test_each_gets_its_own_shape_and_one_load_runs_at_a_time(
    caches: Plain, pair: Pair, options: dict[str, Any]
) -> None:
    old, new, origin = await two_fleets(caches, pair, **options)
    await play(*old, *new)
    await asyncio.sleep(1)  # refreshes end
    assert origin.at_once == 1
    assert not +origin.under_way
    figures = [instance.cache.stats() for instance in (*old, *new)]
    assert sum(stats.foreign for stats in figures) > 0
    assert [(s.load_errors, s.unreadable, s.not_encoded) for s in figures] == [(0, 0, 0)] * 4


@each_change
async def test_once_the_old_one_is_gone_each_key_is_loaded_once(caches: Plain, pair: Pair) -> None:
    old, new, origin = await two_fleets(caches, pair, ttl=1000)
    await play(*old, *new, rounds=5)
    for n in HOT:
        await old[0].reads(n)
    origin.loads.clear()
    await play(*new)
    assert origin.of(new[0].release) == dict.fromkeys(HOT, 1)
    assert origin.of(old[0].release) == {}


async def test_the_order_of_the_fields_of_a_model_does_not_matter(caches: Plain) -> None:
    """Both share what one has loaded, each as its own class."""
    old, new, origin = await two_fleets(caches, TURNED, ttl=1000)
    for instance in (*old, *new):
        for n in HOT:
            assert (await instance.reads(n)).by == "old"
    assert sum(origin.loads.values()) == len(HOT)
    assert [instance.cache.stats().foreign for instance in (*old, *new)] == [0] * 4


@some_changes
async def test_what_one_forgets_is_forgotten_for_both(caches: Plain, pair: Pair) -> None:
    old, new, origin = await two_fleets(caches, pair, ttl=1000)
    for mine, theirs in ((old[0], new[1]), (new[0], old[1])):
        for forget, given in ways_to_forget(theirs):
            await mine.reads(1)
            origin.loads.clear()
            await mine.reads(1)
            assert not origin.loads
            await forget(*given)
            await mine.reads(1)
            assert origin.of(mine.release) == {1: 1}


def ways_to_forget(instance: Instance) -> list[tuple[Any, tuple[Any, ...]]]:
    cache, function = instance.cache, instance.function
    return [
        (cache.delete, ("product:1",)),
        (cache.invalidate, (Key("product:1"),)),
        (cache.invalidate, (Tag("all"),)),
        (function.invalidate, (1,)),
        (function.clear, ()),
        (cache.clear, ()),
    ]


@some_changes
async def test_a_load_that_was_under_way_when_the_other_forgot_is_not_stored(
    caches: Plain, pair: Pair
) -> None:
    old, new, origin = await two_fleets(caches, pair, ttl=1000)
    for mine, theirs in ((old[0], new[1]), (new[0], old[1])):
        loading = start(mine.reads(1))
        await asyncio.sleep(TAKES / 2)
        await theirs.cache.delete("product:1")
        await loading
        assert mine.cache.stats().refused_fills == 1
        origin.loads.clear()
        await mine.reads(1)
        assert origin.of(mine.release) == {1: 1}


async def test_who_meets_the_stub_of_the_other_waits_and_then_loads(caches: Plain) -> None:
    """It cannot know what will come of it; two loads at once would be worse."""
    old, new, origin = await two_fleets(caches, CHANGES["a field more"], ttl=1000)
    first = start(old[0].reads(1))
    await asyncio.sleep(TAKES / 2)
    second = start(new[0].reads(1))
    await asyncio.sleep(TAKES / 4)
    assert origin.of(new[0].release) == {}
    await first
    await second
    assert (new[0].cache.stats().waits, origin.at_once) == (1, 1)
    assert sum(origin.loads.values()) == 2


async def test_what_is_stale_of_the_other_is_no_anchor_for_a_refresh(caches: Plain) -> None:
    """Its value is replaced by a stub like anything else that cannot be read."""
    options = {"ttl": 1, "stale_while_revalidate": 100, "stale_if_error": 100}
    old, new, origin = await two_fleets(caches, CHANGES["a field more"], **options)
    await old[0].reads(1)
    await asyncio.sleep(5)
    assert (await new[0].reads(1)).by == "new"
    assert new[0].cache.stats().refreshes == 0
    origin.loads.clear()
    await asyncio.sleep(5)
    assert (await new[1].reads(1)).by == "new"  # stale, and refreshed behind its back
    await asyncio.sleep(1)
    assert (origin.of(new[0].release), new[1].cache.stats().stale) == ({1: 1}, 1)


def test_two_processes_on_one_file(tmp_path: Path) -> None:
    """The same with real ones, one of which has gone before the other reads once more."""
    path = tmp_path / "cache.db"
    asyncio.run(release.play(path, "old", rounds=1))  # so that there is something to be met
    with ExitStack() as stack:
        processes = {name: stack.enter_context(started(path, name)) for name in release.SHAPES}
        for process in processes.values():
            assert process.stdout.readline() == "ready\n"
        for process in processes.values():
            process.stdin.write("go\n")
            process.stdin.flush()
        said = {name: process.communicate(timeout=60)[0] for name, process in processes.items()}
    reports = {name: json.loads(text) for name, text in said.items()}
    for name, report in reports.items():
        assert report["shapes"] == [release.SHAPES[name]]
        assert (report["load_errors"], report["unreadable"], report["unreached"]) == (0, 0, 0)
    assert sum(report["foreign"] for report in reports.values()) > 0
    asyncio.run(release.play(path, "old", rounds=3))
    last = asyncio.run(release.play(path, "new"))
    assert (last["loads"], last["foreign"] > 0) == (release.PRODUCTS, True)


def started(path: Path, name: str) -> Any:
    return subprocess.Popen(
        [sys.executable, "-m", release.__name__, str(path), name],
        cwd=release.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
