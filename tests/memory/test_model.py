"""Whatever is done to it, the backend holds what a plain dict would."""

from dataclasses import dataclass
from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, Condition
from cachekit.entry import Entry, Kind
from cachekit.testing.clock import FakeClock
from cachekit_memory import MemoryBackend
from cachekit_memory.backend import Eviction
from tests.memory.by_hand import drive, forget, peeking, write

KEYS = ["v:a", "v:ab", "v:b", "t:a", "t:b"]
TAGS = ["t:a", "t:b"]
VERSIONS = st.integers(1, 3)


@dataclass(eq=False)
class Record:
    """One life of a tag record."""

    version: int
    alive: bool = True


@dataclass
class Held:
    """What the model has under a key."""

    entry: Entry
    kind: Kind
    version: int
    until: float
    record: Record | None
    links: list[tuple[Record | None, int]]

    def holds(self) -> bool:
        return all(record and record.alive and record.version == v for record, v in self.links)


class MemoryModel(RuleBasedStateMachine):
    policy: Eviction = "tinylfu"

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.backend = MemoryBackend(policy=self.policy, clock=self.clock)
        self.held: dict[str, Held] = {}

    @rule(
        key=st.sampled_from(KEYS),
        kind=st.sampled_from(Kind),
        version=VERSIONS,
        keep=st.sampled_from([None, 1.0, 3.0]),
        tags=st.dictionaries(st.sampled_from(TAGS), VERSIONS),
        expected=st.one_of(st.just(ANY), st.just(ABSENT), VERSIONS),
    )
    def write(
        self,
        key: str,
        kind: Kind,
        version: int,
        keep: float | None,
        tags: dict[str, int],
        expected: int | Condition,
    ) -> None:
        carried = {} if kind is Kind.TAG else tags
        entry = Entry(kind, version=version, keep=keep, tags=carried)
        self.attempt(key, entry, expected)

    @rule(key=st.sampled_from(KEYS), keep=st.sampled_from([None, 2.0]))
    def renew(self, key: str, keep: float | None) -> None:
        if key in self.held:
            entry = self.held[key].entry
            entry.keep = keep
            self.attempt(key, entry, entry.version)

    @rule(key=st.sampled_from(KEYS), expected=st.one_of(st.just(ANY), VERSIONS))
    def delete(self, key: str, expected: int | Condition) -> None:
        self.attempt(key, None, expected)

    @rule(prefixes=st.lists(st.sampled_from(["", "v:", "v:a", "t:", "t:b", "x"]), max_size=2))
    def forget(self, prefixes: list[str]) -> None:
        assert forget(self.backend, *prefixes) is DONE
        for key in KEYS:
            if key.startswith(tuple(prefixes)):
                self.drop(key)

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.5]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for key in KEYS:
            if key in self.held and self.held[key].until <= self.clock.monotonic():
                self.drop(key)

    @invariant()
    def they_agree(self) -> None:
        found = drive(self.backend.read(KEYS))
        assert found == {key: held.entry for key, held in self.held.items()}
        for held in self.held.values():
            assert (held.entry.kind, held.entry.version) == (held.kind, held.version)
            assert held.entry.holds() == held.holds()
        values = {key: h.entry for key, h in self.held.items() if h.kind is Kind.VALUE}
        peek = peeking(self.backend).peek
        assert {key: entry for key in KEYS if (entry := peek(key))} == values
        assert len(self.backend) == len(values)

    def attempt(self, key: str, entry: Entry | None, expected: int | Condition) -> None:
        held = self.held.get(key)
        version = held.version if held else None
        met = expected is ANY or (expected is ABSENT if held is None else expected == version)
        assert write(self.backend, key, entry, expected) is (DONE if met else REFUSED)
        if met and entry is None:
            self.drop(key)
        elif met and entry is not None:
            self.put(key, entry)

    def put(self, key: str, entry: Entry) -> None:
        until = inf if entry.keep is None else self.clock.monotonic() + entry.keep
        links = [(self.record(name), version) for name, version in entry.tags.items()]
        record = self.record(key)
        if entry.kind is Kind.TAG and record:
            record.version = self.held[key].version = entry.version
            self.held[key].until = until
            return
        self.drop(key)
        new = Record(entry.version) if entry.kind is Kind.TAG else None
        self.held[key] = Held(entry, entry.kind, entry.version, until, new, links)

    def record(self, key: str) -> Record | None:
        return self.held[key].record if key in self.held else None

    def drop(self, key: str) -> None:
        held = self.held.pop(key, None)
        if held and held.record:
            held.record.alive = False


class S3FifoModel(MemoryModel):
    policy: Eviction = "s3fifo"


class LruModel(MemoryModel):
    policy: Eviction = "lru"


MODELS = [MemoryModel, S3FifoModel, LruModel]


@pytest.mark.parametrize("examples", [25, pytest.param(300, marks=pytest.mark.long)])
@pytest.mark.parametrize("model", MODELS)
def test_like_a_dict(model: type[MemoryModel], examples: int) -> None:
    told = settings(max_examples=examples, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(model, settings=told)
