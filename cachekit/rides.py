"""Sharing a load, waiting for one, or leading one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from random import uniform
from typing import Any, Final

from cachekit.backend import Write
from cachekit.call import Call, Patience, Seen
from cachekit.clock import Clock
from cachekit.context import inside
from cachekit.entry import Entry, Kind
from cachekit.errors import ForeignError
from cachekit.flight import Flight, Table
from cachekit.jobs import Job, One
from cachekit.keys import claim_of
from cachekit.lease import Lead, Leases
from cachekit.loader import Loader
from cachekit.missing import MISSING
from cachekit.outcomes import AGAIN, Absent, Failed, Loaded, Private, Stage, Taken
from cachekit.policy import LEASE
from cachekit.refreshes import Refreshes
from cachekit.runtime import ON_LOOP
from cachekit.shared import Shared, Watches
from cachekit.stats import Counters
from cachekit.store import Store

_SHORTEST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 0.25
_EARLY: Final = 1e-6


@dataclass(slots=True, eq=False)
class Ride:
    """One caller and what it waits for: a flight of `table` or, without one, a stub.

    `old` is what it may have should the load fail; `stage` is how far the flight was when it came.
    """

    call: Call
    seen: Seen
    patience: Patience
    table: Table
    flight: Flight | None
    leading: bool = False
    old: Entry | None = None
    stage: Stage = Stage.BOARDING
    since: float = 0.0


class Rides:
    """The loads under way of one cache, and who waits for them."""

    def __init__(
        self, store: Store, leases: Leases, loader: Loader, clock: Clock, counters: Counters
    ) -> None:
        self._now = clock.monotonic
        self._store = store
        self._leases = leases
        self._loader = loader
        self._count = counters
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """Forget what is under way (R12)."""
        self.flights = Table(self._now, self._leases.give_up)
        self.unstored = Table(self._now, self._leases.give_up)
        self.watches = Watches()
        self.refreshes = Refreshes(self.flights, self._loader, self._now)

    def patience(self, call: Call) -> Patience:
        """R9: how long this caller may wait for others; inside a load for one lease.

        Raises `RecursionError` if it is inside the load of this very key.
        """
        around = inside()
        if around and any(
            flight.key == call.key and flight.owner is call.owner for flight in around
        ):
            raise RecursionError(f"{call.key} is needed by its own load")
        if not call.ways.waits:
            return Patience(until=self._now())
        return Patience(until=self._now() + LEASE if around else inf)

    async def obtain(self, call: Call, seen: Seen, patience: Patience) -> Any:
        """The value of a load, this caller's or another's; `AGAIN` to look again."""
        if seen.answered:
            return await self._obtain_stored(call, seen, patience)
        flight, leading = self.unstored.join_or_lead(call, None, self._longest(call))
        if leading:  # in an outage each call does: should its caller go, the others load
            await self._loader.fly_alone(self.unstored, Lead(call, seen, flight), patience.until)
            if isinstance(flight.came, Loaded):
                return self._own(flight.came, call)
        ride = self._aboard(Ride(call, seen, patience, self.unstored, flight, leading))
        return await self.follow(ride)

    async def _obtain_stored(self, call: Call, seen: Seen, patience: Patience) -> Any:
        value = self.rested(call, seen, patience)
        if value is not AGAIN:
            return value
        ride = self.board(call, seen, patience)
        if ride.leading:
            await self.lead([ride], One(call.load, call.refresh))
        return await self.follow(ride)

    def rested(self, call: Call, seen: Seen, patience: Patience) -> Any:
        """R5: the old value if loading it anew has only just failed, else `AGAIN`."""
        old = self._usable(seen)
        if old is None or not self.refreshes.has_failed(call.key, old):
            return AGAIN
        return self._have_old(Ride(call, seen, patience, self.flights, None, old=old))

    def board(self, call: Call, seen: Seen, patience: Patience) -> Ride:
        """Find what this caller has to wait for; if it is to lead, it has to begin, too."""
        if not seen.answered or patience.gives_up():
            return self._board_unstored(call, seen, patience)
        entry, old = seen.entry if seen.valid else None, self._usable(seen)
        if entry is not None and entry.kind is Kind.STUB:
            flight = self.flights.join(call, entry.version)
            return self._aboard(Ride(call, seen, patience, self.flights, flight))
        flight, leading = self.flights.join_or_lead(
            call,
            None if entry is None else entry.version,
            self._longest(call),
            finishes=old is not None and call.refresh is call.load,
        )
        return self._aboard(Ride(call, seen, patience, self.flights, flight, leading, old))

    def _board_unstored(self, call: Call, seen: Seen, patience: Patience) -> Ride:
        """Without an answer one load runs per key; who comes meanwhile shares the next one."""
        flight, leading = self.unstored.join_or_lead(call, None, self._longest(call))
        old = self._usable(seen)
        return self._aboard(Ride(call, seen, patience, self.unstored, flight, leading, old))

    def _aboard(self, ride: Ride) -> Ride:
        ride.since = self._now()
        if ride.flight is not None and not ride.leading:
            ride.stage = ride.flight.stage
        return ride

    def _usable(self, seen: Seen) -> Entry | None:
        """R5: the value that may be had should its refresh fail."""
        old = None if seen.refused else seen.value
        return old if old is not None and old.serves_failures(self._now()) else None

    async def lead(self, rides: Sequence[Ride], job: Job) -> None:
        """Begin the load that these callers, of one table, lead."""
        leads = [Lead(r.call, r.seen, r.flight) for r in rides if r.flight is not None]
        if len(leads) > 1:
            party = {lead.flight for lead in leads}
            for lead in leads:
                lead.flight.party = party
        first = rides[0]
        if first.table is self.unstored:
            until = min([ride.patience.until for ride in rides])
            work = self._loader.fly_unstored(self.unstored, leads, job, until)
        else:
            work = self._loader.fly(self.flights, leads, job)
        if first.old is not None and all(self._limit(ride) < inf for ride in rides):
            self._loader.start_behind(first.table, leads, work)  # who blocks has to go on, too
        elif first.table is self.unstored:
            await work  # in an outage each call has one: should its caller go, the others load
        else:
            task = await first.call.ways.lead(work)
            self._loader.entrust(first.table, leads, task)

    async def follow(self, ride: Ride) -> Any:
        """Wait for a flight; it goes on without this caller as long as others wait."""
        flight, call = ride.flight, ride.call
        if flight is None:
            assert ride.seen.entry is not None
            return await self._outwait(ride, call.key, ride.seen.entry.version)
        self._count.shared += not ride.leading
        if inside():
            self._loader.hurry(flight)
        try:
            if not flight.done:
                await self._until_done(flight, call, self._limit(ride))
        finally:
            ride.table.leave(flight, leader=ride.leading)
        if flight.done:
            return await self._arrive(ride, flight)
        if ride.leading or self._left(ride.patience.until):  # it was the soft timeout
            return self._have_old(ride)
        return await self._alone(ride)  # R9: nobody waits in a circle

    def get_off(self, ride: Ride) -> None:
        """Not wait for it after all."""
        if ride.flight is not None:
            ride.table.leave(ride.flight, leader=ride.leading)

    def _limit(self, ride: Ride) -> float:
        """How long to wait; who leads a load that ends with its caller waits for its end."""
        soft, flight = ride.call.policy.soft_timeout, ride.flight
        stays = ride.leading and flight is not None and not flight.finishes
        until = inf if ride.leading else ride.patience.until
        if soft is None or ride.old is None or stays:
            return until
        return min(until, ride.since + soft)

    async def _arrive(self, ride: Ride, flight: Flight) -> Any:
        match (ride.leading and flight.came) or flight.outcome:
            case Loaded() as loaded:
                return await self._opened(loaded, ride)
            case Failed() as failed:
                if ride.old is not None:
                    self.refreshes.rest(ride.call.key, ride.old, failed)
                old = self._have_old(ride)
                if old is AGAIN:
                    raise failed.again()
                return old
            case Private(value, None, old_goes):
                ride.old = None if old_goes else ride.old
                return value if ride.leading else await self._alone(ride)
            case Private(_, error) if ride.leading and error is not None:
                raise error
            case Absent():
                return MISSING if ride.call.partial else AGAIN
            case Taken(claim):
                return await self._taken(ride, claim)
            case _:
                return AGAIN

    async def _opened(self, loaded: Loaded, ride: Ride) -> Any:
        if ride.stage > loaded.until:  # R7: it came too late for this load
            return AGAIN
        if ride.leading:
            return self._own(loaded, ride.call)
        try:
            return loaded.codec.open(ride.call.key, loaded.entry)
        except Exception:  # the serializer cannot read what it wrote
            self._count.unreadable += 1
        return await self._alone(ride)

    def _own(self, loaded: Loaded, call: Call) -> Any:
        """For the leader, who has the value itself if the serializer cannot read what it wrote."""
        try:
            return loaded.codec.open(call.key, loaded.entry)
        except Exception:
            self._count.unreadable += 1
        return loaded.value

    async def _taken(self, ride: Ride, claim: Entry) -> Any:
        """R5: wait for who has the claim; after a failure of theirs there is nothing to try."""
        old = ride.old
        if old is not None and old.serves_stale(self._now()):  # then nobody waits
            self.refreshes.rest(ride.call.key, old, Taken(claim))
            return self._have_old(ride)
        if claim.kind is Kind.STUB:
            return await self._outwait(ride, claim_of(ride.call.key), claim.version)
        if old is None:
            return AGAIN
        self.refreshes.rest(ride.call.key, old, Taken(claim))
        return self._have_old(ride)

    def _have_old(self, ride: Ride) -> Any:
        """The old value, unless by now its time is over or it is known that it was invalidated."""
        old = ride.old
        if old is None or not old.holds() or not old.serves_failures(self._now()):
            return AGAIN
        try:
            value = ride.call.policy.codec.open(ride.call.key, old)
        except ForeignError:
            return AGAIN
        except Exception:  # whatever a serializer raises for bytes it cannot read
            self._count.unreadable += 1
            self._store.later([Write(ride.call.key, None, old.version)])
            return AGAIN
        self._count.stale += 1
        return value

    async def _alone(self, ride: Ride) -> Any:
        call = ride.call
        try:
            return (await self._loader.alone([call], One(call.load, None)))[0]
        except Exception:
            value = self._have_old(ride)
            if value is AGAIN:
                raise
            return value

    async def _until_done(self, shared: Shared, call: Call, until: float) -> None:
        """Until the load has ended, its time is up, or this caller may not wait any longer."""
        span = self._loader.longest(call)  # the deadline moves when the load begins: look again
        while not shared.done:
            left = self._left(min(shared.deadline, until))
            if not left:
                break
            await call.ways.wait(shared.future, min(left, span))
        if not self._left(shared.deadline):
            shared.settle(Failed(TimeoutError(f"the load of {shared.key} took too long")))

    async def _outwait(self, ride: Ride, key: str, version: int) -> Any:
        """Wait until the stub or claim of another process is gone, with one poll per key."""
        call, patience = ride.call, ride.patience
        if not patience.waits_for(version, self._now()):
            return await self._go_unstored(ride)
        if not self._left(patience.until):
            return await self._alone(ride)
        self._count.waits += 1
        limit = self._limit(replace(ride, leading=False))
        watch, mine = self.watches.join(key, self._longest(call))
        try:
            if mine:
                until = inf if call.ways is ON_LOOP else limit  # who blocks polls itself
                watch.task = await call.ways.lead(self._poll(watch, call, version, until))
            await self._until_done(watch, call, limit)
        finally:
            self.watches.leave(watch)
        if self._left(limit) or not self._left(patience.until):
            return AGAIN
        return self._have_old(ride)  # the poll may have ended at that moment, too

    async def _go_unstored(self, ride: Ride) -> Any:
        new = self._board_unstored(ride.call, ride.seen, ride.patience)
        if new.leading:
            await self.lead([new], One(ride.call.load, None))
        return await self.follow(new)

    async def _poll(self, watch: Shared, call: Call, version: int, until: float) -> None:
        pause = _SHORTEST_PAUSE
        try:
            while self._left(min(watch.deadline, until)):
                await call.ways.pause(uniform(pause / 2, pause))
                entry = (await self._store.read((watch.key,), call.ways)).get(watch.key)
                if not isinstance(entry, Entry) or entry.version != version:
                    return
                pause = min(_LONGEST_PAUSE, pause * 1.5)
        finally:
            self.watches.end(watch)

    def _left(self, until: float) -> float:
        """Seconds until then. Timers may fire a little early: then it is then."""
        left = until - self._now()
        return left if left > _EARLY else 0.0

    def _longest(self, call: Call) -> float:
        """Before a load begins: time to wait for another, and for the backend."""
        return self._now() + 2 * self._loader.longest(call)
