"""The judge. For each key it keeps a floor, and whatever is read below it is a violation.

The floor of a read is the highest version whose invalidation or `set` had returned, without an
error, before the read was called; where there are copies, so long before it as those may be old, if
another process made it. Each check takes next to no time, so that all are made.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from cachekit.testing.simulation.ages import FILL, Ages
from cachekit.testing.simulation.floors import EVERYBODY, Floors, Name
from cachekit.testing.simulation.history import EVERYWHERE, History
from cachekit.testing.simulation.origin import Load, LoadFailed, Origin, Value
from cachekit.testing.simulation.question import Read

SELF: Final = ""
"""In a floor's name, in place of a tag: the key itself was forgotten or set."""


@dataclass(frozen=True)
class Violation:
    """What is wrong, and the history of the keys and tags that it concerns."""

    what: str
    at: float
    key: str
    history: str

    def __str__(self) -> str:
        return f"{self.what}\n{self.history}"


@dataclass(frozen=True)
class Claim:
    """What holds once an invalidation or a `set` is acknowledged: nothing older than `versions`.

    `tags` limits that to reads that declare one of them, and to values that name one themselves;
    `SELF` is for all reads. `barrier`: it holds at once wherever there are copies.
    """

    who: str
    what: str
    versions: Mapping[str, int]
    tags: tuple[str, ...] = (SELF,)
    barrier: bool = False


class Checker:
    """Judges one run. `violation` is the first thing that was wrong.

    `skew` is how many seconds two dates may differ; `there(key, tags, since)` says whether all the
    time since then there has been a value that whoever declares those tags may have; `staleness` is
    how many seconds copies may be old.
    """

    def __init__(
        self,
        history: History,
        origin: Origin,
        skew: float = 0.0,
        there: Callable[[str, tuple[str, ...], float], bool] = lambda key, tags, since: False,
        staleness: float = 0.0,
    ) -> None:
        self.history = history
        self.origin = origin
        self.there = there
        self.ages = Ages(history, origin, skew)
        self.violation: Violation | None = None
        self._floors = Floors(staleness)
        self._taken: dict[str, float] = {}

    def ask(self, at: float, who: str, key: str, tags: tuple[str, ...], **more: Any) -> Read:
        """A question asked now; `more` is what else `Read` has."""
        floors = (self._floors.of(who, (key, tag), at) for tag in (SELF, *tags))
        named = {name: self._floors.of(who, (key, name), at) for name in self.origin.names}
        more["taken"] = self._taken.get(key, -inf)
        return Read(who, key, tags, at, max(floors), named, **more)

    def answer(self, at: float, read: Read, value: object) -> None:
        """A read has returned `value`."""
        try:
            found = Value.parse(value)
        except ValueError:
            self.fail(at, read, f"{value!r} is no value that was ever loaded or set")
            return
        self.history.add(at, read.who, f"gets {found}", read.key, f"(asked {read.asked:.4f})")
        if wrong := self._compare(read, found) or self._judge_choice(read, found):
            self.fail(at, read, f"got {found}, {wrong}")
        elif found.source:
            load = self.origin.loads[found.source - 1]
            if wrong := self._judge_private(read, load) or self.ages.judge(at, read, load):
                self.fail(at, read, f"got load /{load.number}, {wrong}")

    def shows(self, at: float, read: Read, value: object) -> None:
        """What is there is shown to who may not take it."""
        found = Value.parse(value)
        self.history.add(at, read.who, f"is shown {found}", read.key, f"(asked {read.asked:.4f})")
        if wrong := self._compare(read, found):
            self.fail(at, read, f"was shown {found}, {wrong}")

    def _compare(self, read: Read, found: Value) -> str | None:
        if found.key != read.key:
            return "another key's value"
        if found.version < read.floor:
            return f"though @{read.floor} was acknowledged before"
        if names := self._forgotten(read, found):
            return f"though its tag {names[0]} was forgotten before"
        if found.version > self.origin.versions[read.key]:
            return "which is from the future"
        return None

    def _judge_choice(self, read: Read, found: Value) -> str | None:
        """Who chooses has what it has said yes to, or what was loaded since it came."""
        verdict = True if read.choice is None else read.choice.verdicts.get(str(found))
        if verdict or str(found) in self.origin.unchanged:
            return None
        slack = 0.0 if verdict is False else FILL
        if found.source:
            life = self.origin.loads[found.source - 1].life
            if life.ended is None or life.ended >= read.asked - slack:
                return None
        return "which it had not said yes to" if verdict is None else "which it had refused"

    def _judge_private(self, read: Read, load: Load) -> str | None:
        """What is private is for who began its load; if nothing goes wrong the old value goes."""
        if load.private and load not in read.ours:
            return "which is private"
        if load.private and self.origin.weather.orderly:
            self._taken[load.key] = read.asked
        life = load.life
        if life.ended is not None and life.ended < read.taken - FILL - self._floors.staleness:
            return "which a private load has taken away"
        return None

    def _forgotten(self, read: Read, found: Value) -> list[str]:
        names = self.origin.named(found.key, found.version)
        return [name for name in names if found.version < read.named.get(name, 0)]

    def fails(self, at: float, read: Read, error: Exception, *, ours: Sequence[Load] = ()) -> None:
        """A read has raised `error`; `ours` are the loads that its own loader made."""
        self.history.add(at, read.who, f"gets {error!r}", read.key, f"(asked {read.asked:.4f})")
        if isinstance(error, LoadFailed):
            self._judge_error(at, read, error.loads.get(read.key), ours)
        elif not (isinstance(error, TimeoutError) and self._may_time_out(read)):
            self.fail(at, read, f"{error!r} reached the caller")
        judged = read.loads and not read.several and not read.refused and read.calm
        if judged and self.there(read.key, read.tags, read.asked):
            self.fail(at, read, f"got {error!r}, though there is a stale value to have")

    def _judge_error(self, at: float, read: Read, load: Load | None, ours: Sequence[Load]) -> None:
        if load is None:
            self.fail(at, read, "the error of another key's load")
        elif load.abandoned and load not in ours:
            self.fail(at, read, "a load failed since its caller left, and others got its error")

    def _may_time_out(self, read: Read) -> bool:
        return read.key in self.origin.timed_out or self.origin.weather.max_loads is not None

    def acknowledged(self, at: float, claim: Claim) -> None:
        """What `claim` says holds for all reads from now on."""
        self.promise(claim, EVERYBODY if claim.barrier else claim.who)
        for name, version in _floors(claim):
            self._floors.raise_late(name, version, at)
        self.note(at, claim, "ACKNOWLEDGED")

    def promise(self, claim: Claim, who: str) -> None:
        """It holds from now on for all reads of `who`."""
        for name, version in _floors(claim):
            self._floors.raise_for(who, name, version)

    def note(self, at: float, claim: Claim, what: str) -> None:
        """Put what became of a claim into the history of all that it is about."""
        for name in claim.versions if claim.tags == (SELF,) else claim.tags:
            version = f" @{claim.versions[name]}" if name in claim.versions else ""
            self.history.add(at, claim.who, f"{claim.what}{version} {what}", name)

    def fail(self, at: float, read: Read, what: str) -> None:
        self.report(at, f"{read.who}: {read.key} {list(read.tags)}: {what}", read.key, read.tags)

    def report(self, at: float, what: str, key: str = EVERYWHERE, tags: Iterable[str] = ()) -> None:
        """Something is wrong; only the first time counts."""
        if self.violation is None:
            history = self.history.of([key, *tags, *self.origin.names])
            self.violation = Violation(what, at, key, history)


def _floors(claim: Claim) -> list[tuple[Name, int]]:
    return [((key, tag), version) for key, version in claim.versions.items() for tag in claim.tags]
