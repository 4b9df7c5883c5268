"""What a flight does: lease, load, fill."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from cachekit.backend import DONE, REFUSED, UNREACHED, Unreached, Write
from cachekit.call import Call, Seen
from cachekit.clock import Clock
from cachekit.context import CURRENT, Load
from cachekit.deferred import SCOPES
from cachekit.entry import Entry, Kind
from cachekit.errors import CacheClosedError, EncodeError
from cachekit.flight import (
    LOADING,
    Absent,
    Again,
    Failed,
    Flight,
    Loaded,
    Outcome,
    Private,
    Stage,
    Table,
    inside,
)
from cachekit.jobs import Job
from cachekit.keys import tag_key, value_head
from cachekit.lease import Lead, Leases
from cachekit.listeners import Listeners
from cachekit.missing import MISSING, IsMissing
from cachekit.policy import LEASE, Policy
from cachekit.runtime import cancelled_from_outside
from cachekit.sightings import Sightings
from cachekit.slots import Slots
from cachekit.stats import Counters
from cachekit.store import Store

log: Final = logging.getLogger("cachekit")


class Made(NamedTuple):
    """What becomes of one loaded value: what its callers get, and what is to be stored."""

    outcome: Outcome
    entry: Entry | None = None
    leaves_pass: bool = False


class Derived(NamedTuple):
    """R7: the records of the tags that came from the result, and for whom the value is.

    `counts`: it may be stored with them. `records` keeps them alive until it is.
    """

    records: Mapping[str, Entry] = {}
    until: Stage = Stage.LANDING
    counts: bool = True


class Loader:
    """Runs the loads of one cache."""

    def __init__(
        self,
        store: Store,
        leases: Leases,
        slots: Slots,
        sightings: Sightings,
        listeners: Listeners,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._store = store
        self._leases = leases
        self._slots = slots
        self._sightings = sightings
        self._listeners = listeners
        self._clock = clock
        self._count = counters
        self._complained: set[str] = set()
        self._failing_behind = False

    async def fly(self, table: Table, leads: Sequence[Lead], job: Job) -> None:
        """A stored load, on what `leads` have seen."""
        try:
            flying = await self._leases.take(leads, leads[0].call.ways)
            for lead in leads:
                if lead not in flying:
                    table.land(lead.flight)
                else:
                    table.begin(lead.flight, lead.flight.hold, self.deadline(lead.call))
            if flying:
                await self._load_and_fill(table, flying, job)
        except CacheClosedError:  # whoever waits looks again, and is told
            pass
        finally:
            _land(table, leads)

    async def fly_behind(self, table: Table, leads: Sequence[Lead], job: Job) -> None:
        """A refresh that nobody waits for."""
        _leave_all_blocks()
        await self.fly(table, leads, job)

    async def fly_unstored(
        self, table: Table, leads: Sequence[Lead], job: Job, until: float
    ) -> None:
        """A load for those who got no answer: one after the other, nothing is stored."""
        try:
            for lead in leads:
                before = lead.flight.before
                if before is not None:
                    left = min(before.deadline, until) - self._now()
                    await lead.call.ways.wait(before.future, max(0.0, left))
            self._count.unstored += 1
            for lead in leads:
                table.begin(lead.flight, None, self.deadline(lead.call))
            await self._load_and_fill(table, leads, job)
        finally:
            _land(table, leads)

    async def alone(self, calls: Sequence[Call], job: Job) -> Sequence[Any]:
        """A load for this caller only, in its own task or thread, neither stored nor shared."""
        self._count.alone += 1
        leads = [Lead(call, Seen(), Flight(call, self.deadline(call))) for call in calls]
        try:
            return await self._load(leads, job, self._context(leads))
        finally:
            for lead in leads:
                lead.flight.settle(Again())

    async def put_new(self, call: Call, seen: Seen, entry: Entry) -> bool:
        """Store `entry` over what `seen` saw: lease and fill without a load."""
        lead = Lead(call, seen, Flight(call, self.deadline(call)))
        await self._leases.take([lead], call.ways)
        if lead.flight.hold is None:
            return False
        entry.carry(lead.flight.hold.tags)
        return await self._put([(lead, Made(Again(), entry))]) == 1

    def _now(self) -> float:
        return self._clock.monotonic()

    def longest(self, call: Call) -> float:
        """Seconds that a load takes at most, with its fill."""
        return call.policy.load_timeout + 4 * self._store.deadline

    def deadline(self, call: Call) -> float:
        """Past this nobody waits any longer, even for a loader that cannot be stopped."""
        return self._now() + self.longest(call)

    async def _load_and_fill(
        self, table: Table, leads: Sequence[Lead], job: Job, *, last: bool = False
    ) -> None:
        started, moment = self._now(), self._sightings.moment
        load = self._context(leads)
        try:
            values = await self._load(leads, job, load)
        except asyncio.CancelledError as error:
            self._give_up(leads)
            if cancelled_from_outside():
                raise
            _end(leads, Private(error=error))
        except Exception as error:
            await self._failed(leads, error)
        except BaseException as error:
            self._give_up(leads)
            _end(leads, Private(error=error))
            if leads[0].flight.leader_left:  # nobody else would hear of it
                raise
        else:
            self._failing_behind &= not leads[0].flight.behind
            derived = await self._derive(leads, load, moment)
            took = self._now() - started
            made = [
                (lead, self._make(lead, value, load, derived, took))
                for lead, value in zip(leads, values, strict=True)
            ]
            behind = None if derived.counts or last else job.behind()
            if behind is None:
                await self._conclude(made)
            else:
                self._once_more(table, made, behind)

    async def _load(self, leads: Sequence[Lead], job: Job, load: Load) -> Sequence[Any]:
        calls, flights = [lead.call for lead in leads], [lead.flight for lead in leads]
        first = calls[0]
        first.info.loads += 1
        timeout, nested = first.policy.load_timeout, bool(inside())
        until = self._now() + timeout
        tokens = LOADING.set((*inside(), *flights)), CURRENT.set(load)
        renewing = any(flight.hold for flight in flights) and self._store.every(
            LEASE / 3, lambda: self._leases.renew(flights)
        )
        try:
            async with self._slots.one(first.ways, timeout, counts=not nested):
                with self._listeners.load(first.name, first.key):
                    left = until - self._now()
                    result = await first.ways.load(lambda: job.start(calls), left)
            return job.values(calls, result)
        finally:
            load.ended = True
            if renewing:
                renewing.stop()
            LOADING.reset(tokens[0])
            CURRENT.reset(tokens[1])

    def _context(self, leads: Sequence[Lead]) -> Load:
        lead = leads[0]
        old = lead.seen.value if len(leads) == 1 else None
        key = lead.call.key.removeprefix(value_head(lead.call.namespace))

        def opened() -> Any:
            try:
                return MISSING if old is None else old.open(lead.call.policy.serializer)
            except Exception:  # whatever a serializer raises for bytes it cannot read
                return MISSING

        return Load(key, opened)

    async def _failed(self, leads: Sequence[Lead], error: Exception) -> None:
        """R3: a load that failed lets the others try at once, unless its leader had left."""
        self._count.load_errors += 1
        failed = Failed(error, error.__traceback__)
        await self._conclude(
            [(lead, Made(failed, leaves_pass=not lead.flight.leader_left)) for lead in leads]
        )
        if leads[0].flight.behind and not self._failing_behind:
            self._failing_behind = True
            log.warning("refreshing %s in the background fails", leads[0].call.key, exc_info=error)

    async def _derive(self, leads: Sequence[Lead], load: Load, moment: int) -> Derived:
        """R7: the tags that came from the result count if they stand as they stood by `moment`.

        If they do not, the value is for those only who had come before the load began.
        """
        tags = _derived_tags(leads, load)
        fills = any(lead.flight.hold and not lead.flight.done for lead in leads)
        if not tags or load.skipped or not fills:
            return Derived()
        for lead in leads:
            lead.flight.stage = Stage.LANDING  # who comes from here on looks again
        ways = leads[0].call.ways
        found = await self._store.read(list(tags), ways)
        self._sightings.note(found)
        records = {tag: record for tag, record in found.items() if isinstance(record, Entry)}
        if not any(isinstance(record, Unreached) for record in found.values()):
            missing = [tag for tag in tags if tag not in found]
            records.update(await self._leases.create(missing, ways))
        versions = {tag: record.version for tag, record in records.items()}
        if len(records) == len(tags) and self._sightings.held_since(moment, versions):
            return Derived(records, Stage.LOADING)
        self._count.unconfirmed_tags += 1
        return Derived({}, Stage.BOARDING, counts=False)

    def _once_more(self, table: Table, made: Sequence[tuple[Lead, "Made"]], job: Job) -> None:
        """R7: by now the tags have been seen, so a second load on the same hold will count."""
        leads = [
            Lead(
                lead.call, lead.seen, table.follow(lead.flight, lead.call, self.deadline(lead.call))
            )
            for lead, result in made
            if lead.flight.hold is not None and isinstance(result.outcome, Loaded)
        ]
        for lead, result in made:
            lead.flight.end(result.outcome)
        if leads:
            self.start_behind(leads, self._second(table, leads, job))

    def start_behind(self, leads: Sequence[Lead], work: Coroutine[Any, Any, None]) -> None:
        """Have `work`, which flies `leads`, done for nobody who waits."""
        party = {lead.flight for lead in leads}
        for lead in leads:
            lead.flight.party = party
            lead.call = replace(lead.call, ways=lead.call.ways.behind)
        task = leads[0].call.ways.start(work)
        for lead in leads:
            lead.flight.task = task

    async def _second(self, table: Table, leads: Sequence[Lead], job: Job) -> None:
        _leave_all_blocks()
        try:
            await self._load_and_fill(table, leads, job, last=True)
        finally:
            _land(table, leads)

    def _make(self, lead: Lead, value: Any, load: Load, derived: Derived, took: float) -> Made:
        """What becomes of one loaded value."""
        call, hold = lead.call, lead.flight.hold
        if value is MISSING:
            return Made(Absent() if call.partial else Private(value))
        try:
            entry = self.entry(call.policy, value, took, load.lifetime)
            stored = _is_worth_storing(call.policy, value, entry, load)
        except EncodeError as error:
            self._complain(call, value, error)
            return Made(Private(value), leaves_pass=True)
        except Exception as error:  # what the user's ttl= or when= raised
            return Made(Failed(error, error.__traceback__), leaves_pass=True)
        versions = {tag: record.version for tag, record in derived.records.items()}
        entry.carry({} if hold is None else hold.tags, versions)
        if call.vouch is not None:
            entry.vouch(call.vouch, call.policy.quiet_until(entry))
        stored = stored and derived.counts
        loaded = Loaded(entry, call.policy.serializer, value, derived.until)
        return Made(loaded, entry if stored else None, leaves_pass=not stored)

    async def _conclude(self, made: Sequence[tuple[Lead, Made]]) -> None:
        """Store what was loaded, then tell those who wait."""
        await self._put(made)
        for lead, result in made:
            flight = lead.flight
            lost = isinstance(result.outcome, Failed) and (flight.leader_left or flight.behind)
            if not lost:  # nobody but who brought the loader gets an error that may be due to it
                flight.end(result.outcome)

    async def _put(self, made: Sequence[tuple[Lead, Made]]) -> int:
        """Fill, or leave a pass, or give up, each on its anchor; how many were filled."""
        writes = [(lead, write) for lead, result in made for write in self._writes(lead, result)]
        if not writes:
            return 0
        outcomes = await self._store.write([write for _, write in writes], made[0][0].call.ways)
        filled = 0
        for (lead, write), outcome in zip(writes, outcomes, strict=True):
            if write.entry is not None and write.entry.kind is Kind.VALUE:
                filled += outcome is DONE
                self._count.refused_fills += outcome is REFUSED
                if outcome is UNREACHED:
                    self._leases.give_up([lead.flight.hold])
        self._count.fills += filled
        return filled

    def _writes(self, lead: Lead, made: Made) -> list[Write]:
        hold = lead.flight.hold
        if hold is None:
            return []
        if not lead.flight.done and made.entry is not None:
            # R2: if nothing has forgotten the anchor meanwhile.
            fill = Write(lead.call.key, made.entry, hold.anchor)
            return [fill, Write(hold.key, None, hold.mark.version)] if hold.is_claim else [fill]
        if not lead.flight.done and made.leaves_pass:
            return [self._leases.passed(hold)]
        self._give_up([lead])  # if it is done, it is past its time: who waited was told so
        return []

    def _give_up(self, leads: Sequence[Lead]) -> None:
        self._leases.give_up([lead.flight.hold for lead in leads])

    def entry(
        self,
        policy: Policy,
        value: Any,
        took: float = 0.0,
        ttl: float | IsMissing | None = MISSING,
    ) -> Entry:
        """A value to store; raises `EncodeError` if it can be neither copied nor encoded.

        The store keeps it one lease longer than it is usable, as the anchor of its refresh.
        """
        entry = Entry(Kind.VALUE)
        entry.load_time = took
        entry.stale_while_revalidate = policy.stale_while_revalidate
        entry.stale_if_error = policy.stale_if_error
        entry.freshen(policy.lifetime(value, ttl), self._clock)
        entry.outlast(LEASE)
        serializer = policy.serializer
        entry.codec, entry.schema = serializer.id, serializer.fingerprint
        entry.revision = policy.version
        if self._store.inline:
            return entry.keeping(value, share=policy.share)
        entry.payload = _encoded(policy, value)
        return entry

    def _complain(self, call: Call, value: Any, error: EncodeError) -> None:
        self._count.not_encoded += 1
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        if kind not in self._complained:
            self._complained.add(kind)
            log.warning("a value for %s was served but not stored: %s", call.key, error)


def _land(table: Table, leads: Sequence[Lead]) -> None:
    for lead in leads:
        table.land(lead.flight)


def _end(leads: Sequence[Lead], outcome: Outcome) -> None:
    for lead in leads:
        lead.flight.end(outcome)


def _leave_all_blocks() -> None:
    """What nobody waits for is in no load and in no `deferred()` block, wherever it began."""
    LOADING.set(())
    SCOPES.set(())


def _derived_tags(leads: Sequence[Lead], load: Load) -> dict[str, None]:
    """The store keys of the tags that the loader named; an old value that stays keeps its own."""
    namespace = leads[0].call.namespace
    tags = dict.fromkeys(tag_key(namespace, name) for name in load.tags)
    old = leads[0].seen.value
    if load.unmodified and old is not None:
        tags.update(dict.fromkeys(tag for tag in old.tags if tag not in old.declared_tags()))
    return tags


def _is_worth_storing(policy: Policy, value: Any, entry: Entry, load: Load) -> bool:
    if load.skipped or (entry.ttl is not None and entry.ttl <= 0):
        return False
    return policy.when is None or policy.when(value)


def _encoded(policy: Policy, value: Any) -> bytes:
    try:
        return policy.serializer.dumps(value)
    except EncodeError:
        raise
    except Exception as error:  # whatever a serializer raises, the value itself is fine
        raise EncodeError(
            f"{policy.serializer.id} cannot carry a {type(value).__qualname__}: {error!r}"
        ) from error
