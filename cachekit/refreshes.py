"""Loading a value anew that is still there, for nobody who waits (R5)."""

import threading
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from cachekit.call import Call, Seen
from cachekit.entry import Entry, Kind
from cachekit.flight import Table
from cachekit.jobs import Job
from cachekit.lease import Lead
from cachekit.loader import Loader
from cachekit.outcomes import Again, Loaded, Outcome, Taken
from cachekit.policy import PASS

REMEMBERED: Final = 10_000
"""So many attempts; one that is forgotten is made once more."""

ELSEWHERE: Final = 0.25
"""Seconds until it is looked at again whether another process has refreshed a value."""


class Attempt(NamedTuple):
    """What became of the last one, of the entry of that version: nothing more until then."""

    version: int
    until: float
    failed: bool


class Refreshes:
    """The refreshes of one process: one attempt at a time per key, and a rest after each."""

    def __init__(self, flights: Table, loader: Loader, now: Callable[[], float]) -> None:
        self._lock = threading.RLock()
        self._flights = flights
        self._loader = loader
        self._now = now
        self._attempts: dict[str, Attempt] = {}

    def begin(self, asked: Iterable[tuple[Call, Seen]], job: Job) -> None:
        """Load anew what was seen, with one load, unless that is being done or has just failed."""
        leads = [lead for call, seen in asked for lead in self._leads(call, seen)]
        if leads:
            flying = self._loader.fly_behind(self._flights, leads, job)
            self._loader.start_behind(self._flights, leads, flying)
        for lead in leads:
            self._flights.leave(lead.flight, leader=False)

    def _leads(self, call: Call, seen: Seen) -> list[Lead]:
        old = seen.value
        if old is None or self.is_under_way(call, old):
            return []
        deadline = self._now() + 2 * self._loader.longest(call)
        flight, leading = self._flights.join_or_lead(call, old.version, deadline, finishes=True)
        if not leading:  # another thread was faster
            self._flights.leave(flight, leader=False)
            return []
        flight.behind = True
        flight.future.add_done_callback(
            lambda done: self.rest(call.key, old, done.result(), in_vain=flight.in_vain)
        )
        return [Lead(call, seen, flight)]

    def is_under_way(self, call: Call, old: Entry) -> bool:
        """Whether this process refreshes `old`, or has only just tried."""
        return self._last(call.key, old) is not None or self._flights.has(call, old.version)

    def has_failed(self, key: str, old: Entry) -> bool:
        """Whether an attempt has only just failed, here or elsewhere."""
        last = self._last(key, old)
        return last is not None and last.failed

    def rest(self, key: str, old: Entry, outcome: Outcome, *, in_vain: bool = False) -> None:
        """Leave it alone for a while; what the attempt may have stored has another version.

        After a load that was `in_vain` as long as others do: the store may lose what it told them.
        """
        taken = isinstance(outcome, Taken) and outcome.claim.kind is Kind.STUB
        again = isinstance(outcome, Again) and not in_vain  # another claim was faster, say
        elsewhere = taken or again
        failed = not (elsewhere or isinstance(outcome, Loaded))
        until = self._now() + (ELSEWHERE if elsewhere else PASS)
        with self._lock:
            self._attempts.pop(key, None)
            self._attempts[key] = Attempt(old.version, until, failed)
            if len(self._attempts) > REMEMBERED:
                del self._attempts[next(iter(self._attempts))]

    def _last(self, key: str, old: Entry) -> Attempt | None:
        last = self._attempts.get(key)
        if last is None or last.version != old.version or self._now() >= last.until:
            return None
        return last
