"""The read path: peek -> read -> serve, share, wait or lead."""

from collections.abc import Mapping, Sequence
from math import inf
from random import uniform
from typing import Any, Final

from cachekit.backend import Unreached, Write
from cachekit.call import Call, Patience, Seen
from cachekit.clock import Clock
from cachekit.deferred import SCOPES, Scope, Scopes
from cachekit.entry import Entry, Kind
from cachekit.flight import (
    Again,
    Failed,
    Flight,
    Loaded,
    Private,
    Shared,
    Table,
    Watches,
    inside,
)
from cachekit.loader import Loader
from cachekit.missing import MISSING
from cachekit.policy import LEASE
from cachekit.stats import Counters, Info
from cachekit.store import Store

_AGAIN: Final = Again()
_SHORTEST_PAUSE: Final = 0.025
_LONGEST_PAUSE: Final = 0.25
_EARLY: Final = 1e-6


class Reader:
    """Answers calls from the store, from a load under way, or by leading one."""

    def __init__(
        self, store: Store, loader: Loader, scopes: Scopes, clock: Clock, counters: Counters
    ) -> None:
        self.begin_afresh()
        self._now = clock.monotonic
        self._store = store
        self._loader = loader
        self._scopes = scopes
        self._count = counters

    def begin_afresh(self) -> None:
        """Forget what is under way (R12)."""
        self.flights = Table()
        self.unstored = Table()
        self.watches = Watches()

    def hit(self, key: str, vouch: object, info: Info) -> Any:
        """A warm hit of a decorated function, or `MISSING`: no lock, no task, no loop."""
        entry = self._store.peek(key)
        if entry is None or entry.vouched is not vouch or not entry.serves(self._now()):
            return MISSING
        if SCOPES.get() and self._scopes.open():
            return MISSING
        info.hits += 1
        thaw = entry.thaw
        return entry.kept if thaw is None else thaw(entry.kept)

    async def get_or_load(self, call: Call) -> Any:
        """The value, from wherever it may come; raises only what the loader raised."""
        self._refuse_circle(call)
        scope = self._scopes.open()
        if scope is not None:
            return await self._read_past(call, scope)
        value = self._glance(call)
        if value is not MISSING:
            return value
        patience = Patience(until=self._wait_limit(call))
        while True:
            seen = await self.look(call)
            value = self.serve(call, seen)
            if value is not MISSING:
                return value
            call.info.misses += patience.tries == 0
            value = await self._obtain(call, seen, patience)
            if value is not _AGAIN:
                return value

    async def get(self, call: Call) -> Any:
        """The value if there is one that serves, else `MISSING`; at once."""
        value = MISSING if self._scopes.open() else self._glance(call)
        return (await self.get_all([call]))[0] if value is MISSING else value

    async def get_all(self, calls: Sequence[Call]) -> list[Any]:
        """Like `get` for each, in one read."""
        seen = await self.look_all(calls)
        return [self._got(call, saw) for call, saw in zip(calls, seen, strict=True)]

    def _got(self, call: Call, seen: Seen) -> Any:
        scope = self._scopes.open()
        hidden = scope is not None and scope.hides(call.key, seen.entry)
        value = MISSING if hidden else self.serve(call, seen)
        call.info.misses += value is MISSING
        return value

    def _glance(self, call: Call) -> Any:
        """The value, if a look without I/O finds one that serves."""
        entry = self._store.peek(call.key)
        if entry is None:
            return MISSING
        return self.serve(call, Seen(entry, valid=entry.holds() and call.takes(entry)))

    async def look(self, call: Call) -> Seen:
        """Read the key and its tags; an entry is valid if all of its hold and cover the call's."""
        return (await self.look_all([call]))[0]

    async def look_all(self, calls: Sequence[Call]) -> list[Seen]:
        """Like `look`, in one read; a second one for the tags that only the entries know."""
        ways = calls[0].ways
        asked = dict.fromkeys(key for call in calls for key in (call.key, *call.tags))
        found = dict(await self._store.read(list(asked), ways))
        entries = [e for call in calls if isinstance(e := found.get(call.key), Entry)]
        more = dict.fromkeys(tag for e in entries for tag in e.tags if tag not in asked)
        if more:
            found.update(await self._store.read(list(more), ways))
        return [_seen(call, found) for call in calls]

    def serves(self, seen: Seen) -> bool:
        """Whether what was seen is a value that may be served."""
        return seen.entry is not None and seen.valid and seen.entry.serves(self._now())

    def serve(self, call: Call, seen: Seen) -> Any:
        """The value seen, or `MISSING` if it may not be served."""
        entry = seen.entry
        if entry is None or not self.serves(seen):
            return MISSING
        try:
            value = entry.open(call.policy.serializer)
        except Exception:  # whatever a serializer raises for bytes it cannot read
            self._count.unreadable += 1
            self._store.later([Write(call.key, None, entry.version)])
            return MISSING
        call.info.hits += 1
        if call.vouch is not None:
            entry.vouched = call.vouch
        return value

    async def _obtain(self, call: Call, seen: Seen, patience: Patience) -> Any:
        """Share a load, wait for one, or lead one; `_AGAIN` to look again."""
        if patience.gives_up() or not seen.answered:
            return await self._obtain_unstored(call, patience)
        entry = seen.entry if seen.valid else None
        if entry is not None and entry.kind is Kind.STUB:
            flight = self.flights.join(call, entry.version)
            if flight is None:
                return await self._outwait(call, entry.version, patience)
            return await self._ride(self.flights, flight, call, patience)
        anchor = entry.version if entry is not None and entry.kind is Kind.PASS else None
        flight, leading = self.flights.join_or_lead(call, anchor, self._longest(call))
        if leading:
            flight.task = await call.ways.lead(self._loader.fly(self.flights, flight, call, seen))
        return await self._ride(self.flights, flight, call, patience, leading=leading)

    async def _obtain_unstored(self, call: Call, patience: Patience) -> Any:
        """Without an answer one load runs per key; who comes meanwhile shares the next one."""
        flight, leading = self.unstored.join_or_lead(call, None, self._longest(call))
        if leading:
            work = self._loader.fly_unstored(self.unstored, flight, call, patience.until)
            flight.task = await call.ways.lead(work)
        return await self._ride(self.unstored, flight, call, patience, leading=leading)

    async def _ride(
        self, table: Table, flight: Flight, call: Call, patience: Patience, *, leading: bool = False
    ) -> Any:
        """Wait for a flight; it goes on without this caller as long as others wait."""
        self._count.shared += not leading
        try:
            await self._until_done(flight, call, inf if leading else patience.until)
        finally:
            table.leave(flight, leader=leading)
        if not flight.done:  # R9: nobody waits in a circle
            return await self._loader.alone(call)
        return await self._arrive(flight, call, leading=leading)

    async def _arrive(self, flight: Flight, call: Call, *, leading: bool) -> Any:
        match (leading and flight.came) or flight.future.result():
            case Loaded() as loaded:
                return await self._opened(loaded, call, leading=leading)
            case Failed() as failed:
                raise failed.again()
            case Private(value, None):
                return value if leading else await self._loader.alone(call)
            case Private(_, error) if leading and error is not None:
                raise error
            case _:
                return _AGAIN

    async def _opened(self, loaded: Loaded, call: Call, *, leading: bool) -> Any:
        try:
            return loaded.entry.open(loaded.serializer)
        except Exception:  # the serializer cannot read what it wrote
            self._count.unreadable += 1
        return loaded.value if leading else await self._loader.alone(call)

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

    async def _outwait(self, call: Call, version: int, patience: Patience) -> Any:
        """Wait until the stub of another process is gone, with one poll per key."""
        now = self._now()
        if not patience.waits_for(version, now):
            return await self._obtain_unstored(call, patience)
        if not self._left(patience.until):
            return await self._loader.alone(call)
        self._count.waits += 1
        watch, mine = self.watches.join(call.key, self._longest(call))
        try:
            if mine:
                watch.task = await call.ways.lead(self._poll(watch, call, version, patience.until))
            await self._until_done(watch, call, patience.until)
        finally:
            self.watches.leave(watch)
        return _AGAIN

    async def _poll(self, watch: Shared, call: Call, version: int, until: float) -> None:
        pause = _SHORTEST_PAUSE
        try:
            while self._left(min(watch.deadline, until)):
                await call.ways.pause(uniform(pause / 2, pause))
                entry = (await self._store.read((call.key,), call.ways)).get(call.key)
                if not isinstance(entry, Entry) or entry.version != version:
                    return
                pause = min(_LONGEST_PAUSE, pause * 1.5)
        finally:
            self.watches.end(watch)

    async def _read_past(self, call: Call, scope: Scope) -> Any:
        """R11: what is pending is not read, and nothing loaded is stored or shared."""
        seen = await self.look(call)
        if not scope.hides(call.key, seen.entry):
            value = self.serve(call, seen)
            if value is not MISSING:
                return value
        call.info.misses += 1
        return await self._loader.alone(call)

    def _refuse_circle(self, call: Call) -> None:
        for flight in inside():
            if flight.key == call.key and flight.owner is call.owner:
                raise RecursionError(f"{call.key} is needed by its own load")

    def _wait_limit(self, call: Call) -> float:
        """R9: until when this caller may wait for others; inside a load for one lease."""
        if not call.ways.waits:
            return self._now()
        return self._now() + LEASE if inside() else inf

    def _left(self, until: float) -> float:
        """Seconds until then. Timers may fire a little early: then it is then."""
        left = until - self._now()
        return left if left > _EARLY else 0.0

    def _longest(self, call: Call) -> float:
        """Before a load begins: time to wait for another, and for the backend."""
        return self._now() + 2 * self._loader.longest(call)


def _seen(call: Call, found: Mapping[str, Entry | Unreached]) -> Seen:
    entry = found.get(call.key)
    tags = dict.fromkeys((*call.tags, *entry.tags)) if isinstance(entry, Entry) else call.tags
    answers = {tag: found[tag] for tag in tags if tag in found}
    records = {tag: record for tag, record in answers.items() if isinstance(record, Entry)}
    if isinstance(entry, Unreached) or len(records) < len(answers):
        return Seen(answered=False)
    versions = {tag: record.version for tag, record in records.items()}
    if entry is None:
        return Seen(None, versions, records)
    # R6: a backend may hand out an object that an earlier read has linked; this read decides.
    entry.link(records)
    holds = all(versions.get(tag) == version for tag, version in entry.tags.items())
    return Seen(entry, versions, records, valid=holds and call.takes(entry))
