"""Loads under way, and who waits for them; from any loop, any thread."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from cachekit.call import Call
from cachekit.entry import Entry
from cachekit.outcomes import AGAIN, LOADING, Failed, Outcome, Stage
from cachekit.shared import Shared


class Hold(NamedTuple):
    """What keeps others from loading: `mark`, a stub or a pass, under `key`.

    The fill is conditional on the version `anchor`, and carries `tags` as they were before the
    load. On a refresh the mark is a claim, and the anchor the old value's.
    """

    key: str
    mark: Entry
    anchor: int
    tags: Mapping[str, int]

    @property
    def is_claim(self) -> bool:
        return self.mark.version != self.anchor


class Flight(Shared):
    """One load of one key: lease, load, fill. Those that one loader loads are a `party`.

    Without a `hold` nothing is stored. One that `finishes` is not given up when nobody waits; one
    that is `behind` was begun for nobody who waits; `in_vain`: its load has failed. `turn` is what
    it waits for under a cap on loads, unless it is `urgent`.
    """

    stage = Stage.BOARDING
    hold: Hold | None = None
    behind = in_vain = urgent = leader_left = False
    turn: "Future[bool] | None" = None
    before: "Flight | None" = None
    came: Outcome | None = None
    party: "set[Flight] | None" = None

    def __init__(self, call: Call, deadline: float, *, finishes: bool = False) -> None:
        super().__init__(call.key, deadline)
        self.tags = frozenset(call.tags)
        self.policy = call.policy
        self.finishes = finishes
        self.owner = call.owner

    @property
    def has_lost_its_caller(self) -> bool:
        """Whether who brought the loader is gone."""
        return self.behind or self.leader_left

    @property
    def anchor(self) -> int | None:
        """The version that the fill is conditional on."""
        return None if self.hold is None else self.hold.anchor

    def suits(self, call: Call) -> bool:
        """Whether its value is what `call` asks for, and will carry all tags that it declares."""
        return self.tags.issuperset(call.tags) and call.policy.takes_from(self.policy)

    def stranded(self, now: float) -> Outcome | None:
        """What becomes of who waits if its loop has died under it, or it has hung past its time."""
        if self.is_orphaned:
            return AGAIN
        if now >= self.deadline:
            return Failed(TimeoutError(f"the load of {self.key} took too long"))
        return None

    def abandon(self) -> None:
        if self.party is not None:
            self.party.discard(self)
        if not self.party:
            super().abandon()

    def end(self, outcome: Outcome) -> None:
        """The load has ended so, for its leader even if the others had given it up."""
        self.came = outcome
        self.settle(outcome)


class Table:
    """The flights of one cache: for each key the one that takes on callers until its load begins,
    and the one that loads. The lock is held for a few lines only.
    """

    def __init__(
        self, now: Callable[[], float], give_up: Callable[[Sequence[Hold | None]], None]
    ) -> None:
        self._lock = threading.RLock()
        self._now = now
        self._give_up = give_up
        self._boarding: dict[str, Flight] = {}
        self._flying: dict[str, Flight] = {}
        self._all: set[Flight] = set()
        """Also those that a newer one has overtaken."""
        self._stranded: list[Hold | None] = []

    def __len__(self) -> int:
        return len(self.all())

    def _tidy(self) -> None:
        """Give up what was found stranded: not under the lock, since that is a write."""
        if self._stranded:
            with self._lock:
                holds, self._stranded = self._stranded, []
            self._give_up(holds)

    def join(self, call: Call, anchor: int) -> Flight | None:
        """A flight to share for who has seen a stub, or `None`: then it is another process's."""
        with self._lock:
            flight = self._shared(call, anchor)
            if flight is not None:
                flight.waiters += 1
        self._tidy()
        return flight

    def has(self, call: Call, anchor: int) -> bool:
        """Whether there is a flight to share for who has seen that."""
        with self._lock:
            found = self._shared(call, anchor) is not None
        self._tidy()
        return found

    def join_or_lead(
        self, call: Call, anchor: int | None, deadline: float, *, finishes: bool = False
    ) -> tuple[Flight, bool]:
        """The flight to share, or a new one that the caller leads (then True)."""
        with self._lock:
            flight = self._shared(call, anchor)
            leading = flight is None
            if flight is None:
                flight = self._boarding[call.key] = Flight(call, deadline, finishes=finishes)
                self._all.add(flight)
                flight.before = self._flying.get(call.key)  # the unstored ones queue up
            flight.waiters += 1
        if self._stranded:
            self._tidy()
        return flight, leading

    def follow(self, flight: Flight, call: Call, deadline: float) -> Flight:
        """A second load on the hold of the first, for nobody who waits yet."""
        with self._lock:
            new = Flight(call, deadline, finishes=True)
            new.behind, new.stage = True, LOADING
            new.hold, new.tags = flight.hold, flight.tags
            self._all.add(new)
            if self._flying.get(call.key) is flight:
                self._flying[call.key] = new
            return new

    def _shared(self, call: Call, anchor: int | None) -> Flight | None:
        """R1: one that flies on the anchor just seen, or that has not begun to load."""
        flight = self._flying.get(call.key)
        if flight is None or not self._lives(flight) or anchor is None or flight.anchor != anchor:
            flight = self._boarding.get(call.key)
            if flight is None or not self._lives(flight):
                return None
        return flight if flight.suits(call) else None

    def _lives(self, flight: Flight) -> bool:
        if flight.done:
            return False
        stranded = flight.stranded(self._now())
        if stranded is not None:
            self._drop(flight)
            flight.settle(stranded)
            self._stranded.append(flight.hold)
        return stranded is None

    def begin(self, flight: Flight, hold: Hold | None, deadline: float) -> None:
        """From here on the load is older than the question of whoever comes, and sees no anchor."""
        with self._lock:
            key = flight.key
            if self._boarding.get(key) is flight:
                del self._boarding[key]
            self._flying[key] = flight
            flight.stage = LOADING
            flight.deadline = deadline
            flight.hold = hold
            if hold is not None:
                flight.tags = flight.tags.union(hold.tags)

    def leave(self, flight: Flight, *, leader: bool) -> None:
        """A caller goes. When none is left the load is given up; of several keys, for this one."""
        with self._lock:
            flight.waiters -= 1
            flight.leader_left |= leader
            alone = flight.waiters == 0 and not flight.done and not flight.finishes
            if alone:
                self._drop(flight)
        if alone:
            flight.abandon()
            flight.settle(AGAIN)
        if alone and flight.party:  # R2: else its task does that
            self._give_up([flight.hold])

    def land(self, flight: Flight) -> None:
        """The flight is over; who still waits is told to look again."""
        with self._lock:
            self._drop(flight)
        flight.before = None
        if flight.party is not None:
            flight.party.discard(flight)
        if not flight.done:
            flight.settle(AGAIN)

    def give_up(self) -> list[Flight]:
        """End all flights, even one whose task has not begun or whose thread cannot be stopped."""
        flights = self.all()
        for flight in flights:
            flight.abandon()
            self.land(flight)
        return flights

    def _drop(self, flight: Flight) -> None:
        key = flight.key
        self._all.discard(flight)
        if self._boarding.get(key) is flight:
            del self._boarding[key]
        if self._flying.get(key) is flight:
            del self._flying[key]

    def all(self) -> list[Flight]:
        with self._lock:
            return list(self._all)
