"""What a cache may hold, key by key: all that is possible, once an answer got lost.

Each operation maps what may be there to what it may answer and to what may be there then; the
answer that is seen leaves those that agree with it, and one must.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from cachekit import MISSING
from cachekit.policy import LEASE, PASS


@dataclass(frozen=True)
class Held:
    """An entry, as far as it can be told apart from others: a value, or (`MISSING`) a pass or stub.

    It is served until a moment between `fresh[0]` and `fresh[1]`, and kept for `after` more.
    """

    value: Any
    tags: frozenset[str]
    fresh: tuple[float, float]
    after: float = LEASE
    load: int = 0

    def served(self, now: float) -> set[bool]:
        """Whether it is still served, if that is known."""
        return {now < moment for moment in self.fresh} if self.value is not MISSING else {False}

    def kept(self, now: float) -> set[bool]:
        """Whether the store still has it."""
        return {now < moment + self.after for moment in self.fresh}


State = Held | None
Step = tuple[Any, State]
"""What an operation answers, and what is there then."""


def held(value: Any, tags: Iterable[str], ttl: float | None, began: float, ended: float) -> Held:
    """A value stored by an operation that ran from `began` to `ended`."""
    fresh = (inf, inf) if ttl is None else (began + ttl, ended + ttl)
    return Held(value, frozenset(tags), fresh)


def a_pass(tags: Iterable[str], began: float, ended: float) -> Held:
    """What a load that failed leaves."""
    return Held(MISSING, frozenset(tags), (began, ended), PASS)


def a_stub(tags: Iterable[str], load: int) -> Held:
    """The load of that number is under way."""
    return Held(MISSING, frozenset(tags), (inf, inf), load=load)


def hits(state: State, now: float, tags: Collection[str] = ()) -> set[bool]:
    """Whether a call that declares `tags` is served from it."""
    if state is None or not state.tags.issuperset(tags):
        return {False}
    return state.served(now)


def carried(state: State, now: float, tags: Collection[str]) -> set[frozenset[str]]:
    """The tags of what takes over a state: of both, if there is something."""
    if state is None:
        return {frozenset(tags)}
    return {frozenset(tags).union(state.tags if kept else ()) for kept in state.kept(now)}


@dataclass
class Model:
    """All that may be under each key."""

    states: dict[str, set[State]] = field(default_factory=dict[str, set[State]])

    def of(self, key: str) -> set[State]:
        return self.states.get(key, NOTHING)

    def see(self, key: str, answer: Any, step: Callable[[State], Iterable[Step]]) -> None:
        """An operation on `key` answered so; `step` is what it may do to one state."""
        before = self.of(key)
        steps = {each for state in before for each in step(state)}
        after = {state for given, state in steps if given == answer}
        assert after, f"{key}: {answer!r} came, of {before} only {steps} can"
        self.states[key] = after

    def change(self, key: str, *after: State) -> None:
        """It is known what may be under `key`."""
        self.states[key] = set(after)

    def lose(self, condition: Callable[[str, Held], bool], *, sure: bool = True) -> None:
        """Entries that fulfil the condition are gone, or may be."""
        for key, states in self.states.items():
            gone = {s for s in states if s is not None and condition(key, s)}
            if gone:
                self.states[key] = (states - gone if sure else states) | NOTHING


NOTHING: Final[set[State]] = {None}
