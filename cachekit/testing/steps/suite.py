"""Tests that every step must pass."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from cachekit.step import Step
from cachekit.testing import hostile
from cachekit.testing.bombs import bombs
from cachekit.testing.elsewhere import answer_elsewhere, runs_elsewhere
from cachekit.testing.harmless import often_switched
from cachekit.testing.steps.given import CONTEXT, DATA, LIMIT, LONG
from cachekit.testing.steps.guarding import Guarding

_ROOM: Final = 32 * 2**20


class StepSuite(Guarding):
    """Subclass it as `Test…`, with a fixture `step` that makes it alike in every process.

    - `guards`: whether the step binds bytes to their context: then it must raise for any that were
      changed, cut off, or written in another context.
    - `hides`: whether nobody without a key can tell what is in the bytes: then they must be others
      each time, for the same data, too.
    - `unreadable`: the exception that `decode` raises, if it promises one.
    - `seconds`: how long reading may take before it counts as hung.

    Bytes that may do harm are read in a forked process, where there is `fork`.
    """

    # -- its name

    def test_its_id_is_1_to_32_printable_ascii_characters_without_a_plus(self, step: Step) -> None:
        assert type(step.id) is str
        assert 1 <= len(step.id) <= 32
        assert step.id.isascii()
        assert step.id.isprintable()
        assert "+" not in step.id, f"{step.id!r}: a plus joins the ids of several steps"

    def test_its_id_stays_as_it_is(self, step: Step) -> None:
        before = step.id
        for data in DATA:
            step.decode(step.encode(data, CONTEXT), CONTEXT, LIMIT)
            assert step.id == before

    @runs_elsewhere
    def test_another_process_gives_it_the_same_id_and_makes_what_it_reads(
        self, step: Step, request: pytest.FixtureRequest
    ) -> None:
        made = [step.encode(data, CONTEXT).hex() for data in DATA]
        name, *there = json.loads(answer_elsewhere(request, json.dumps([step.id, *made])))
        assert name == step.id, f"in another process it is {name!r}, and here {step.id!r}"
        pairs = zip(there, DATA, strict=True)
        read = sum(_reads(step, bytes.fromhex(stored), data) for stored, data in pairs)
        assert read == len(DATA), f"of what another process has made it reads {read} of {len(DATA)}"

    # -- there and back

    def test_data_comes_back_as_it_was(self, step: Step) -> None:
        def comes_back(data: bytes, context: bytes) -> None:
            stored = step.encode(data, context)
            assert type(stored) is bytes, f"encode must return bytes, not {_kind(stored)}"
            made = step.decode(stored, context, len(data))
            assert type(made) is bytes, f"decode must return bytes, not {_kind(made)}"
            assert made == data, f"{len(data)} bytes {data[:40]!r} came back as {made[:40]!r}"

        self.each_data(comes_back)

    def test_it_adds_at_most_1_kb(self, step: Step) -> None:
        for data in LONG:
            added = len(step.encode(data, CONTEXT)) - len(data)
            assert added <= 1024, f"{added} bytes more than the {len(data)} of the data"

    def test_threads_do_not_disturb_each_other(self, step: Step) -> None:
        def wrong(start: int) -> list[bytes]:
            context = CONTEXT + bytes((start,))
            turned = DATA[start % len(DATA) :] + DATA[: start % len(DATA)]
            return [data for data in turned if not _comes_back(step, data, context)]

        with often_switched(), ThreadPoolExecutor(8) as pool:
            mixed = [data for many in pool.map(wrong, range(40)) for data in many]
        assert not mixed, f"among threads {mixed[0][:40]!r} does not come back"

    # -- the limit

    def test_what_is_over_the_limit_is_refused(self, step: Step) -> None:
        cases = (
            (f"{len(data)} bytes at a limit of {limit}", step.encode(data, CONTEXT), CONTEXT, limit)
            for data in DATA
            for limit in {0, len(data) // 2, len(data) - 1}
            if 0 <= limit < len(data)
        )
        self.refuses(step, cases)

    def test_its_own_bytes_of_much_more_take_no_memory(self, step: Step) -> None:
        size = 64 * LIMIT
        stored = step.encode(bytes(size), CONTEXT)
        name = f"{size >> 20} MB of zeros, {len(stored)} bytes of it,"
        memory = _ROOM + 2 * len(stored)
        self.reads(step, [(name, stored)], memory=memory)

    def test_bombs_take_no_memory(self, step: Step, samples: list[bytes]) -> None:
        self.reads(step, hostile.behind(samples, bombs(), 4))

    def test_a_claim_of_gigabytes_takes_no_memory(self, step: Step, samples: list[bytes]) -> None:
        self.reads(step, hostile.claims(samples))

    # -- bytes from anywhere

    def test_damaged_bytes_harm_nobody(self, step: Step, samples: list[bytes]) -> None:
        self.reads(step, hostile.damaged(samples))

    def test_random_bytes_harm_nobody(self, step: Step, samples: list[bytes]) -> None:
        self.reads(step, hostile.random(samples))

    def test_bytes_of_other_formats_harm_nobody(self, step: Step) -> None:
        self.reads(step, hostile.foreign())

    def test_bytes_nested_without_end_harm_nobody(self, step: Step, samples: list[bytes]) -> None:
        self.reads(step, hostile.nested(samples))

    def test_nothing_that_bytes_name_is_called_or_imported(
        self, step: Step, samples: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trap = hostile.Trap(tmp_path)
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        self.reads(step, trap.baits(samples), Exception)
        assert not trap.sprung, f"decode {trap.sprung}"


def _comes_back(step: Step, data: bytes, context: bytes) -> bool:
    try:
        return _reads(step, step.encode(data, context), data, context)
    except Exception:
        return False


def _reads(step: Step, stored: bytes, data: bytes, context: bytes = CONTEXT) -> bool:
    try:
        return step.decode(stored, context, len(data)) == data
    except Exception:
        return False


def _kind(value: object) -> str:
    return type(value).__qualname__
