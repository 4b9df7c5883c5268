"""Which answers are older than they may be.

An update is acknowledged when its answer arrives, whether or not Redis could be told. From then on

- the process that has made it shows it, at once;
- every other one shows it `BOUND` seconds later: so old may be what a process has at hand;
- of what was changed while Redis was away, others may be told `RETURN` seconds after it is back:
  then the process that could not tell it has tried again.
"""

from dataclasses import dataclass
from typing import Any

from examples.places.demo.traffic import Ask
from examples.places.demo.watch import claimed

BOUND = 1.0
RETURN = 1.5


@dataclass
class Update:
    """What is known of one; times are those of a monotonic clock."""

    version: int
    process: int
    acknowledged: float
    due: float

    def is_owed(self, process: int, asked: float) -> bool:
        """Whether an answer of `process` to a question asked then must know of it."""
        return asked >= (self.acknowledged if process == self.process else self.due)


class Watch:
    """Keeps what was acknowledged, and judges answers by it."""

    def __init__(self) -> None:
        self._updates: dict[str, list[Update]] = {}
        self._gone: float | None = None
        self.checked = 0

    def gone(self, now: float) -> None:
        """Redis is about to be away, if it is not already."""
        self._gone = now if self._gone is None else self._gone

    def back(self, now: float) -> None:
        """It answers again."""
        for update in self._since(now if self._gone is None else self._gone):
            update.due = max(update.due, now + RETURN)
        self._gone = None

    def answered(self, ask: Ask, answer: Any, process: int, asked: float, now: float) -> str | None:
        """Judge the answer to a read: what is wrong with it. An update counts from `now` on."""
        complaints: list[str] = []
        for subject, version in claimed(ask, answer):
            if ask.method != "GET":
                update = Update(version, process, now, now + BOUND)
                self._updates.setdefault(subject, []).append(update)
            elif version < (owed := self._owed(subject, process, asked)):
                complaints.append(f"update {owed} of {subject}, it is of {version}")
        self.checked += ask.method == "GET"
        return f"an answer did not know of {', '.join(complaints)}" if complaints else None

    def _owed(self, subject: str, process: int, asked: float) -> int:
        """The newest version that an answer must know of."""
        updates = self._updates.get(subject, ())
        return max((u.version for u in updates if u.is_owed(process, asked)), default=0)

    def _since(self, moment: float) -> list[Update]:
        return [u for known in self._updates.values() for u in known if u.acknowledged >= moment]
