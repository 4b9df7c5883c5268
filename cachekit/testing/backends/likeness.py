"""Random histories, told to the backend and to the reference."""

from collections.abc import Mapping, Sequence
from itertools import count
from math import inf
from time import monotonic
from typing import Any, Final, NamedTuple, TypeAlias

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cachekit.backend import ABSENT, ANY, DONE, FORGET_PREFIX, PEEK, Condition, Write
from cachekit.entry import Entry, Kind
from cachekit.testing.backends.entries import an_entry, facts
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject, read
from cachekit.testing.clock import FakeClock
from cachekit.testing.reference import ReferenceBackend

LONG: Final = 3600.0
"""Seconds that an entry is kept where the suite cannot move the clock."""

SHRINKING: Final = 5.0
"""Seconds in which a history that fails is made smaller."""


class Put(NamedTuple):
    """A write. `name` is the key without its number; `kind` is `None` if it deletes."""

    name: str
    kind: Kind | None
    version: int
    keep: float | None
    tags: Mapping[str, int]
    expected: int | Condition


class Forget(NamedTuple):
    """What begins with one of these is forgotten."""

    prefixes: Sequence[str]


class Wait(NamedTuple):
    """Time passes."""

    spans: float


Step: TypeAlias = Sequence[Put] | Forget | Wait

NAMES: Final = ("v:a", "v:ab", "v:b", "t:a", "t:b")
VERSIONS: Final = st.integers(1, 3)

PUTS: Final = st.builds(
    Put,
    st.sampled_from(NAMES),
    st.one_of(st.none(), st.sampled_from(Kind)),
    VERSIONS,
    st.sampled_from([None, 1.25, 3.25]),
    st.dictionaries(st.sampled_from(["t:a", "t:b"]), VERSIONS),
    st.one_of(st.just(ANY), st.just(ABSENT), VERSIONS),
)
BATCHES: Final = st.lists(PUTS, min_size=1, max_size=4)
FORGETS: Final = st.builds(Forget, st.lists(st.sampled_from(["v:", "v:a", "t:b"]), max_size=2))

# Sums of these are never near to how long anything is kept.
WAITS: Final = st.builds(Wait, st.sampled_from([0.5, 1.0, 2.0]))


class LikenessTests(Given):
    """Whatever is done to it, a backend answers what a dict would."""

    def test_it_answers_what_the_reference_answers(
        self, subject: Subject, clock: FakeClock | None
    ) -> None:
        """In `examples` random histories, shrunk to a small one if they differ."""
        numbers = count()
        steps: list[st.SearchStrategy[Step]] = [BATCHES]
        steps += [FORGETS] if FORGET_PREFIX in self.capabilities else []
        steps += [WAITS] if clock is not None else []
        span = max(self.short, 8 * self.slack)
        shrinking = Shrinking()

        @settings(
            max_examples=self.examples,
            deadline=None,
            report_multiple_bugs=False,
            phases=[phase for phase in settings().phases if phase is not Phase.explain],
        )
        @given(st.lists(st.one_of(steps), max_size=15))
        def compare(history: list[Step]) -> None:
            if shrinking.leaves_out(history):
                return
            both = Both(subject, next(numbers), span if clock is not None else LONG)
            try:
                for step in history:
                    both.take(step)
                    both.agree()
            except BaseException:
                shrinking.note(history)
                raise

        compare()


class Shrinking:
    """Has Hypothesis end its search for a small history that fails, `SHRINKING` seconds on.

    From then on no history is tried that has not failed before, so that it finds no smaller one.
    """

    def __init__(self) -> None:
        self._until = inf
        self._failed: set[str] = set()

    def leaves_out(self, history: Sequence[Step]) -> bool:
        """Whether this history is not to be tried any more."""
        return monotonic() > self._until and repr(history) not in self._failed

    def note(self, history: Sequence[Step]) -> None:
        """This history has failed."""
        self._until = min(self._until, monotonic() + SHRINKING)
        self._failed.add(repr(history))


class Both:
    """The backend and the reference; keys have a number, so that each history has its own."""

    def __init__(self, subject: Subject, number: int, span: float) -> None:
        self.subject = subject
        self.reference = ReferenceBackend(subject.clock)
        self._number = number
        self._span = span
        self._payloads = count()

    def take(self, step: Step) -> None:
        """Do to both the same."""
        if isinstance(step, Wait):
            self.subject.wait(step.spans * self._span)
        elif isinstance(step, Forget):
            self._forget([self._key(prefix) for prefix in step.prefixes])
        else:
            writes = [self._write(put) for put in step]
            wanted = self.subject.run(self.reference.write(writes))
            assert self.subject.write_all(*writes) == wanted, "the reference gives other outcomes"

    def agree(self) -> None:
        """What is under each key is the same, and nothing else is served from a peek."""
        keys = [self._key(name) for name in NAMES]
        wanted = self.subject.run(read(self.reference, *keys))
        assert _told(self.subject.read(*keys)) == _told(wanted), (
            "the reference finds something else"
        )
        able = self.subject.backend.capability(PEEK)
        for key in keys if able is not None else []:
            assert able is not None
            self._check_peek(wanted, key, able.peek(key))

    def _check_peek(self, wanted: Mapping[str, Entry], key: str, peeked: Entry | None) -> None:
        if peeked is not None and peeked.serves(self.subject.clock.monotonic()):
            there = wanted[key]
            if peeked.fresh_until < there.fresh_until:
                there = _shortened(there)
            assert facts(key, peeked) == facts(key, there)
            current = {tag: wanted[tag].version for tag in peeked.tags if tag in wanted}
            assert dict(peeked.tags) == current

    def _forget(self, prefixes: Sequence[str]) -> None:
        able = self.subject.backend.capability(FORGET_PREFIX)
        assert able is not None
        assert self.subject.run(self.reference.forget_prefix(prefixes)) is DONE
        assert self.subject.run(able.forget_prefix(prefixes)) is DONE

    def _write(self, put: Put) -> Write:
        return Write(self._key(put.name), self._written(put), put.expected)

    def _written(self, put: Put) -> Entry | None:
        """Under the key of a tag its record, for good: who carries the tag may prolong it."""
        if put.kind is None:
            return None
        if put.name.startswith("t:"):
            return an_entry(Kind.TAG, version=put.version)
        return self._entry(put, put.kind)

    def _entry(self, put: Put, kind: Kind) -> Entry:
        keep = None if put.keep is None else put.keep * self._span
        tags = {self._key(tag): version for tag, version in put.tags.items()}
        payload = str(next(self._payloads)).encode()
        if kind is Kind.TAG:
            return an_entry(kind, version=put.version, keep=keep)
        entry = an_entry(kind, version=put.version, keep=keep, tags=tags, payload=payload)
        if kind is Kind.VALUE:
            entry.freshen(keep, self.subject.clock)
        return entry

    def _key(self, name: str) -> str:
        space, _, rest = name.partition(":")
        return f"{space}:{self._number}:{rest}"


def _shortened(entry: Entry) -> Entry:
    """What a copy of it is that ends earlier: nothing is done by then about its end."""
    copy = entry.twin()
    copy.stale_while_revalidate = copy.stale_if_error = copy.load_time = 0.0
    return copy


def _told(found: Mapping[str, Entry]) -> dict[str, dict[str, Any]]:
    return {key: facts(key, entry) for key, entry in found.items()}
