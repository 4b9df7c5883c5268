"""What a flight does: lease, load, fill."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
)
from contextvars import Token
from dataclasses import replace
from typing import Any, Final

from cachekit.call import Call, Seen
from cachekit.clock import Clock
from cachekit.context import CURRENT, Load, inside
from cachekit.deferred import SCOPES
from cachekit.entry import Entry
from cachekit.errors import CacheClosedError
from cachekit.filler import Filler, Made
from cachekit.flight import Flight, Table
from cachekit.jobs import Job
from cachekit.lease import Lead, Leases
from cachekit.listeners import Listeners
from cachekit.missing import MISSING
from cachekit.outcomes import AGAIN, Failed, Loaded, Outcome, Private
from cachekit.policy import LEASE
from cachekit.result_tags import NO_TAGS, ResultTags
from cachekit.runtime import ON_LOOP, Repeating, cancelled_from_outside
from cachekit.slots import AT_ONCE, Slots
from cachekit.stats import Counters
from cachekit.store import Store

log: Final = logging.getLogger("cachekit")


class Loader:
    """Runs the loads of one cache."""

    def __init__(
        self,
        store: Store,
        leases: Leases,
        filler: Filler,
        result_tags: ResultTags,
        slots: Slots,
        listeners: Listeners,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._store = store
        self._leases = leases
        self._filler = filler
        self._result_tags = result_tags
        self._slots = slots
        self._listeners = listeners
        self._now = clock.monotonic
        self._filling: Final = 4 * store.deadline
        self._count = counters
        self._failing_behind = False

    async def fly(self, table: Table, leads: Sequence[Lead], job: Job) -> None:
        """A stored load, on what `leads` have seen."""
        try:
            async with self._turn(leads):
                await self._fly(table, leads, job)
        except TimeoutError as error:  # its turn did not come
            await self._failed(leads, error)
        except CacheClosedError:  # whoever waits looks again, and is told
            pass
        finally:
            _land(table, leads)

    def _turn(self, leads: Sequence[Lead]) -> AbstractAsyncContextManager[None]:
        """A slot: taken before the lease, since others could load while this one waits for it."""
        if self._slots.size is None:
            return AT_ONCE
        first, flights = leads[0].call, [lead.flight for lead in leads]
        timeout, longest = first.policy.load_timeout, self.longest(first)
        return self._slots.one(first.ways, timeout, longest, flights, counts=not inside())

    def _renewing(self, leads: Sequence[Lead]) -> Repeating | None:
        """Keep alive what keeps others from loading, until that is stopped."""
        flights = [lead.flight for lead in leads if lead.flight.hold]
        if not flights:
            return None
        return self._store.every(LEASE / 3, lambda: self._leases.renew(flights))

    async def _fly(self, table: Table, leads: Sequence[Lead], job: Job) -> None:
        taken = await self._leases.take(leads, leads[0].call.ways)
        flying = self._begin(table, leads, taken)
        if flying:
            await self._load_and_fill(table, flying, job)

    def _begin(self, table: Table, leads: Sequence[Lead], flying: Sequence[Lead]) -> list[Lead]:
        """Those whose load begins; the others look again, or have been given up meanwhile."""
        begun = [lead for lead in flying if not lead.flight.done]
        self._give_up([lead for lead in flying if lead.flight.done])
        beginning = set(begun)
        for lead in leads:
            if lead in beginning:
                table.begin(lead.flight, lead.flight.hold, self.deadline(lead.call))
            else:
                table.land(lead.flight)
        return begun

    async def fly_behind(self, table: Table, leads: Sequence[Lead], job: Job) -> None:
        """A refresh that nobody waits for."""
        _leave_all_blocks()
        await self.fly(table, leads, job)

    async def fly_unstored(
        self, table: Table, leads: Sequence[Lead], job: Job, until: float
    ) -> None:
        """A load for those who got no answer: one after the other, nothing is stored."""
        try:
            if leads[0].call.ways is ON_LOOP:
                await asyncio.sleep(0)  # who asks in this tick comes aboard
            for lead in leads:
                await self._outlast(lead.flight.before, lead.call, until)
            async with self._turn(leads):
                self._count.unstored += 1
                for lead in leads:
                    table.begin(lead.flight, None, self.deadline(lead.call))
                await self._load_and_fill(table, leads, job)
        except TimeoutError as error:  # its turn did not come
            await self._failed(leads, error)
        finally:
            _land(table, leads)

    async def fly_alone(self, table: Table, lead: Lead, until: float) -> None:
        """The same for one key of which nothing is known: in an outage every call comes here."""
        call, flight = lead.call, lead.flight
        try:
            if call.ways is ON_LOOP:
                await asyncio.sleep(0)  # who asks in this tick comes aboard
            if flight.before is not None:
                await self._outlast(flight.before, call, until)
            if self._slots.size is None:
                await self._load_alone(table, lead)
            else:
                async with self._turn([lead]):
                    await self._load_alone(table, lead)
        except TimeoutError as error:  # its turn did not come
            await self._failed([lead], error)
        finally:
            table.land(flight)

    async def _load_alone(self, table: Table, lead: Lead) -> None:
        call, flight = lead.call, lead.flight
        self._count.unstored += 1
        table.begin(flight, None, self.deadline(call))
        load = Load(call, _nothing, (*inside(), flight))
        try:
            value = await self._run(call, load, call.load)
            derived = await self._result_tags.derive([lead], load, 0) if load.tags else NO_TAGS
            outcome = self._filler.make(lead, value, load, derived).outcome
        except BaseException as error:
            await self._lost([lead], error)
        else:
            self._count.load_errors += isinstance(outcome, Failed)
            flight.end(outcome)

    async def _outlast(self, before: Flight | None, call: Call, until: float) -> None:
        """R1: who came while that was loading may not share it."""
        if before is not None:
            left = min(before.deadline, until) - self._now()
            await call.ways.wait(before.future, max(0.0, left))

    async def alone(self, calls: Sequence[Call], job: Job) -> Sequence[Any]:
        """A load for this caller only, in its own task or thread, neither stored nor shared."""
        self._count.alone += 1
        leads = [Lead(call, Seen(), Flight(call, self.deadline(call))) for call in calls]
        try:
            async with self._turn(leads):
                return await self._load(leads, job, self._context(leads))
        finally:
            for lead in leads:
                lead.flight.settle(AGAIN)

    async def put_new(self, call: Call, seen: Seen, entry: Entry) -> bool:
        """Store `entry` over what `seen` saw: lease and fill without a load."""
        lead = Lead(call, seen, Flight(call, self.deadline(call)))
        await self._leases.take([lead], call.ways)
        if lead.flight.hold is None:
            return False
        entry.carry(lead.flight.hold.tags)
        return await self._filler.put([(lead, Made(AGAIN, entry, announce=True))]) == 1

    def hurry(self, flight: Flight) -> None:
        """R9: a load waits for this one, which therefore waits for no slot."""
        flight.urgent = True
        if flight.turn is not None:
            self._slots.let_pass(flight.turn)

    def longest(self, call: Call) -> float:
        """Seconds that a load takes at most, with its fill."""
        return call.policy.load_timeout + self._filling

    def deadline(self, call: Call) -> float:
        """Past this nobody waits any longer, even for a loader that cannot be stopped."""
        return self._now() + call.policy.load_timeout + self._filling

    async def _load_and_fill(
        self, table: Table, leads: Sequence[Lead], job: Job, *, last: bool = False
    ) -> None:
        load, moment = self._context(leads), self._result_tags.moment
        try:
            values = await self._load(leads, job, load)
            derived = await self._result_tags.derive(leads, load, moment)
            made = [
                (lead, self._filler.make(lead, value, load, derived))
                for lead, value in zip(leads, values, strict=True)
            ]
        except BaseException as error:
            await self._lost(leads, error)
        else:
            # Tags that do not count yet are loaded again.
            again = None if derived.counts or last else job.behind()
            self._note_failures(made)
            left = made if again is None else self._without_second(table, made, again)
            try:
                await self._filler.conclude(left)
            except BaseException:
                self._give_up([lead for lead, _ in left])
                raise

    async def _lost(self, leads: Sequence[Lead], error: BaseException) -> None:
        """The load was ended by `error`, which is raised if nobody else would hear of it."""
        if isinstance(error, Exception):
            await self._failed(leads, error)
            return
        self._give_up(leads)
        is_cancelled = isinstance(error, asyncio.CancelledError)
        if is_cancelled and cancelled_from_outside():
            raise error
        _end(leads, Private(error=error))
        if not is_cancelled and leads[0].flight.leader_left:
            raise error

    async def _load(self, leads: Sequence[Lead], job: Job, load: Load) -> Sequence[Any]:
        renewing = self._renewing(leads)
        try:
            result = await self._run(leads[0].call, load, lambda: job.start(leads))
        finally:
            if renewing is not None:
                renewing.stop()
        return job.values(leads, result)

    async def _run(self, call: Call, load: Load, start: Callable[[], Any]) -> Any:
        """What a loader returns, called within `load`."""
        call.info.loads += 1
        token = CURRENT.set(load)
        try:
            began = self._now()
            loading = call.ways.load(start, call.policy.load_timeout)
            heard = self._listeners.hear_loads
            result = await (self._heard(call, loading) if heard else loading)
            load.took = self._now() - began
            return result
        finally:
            load.ended = True
            _reset(token)

    async def _heard(self, call: Call, loading: Coroutine[Any, Any, Any]) -> Any:
        with self._listeners.load(call.name, call.key):
            return await loading

    def _context(self, leads: Sequence[Lead]) -> Load:
        call, seen = leads[0].call, leads[0].seen

        def opened() -> Any:
            old = seen.value if len(leads) == 1 else None
            try:
                return MISSING if old is None else call.policy.codec.open(call.key, old)
            except Exception:  # whatever a serializer raises for bytes it cannot read
                return MISSING

        return Load(call, opened, (*inside(), *[lead.flight for lead in leads]))

    async def _failed(self, leads: Sequence[Lead], error: Exception) -> None:
        """R3: a load that failed lets the others try at once, unless its leader had left."""
        failed = Failed(error, error.__traceback__)
        made = [(lead, Made(failed, leaves_pass=_is_its_own(lead.flight))) for lead in leads]
        self._note_failures(made)
        await self._filler.conclude(made)

    def _note_failures(self, made: Sequence[tuple[Lead, Made]]) -> None:
        """Count them, and log when what runs behind the callers' backs begins to fail."""
        failures = [(lead, r.outcome) for lead, r in made if isinstance(r.outcome, Failed)]
        self._count.load_errors += bool(failures)
        behind = made[0][0].flight.behind
        if failures and behind and not self._failing_behind:
            key, error = failures[0][0].call.key, failures[0][1].error
            log.warning("refreshing %s in the background fails", key, exc_info=error)
        if behind:
            self._failing_behind = bool(failures)

    def _without_second(
        self, table: Table, made: Sequence[tuple[Lead, Made]], job: Job
    ) -> Sequence[tuple[Lead, Made]]:
        """R7: by now the tags have been seen, so a second load on the same hold will count."""
        first: list[tuple[Lead, Made]] = []
        left: list[tuple[Lead, Made]] = []
        for each in made:
            (first if _may_be_loaded_again(*each) else left).append(each)
        second = [
            Lead(
                lead.call, lead.seen, table.follow(lead.flight, lead.call, self.deadline(lead.call))
            )
            for lead, _ in first
        ]
        for lead, result in first:
            lead.flight.end(result.outcome)
        if second:
            self.start_behind(table, second, self._second(table, second, job))
        return left

    def start_behind(
        self, table: Table, leads: Sequence[Lead], work: Coroutine[Any, Any, None]
    ) -> None:
        """Have `work`, which flies `leads`, done for nobody who waits."""
        party = {lead.flight for lead in leads}
        for lead in leads:
            lead.flight.party = party
            lead.call = replace(lead.call, ways=lead.call.ways.behind)
        self.entrust(table, leads, leads[0].call.ways.start(work))

    def entrust(
        self, table: Table, leads: Sequence[Lead], task: "asyncio.Task[None] | None"
    ) -> None:
        """These flights are up to `task`; one that is cancelled before it has begun lands none."""
        if task is None:
            return
        for lead in leads:
            lead.flight.task = task

        def ended(task: asyncio.Task[None]) -> None:
            if task.cancelled():
                self._give_up([lead for lead in leads if not lead.flight.done])
                _land(table, leads)

        task.add_done_callback(ended)

    def _give_up(self, leads: Sequence[Lead]) -> None:
        self._leases.give_up([lead.flight.hold for lead in leads])

    async def _second(self, table: Table, leads: Sequence[Lead], job: Job) -> None:
        _leave_all_blocks()
        try:
            async with AsyncExitStack() as stack:
                renewing = self._renewing(leads)
                try:
                    await stack.enter_async_context(self._turn(leads))
                finally:
                    if renewing is not None:
                        renewing.stop()
                if not self._store.closed:  # who closes it may have missed flights so new
                    await self._load_and_fill(table, leads, job, last=True)
        except (CacheClosedError, TimeoutError):  # nobody waits who has to be told
            self._give_up(leads)
        finally:
            _land(table, leads)


def _nothing() -> Any:
    """The old value of what did not answer."""
    return MISSING


def _reset(current: Token[Load | None]) -> None:
    try:  # noqa: SIM105  every load passes here
        CURRENT.reset(current)
    except ValueError:  # its loop was closed, and who collects it is elsewhere
        pass


def _land(table: Table, leads: Sequence[Lead]) -> None:
    for lead in leads:
        table.land(lead.flight)


def _may_be_loaded_again(lead: Lead, made: Made) -> bool:
    """Whether there is a hold to fill on; R2: that of a flight that was given up is gone."""
    flight = lead.flight
    return flight.hold is not None and not flight.done and isinstance(made.outcome, Loaded)


def _is_its_own(flight: Flight) -> bool:
    """Whether a failure has nothing to do with its leader's having left."""
    return flight.finishes or not flight.leader_left


def _end(leads: Sequence[Lead], outcome: Outcome) -> None:
    for lead in leads:
        lead.flight.end(outcome)


def _leave_all_blocks() -> None:
    """What nobody waits for is in no load and in no `deferred()` block, wherever it began."""
    CURRENT.set(None)
    SCOPES.set(())
