"""Hit ratios: that the best is the best, that plain policies are what they are called."""

import lzma
import random
import struct
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from cachetools import LRUCache
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from benchmarks import hitratio, hitratio_traces
from benchmarks.hitratio import MISSING, play, report, run
from benchmarks.hitratio_caches import SUBJECTS, Subject, lru, opt, sieve, through
from benchmarks.hitratio_traces import MAKERS, MOST, VARIABLE, Trace, keys_of, recorded, traces
from benchmarks.measuring import Effort
from benchmarks.results import OURS

LITTLE = Trace("little", [1, 2, 1, 3, 1, 2], [1, 2])
REQUESTS = st.lists(st.integers(0, 4), max_size=9)
BY_NAME = {each.name: each for each in SUBJECTS}


def best(requests: Sequence[int], size: int) -> int:
    """By trying everything."""

    @cache
    def from_here(place: int, cached: frozenset[int]) -> int:
        if place == len(requests):
            return 0
        key = requests[place]
        if key in cached:
            return 1 + from_here(place + 1, cached)
        kept = [cached, *(cached - {gone} | {key} for gone in cached)]
        if len(cached) < size:
            kept.append(cached | {key})
        return max(from_here(place + 1, each) for each in kept)

    return from_here(0, frozenset())


@given(REQUESTS, st.integers(1, 3))
def test_nothing_is_better_than_opt(requests: list[int], size: int) -> None:
    assert opt(requests, size) == best(requests, size)


@given(st.lists(st.integers(0, 20), max_size=200), st.integers(1, 10))
def test_lru_is_that_of_cachetools(requests: list[int], size: int) -> None:
    theirs: LRUCache[int, bool] = LRUCache(size)
    assert lru(requests, size) == through(theirs, theirs.__setitem__, requests)


def sieve_by_list(requests: Iterable[int], size: int) -> int:
    """As in the paper, on a list; the first of it is the oldest."""
    queue: list[int] = []
    used: set[int] = set()
    hand = hits = 0
    for key in requests:
        if key in queue:
            hits += 1
            used.add(key)
            continue
        if len(queue) == size:
            while queue[hand] in used:
                used.remove(queue[hand])
                hand = (hand + 1) % size
            del queue[hand]
            hand %= len(queue) or 1  # past the newest it goes on with the oldest
        queue.append(key)
    return hits


@given(st.lists(st.integers(0, 20), max_size=200), st.integers(1, 10))
def test_sieve_is_that_of_the_paper(requests: list[int], size: int) -> None:
    assert sieve(requests, size) == sieve_by_list(requests, size)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_cache_that_has_room_for_all_misses_each_key_once(name: str) -> None:
    rng = random.Random(1)
    requests = [rng.randrange(50) for _ in range(1000)]
    played = play(Trace("all", requests, [100]), BY_NAME[name])
    assert played.ratios == {100: 95.0}


@pytest.mark.parametrize("name", MAKERS)
def test_made_up_traces_are_the_same_each_time(name: str) -> None:
    requests = MAKERS[name](0.01)
    assert requests == MAKERS[name](0.01)
    assert len(requests) == 1000


@pytest.mark.parametrize("trace", traces(0.1), ids=lambda trace: trace.name)
def test_ours_is_above_lru_or_near_to_it(trace: Trace) -> None:
    """Above, where what matters is what is asked for often; near, where it is what was last."""
    largest = replace(trace, sizes=trace.sizes[-2:])
    ours, floor = (play(largest, BY_NAME[name]).ratios for name in (OURS, "LRU"))
    least = -5.0 if trace.name in ("moving set", "visits") else 0.2
    assert all(ours[size] > floor[size] + least for size in ours)


def trace_file(folder: Path, keys: Sequence[int]) -> Path:
    path = folder / "mine.trace.xz"
    path.write_bytes(lzma.compress(struct.pack(f">{len(keys)}I", *keys)))
    return path


def test_a_recorded_trace_is_read_up_to_its_end_or_ours(tmp_path: Path) -> None:
    assert keys_of(trace_file(tmp_path, [7, 1, 2**32 - 1])) == [7, 1, 2**32 - 1]
    assert keys_of(trace_file(tmp_path, range(MOST + 5))) == [*range(MOST)]


def test_a_folder_of_traces_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = trace_file(tmp_path, [1, 2, 1, 2] * 10)
    monkeypatch.setattr(hitratio_traces, "FOLDER", tmp_path / "nowhere")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert recorded() == [path]
    first = traces(0.5)[0]
    assert (first.name, first.requests) == ("mine", [1, 2, 1, 2] * 5)


def test_who_is_missing_has_a_row_that_says_how_to_get_it() -> None:
    def none(requests: Sequence[int], size: int) -> int:
        raise ImportError("no module")

    missing = play(LITTLE, Subject("peer", none, "peer-py"))
    told = report([play(LITTLE, BY_NAME["LRU"]), missing])
    rows = [result for result in told.results if result.subject == "peer"]
    assert [row.metric for row in rows] == ["little, 1 entries", "little, 2 entries"]
    assert all((row.rounds, row.note) == ([], "pip install peer-py") for row in rows)
    assert [*told.curves[0].curves] == ["LRU"]
    console = Console(width=120, record=True)
    for table in told.tables:
        console.print(table)
    assert "peer: pip install peer-py" in console.export_text()


def test_a_little_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hitratio, "traces", lambda scale=1.0: [LITTLE])
    monkeypatch.setattr(hitratio, "recorded", list)
    told = run(Effort(rounds=1))
    figures = {(each.metric, each.subject): each for each in told.results}
    assert figures["little, 1 entries", "LRU"].rounds == [0.0]
    assert figures["little, 2 entries", "LRU"].floor
    assert figures["little, 2 entries", "OPT (Belady)"].rounds == [50.0]
    assert figures["little, 2 entries", OURS].unit == "%"
    assert told.results[-1] == MISSING
    (picture,) = told.curves
    assert (picture.name, picture.curves["LRU"]) == ("hitratio-little", [(1, 0.0), (2, 100 / 3)])
