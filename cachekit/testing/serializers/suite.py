"""Tests that every serializer must pass."""

import copy
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cachekit.copies import is_immutable
from cachekit.serializer import Serializer
from cachekit.testing import hostile
from cachekit.testing.bombs import bombs
from cachekit.testing.elsewhere import answer_elsewhere, runs_elsewhere
from cachekit.testing.harmless import often_switched
from cachekit.testing.serializers.binding import Binding
from cachekit.testing.serializers.refusals import Refusals


class SerializerSuite(Refusals, Binding):
    """Subclass it as `Test…`, with a fixture `serializer` and the `values` it carries.

    - `values`: a Hypothesis strategy, or a sequence of values.
    - `refused`: pairs of a value that must be refused, and a text that the error must have in it:
      what to use instead.
    - `unreadable`: the exception that `loads` raises, if it promises one.
    - `seconds`: how long reading one value may take before it counts as hung.
    - `equal`: override it if two values can be the same that do not look it.

    If it is a `BoundSerializer`, what it binds to one entry must be worth nothing for another.

    Bytes that may do harm are read in a forked process, where there is `fork`.
    """

    # -- its names

    def test_its_id_is_1_to_32_ascii_characters(self, serializer: Serializer) -> None:
        assert type(serializer.id) is str
        assert 1 <= len(serializer.id) <= 32
        assert serializer.id.isascii()
        assert serializer.id.isprintable()
        assert "+" not in serializer.id, f"{serializer.id!r}: a plus joins it to the ids of steps"

    def test_its_fingerprint_is_at_most_16_bytes(self, serializer: Serializer) -> None:
        assert type(serializer.fingerprint) is bytes
        assert len(serializer.fingerprint) <= 16

    @runs_elsewhere
    def test_both_are_the_same_in_another_process(
        self, serializer: Serializer, request: pytest.FixtureRequest
    ) -> None:
        names = f"id {serializer.id!r}, fingerprint {serializer.fingerprint.hex()!r}"
        there = answer_elsewhere(request, names)
        assert there == names, f"in another process it has {there}, and here {names}"

    def test_both_stay_as_they_are(self, serializer: Serializer) -> None:
        before = serializer.id, serializer.fingerprint
        for value in self.some_values():
            serializer.loads(serializer.dumps(value))
            assert (serializer.id, serializer.fingerprint) == before

    # -- what it carries

    def test_a_value_comes_back_with_its_types(self, serializer: Serializer) -> None:
        def comes_back(value: Any) -> None:
            data = serializer.dumps(value)
            assert type(data) is bytes, f"dumps must return bytes, not {type(data).__qualname__}"
            made = serializer.loads(data)
            assert self.equal(made, value), f"{value!r} came back as {made!r}"

        self.each_value(comes_back)

    def test_a_value_stays_as_it_is(self, serializer: Serializer) -> None:
        def stays(value: Any) -> None:
            before = copy.deepcopy(value)
            serializer.dumps(value)
            assert self.equal(value, before), f"dumps changed {before!r} to {value!r}"

        self.each_value(stays)

    def test_what_comes_back_is_new_each_time(self, serializer: Serializer) -> None:
        def is_new(value: Any) -> None:
            data = serializer.dumps(value)
            one, other = serializer.loads(data), serializer.loads(data)
            assert one is not other or is_immutable(one), f"{one!r} is one object, twice"
            assert one is not value or is_immutable(one), f"{one!r} is the very object it was"

        self.each_value(is_new)

    def test_threads_do_not_disturb_each_other(self, serializer: Serializer) -> None:
        values = self.some_values()

        def wrong(start: int) -> list[Any]:
            turned = values[start % len(values) :] + values[: start % len(values)]
            return [value for value in turned if not self.comes_back(serializer, value)]

        with often_switched(), ThreadPoolExecutor(8) as pool:
            mixed = [value for values in pool.map(wrong, range(40)) for value in values]
        assert not mixed, f"among threads {mixed[0]!r} does not come back"

    # -- bytes from anywhere

    def test_damaged_bytes_harm_nobody(self, serializer: Serializer, samples: list[bytes]) -> None:
        self.reads(serializer, hostile.damaged(samples))

    def test_random_bytes_harm_nobody(self, serializer: Serializer, samples: list[bytes]) -> None:
        self.reads(serializer, hostile.random(samples))

    def test_bytes_of_other_formats_harm_nobody(self, serializer: Serializer) -> None:
        self.reads(serializer, hostile.foreign())

    def test_bytes_nested_without_end_harm_nobody(
        self, serializer: Serializer, samples: list[bytes]
    ) -> None:
        self.reads(serializer, hostile.nested(samples))

    def test_a_claim_of_gigabytes_takes_no_memory(
        self, serializer: Serializer, samples: list[bytes]
    ) -> None:
        self.reads(serializer, hostile.claims(samples))

    def test_many_small_items_take_little_memory(self, serializer: Serializer) -> None:
        self.reads(serializer, hostile.many())

    def test_bombs_take_no_memory(self, serializer: Serializer, samples: list[bytes]) -> None:
        self.reads(serializer, hostile.behind(samples, bombs(), 4))

    def test_nothing_that_bytes_name_is_called_or_imported(
        self,
        serializer: Serializer,
        samples: list[bytes],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        trap = hostile.Trap(tmp_path)
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        self.reads(serializer, trap.baits(samples), Exception)
        assert not trap.sprung, f"loads {trap.sprung}"
