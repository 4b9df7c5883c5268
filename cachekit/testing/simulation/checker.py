"""The judge. For each key it keeps a floor, and whatever is read below it is a violation.

The floor of a read is the highest version whose invalidation or `set` had returned, without an
error, before the read was called. Each check takes constant time, so that all are made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cachekit.testing.simulation.history import EVERYWHERE, History
from cachekit.testing.simulation.loads import Load, LoadFailed, Origin, Value

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
class Read:
    """A question under way, with the floor from when it was asked."""

    who: str
    key: str
    tags: tuple[str, ...]
    asked: float
    floor: int


@dataclass(frozen=True)
class Claim:
    """What holds once an invalidation or a `set` is acknowledged: nothing older than `versions`.

    `tags` limits that to reads that declare one of them; `SELF` is for all reads.
    """

    who: str
    what: str
    versions: Mapping[str, int]
    tags: tuple[str, ...] = (SELF,)


class Checker:
    """Judges one run. `violation` is the first thing that was wrong.

    `oldest`: seconds that a value may be served for, from when its load began.
    """

    def __init__(self, history: History, origin: Origin, oldest: float) -> None:
        self.history = history
        self.origin = origin
        self.oldest = oldest
        self.violation: Violation | None = None
        self._floors: dict[tuple[str, str], int] = {}

    def ask(self, at: float, who: str, key: str, tags: tuple[str, ...]) -> Read:
        floors = (self._floors.get((key, tag), 0) for tag in (SELF, *tags))
        return Read(who, key, tags, at, max(floors))

    def answer(self, at: float, read: Read, value: object) -> None:
        """A read has returned `value`."""
        try:
            found = Value.parse(value)
        except ValueError:
            return self.fail(at, read, f"{value!r} is no value that was ever loaded or set")
        self.history.add(at, read.who, f"gets {found}", read.key, f"(asked {read.asked:.4f})")
        if found.key != read.key:
            self.fail(at, read, f"asked for {read.key}, got {found}: another key's value")
        elif found.version < read.floor:
            self.fail(at, read, f"got {found}, though @{read.floor} was acknowledged before")
        elif found.version > self.origin.versions[read.key]:
            self.fail(at, read, f"got {found} from the future")
        elif found.source:
            self._judge_load(at, read, self.origin.loads[found.source - 1])
        return None

    def fails(self, at: float, read: Read, error: Exception, *, ours: object = None) -> None:
        """A read has raised `error`; `ours` is the load that its own loader made."""
        self.history.add(at, read.who, f"gets {error!r}", read.key, f"(asked {read.asked:.4f})")
        if isinstance(error, LoadFailed):
            if error.load.key != read.key:
                self.fail(at, read, "the error of another key's load")
            elif error.load.abandoned and error.load is not ours:
                self.fail(at, read, "a load failed since its caller left, and others got its error")
        elif not (isinstance(error, TimeoutError) and read.key in self.origin.timed_out):
            self.fail(at, read, f"{error!r} reached the caller")

    def acknowledged(self, at: float, claim: Claim) -> None:
        """What `claim` says holds for all reads from now on."""
        for key, version in claim.versions.items():
            for tag in claim.tags:
                floor = self._floors.get((key, tag), 0)
                self._floors[key, tag] = max(floor, version)
        self.note(at, claim, "ACKNOWLEDGED")

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
            history = self.history.of([key, *tags])
            self.violation = Violation(what, at, key, history)

    def _judge_load(self, at: float, read: Read, load: Load) -> None:
        if load.ended is None or load.ended < read.asked:
            if read.asked - load.began > self.oldest:
                self.fail(at, read, f"got load /{load.number}, which had expired")
        elif load.began < read.asked:
            same = load.process == read.who
            self.history.covered["shared loads" if same else "other processes' loads"] += 1
