"""What a flight does: lease, load, fill."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final

from cachekit.backend import ABSENT, DONE, REFUSED, UNREACHED, Found, Outcome, Write
from cachekit.call import Call, Seen
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.errors import CacheClosedError, EncodeError
from cachekit.flight import LOADING, Again, Failed, Flight, Loaded, Private, Table, inside
from cachekit.policy import LEASE, PASS, Policy
from cachekit.runtime import ON_LOOP, Ways, cancelled_from_outside
from cachekit.stats import Counters
from cachekit.store import Store

log: Final = logging.getLogger("cachekit")


class Loader:
    """Runs the loads of one cache."""

    def __init__(self, store: Store, clock: Clock, counters: Counters) -> None:
        self._store = store
        self._clock = clock
        self._count = counters
        self._complained: set[str] = set()

    async def fly(self, table: Table, flight: Flight, call: Call, seen: Seen) -> None:
        """A stored load, on the anchor that `seen` allows."""
        try:
            outcome, held = await self._anchor(call, seen)
            if outcome is not REFUSED:
                table.begin(flight, held, self._deadline(call))
                await self._load_and_fill(flight, call, held)
        except CacheClosedError:  # whoever waits looks again, and is told
            pass
        finally:
            table.land(flight)

    async def fly_unstored(self, table: Table, flight: Flight, call: Call, until: float) -> None:
        """A load for those who got no answer: one after the other, nothing is stored."""
        try:
            before = flight.before
            if before is not None:
                left = min(before.deadline, until) - self._now()
                await call.ways.wait(before.future, max(0.0, left))
            self._count.unstored += 1
            table.begin(flight, None, self._deadline(call))
            await self._load_and_fill(flight, call, None)
        finally:
            table.land(flight)

    async def alone(self, call: Call) -> Any:
        """A load for this caller only, in its own task or thread, neither stored nor shared."""
        self._count.alone += 1
        flight = Flight(call, self._deadline(call))
        try:
            return await self._load(flight, call, None)
        finally:
            flight.settle(Again())

    async def put_new(self, call: Call, seen: Seen, entry: Entry) -> bool:
        """Store `entry` over what `seen` saw: lease and fill without a load."""
        _, held = await self._anchor(call, seen)
        if held is None:
            return False
        entry.carry(held.tags)
        return await self._put(call, held, entry) is DONE

    def _now(self) -> float:
        return self._clock.monotonic()

    def longest(self, call: Call) -> float:
        """Seconds that a load takes at most, with its fill."""
        return call.policy.load_timeout + 4 * self._store.deadline

    def _deadline(self, call: Call) -> float:
        """Past this nobody waits any longer, even for a loader that cannot be stopped."""
        return self._now() + self.longest(call)

    async def _anchor(self, call: Call, seen: Seen) -> tuple[Outcome, Entry | None]:
        """The stub or pass that the fill will replace, and whether someone else was faster.

        R2, R6: a lease or a tag record that was not acknowledged is no anchor.
        """
        held = await self._extended_pass(call, seen) or await self._stub(call, seen)
        if held is None:
            return UNREACHED, None
        expected = ABSENT if seen.entry is None else seen.entry.version
        outcome = await self._lease(call, held, expected)
        takeover = seen.entry is not None and held.kind is Kind.STUB
        self._count.takeovers += takeover and outcome is DONE
        return outcome, held if outcome is DONE else None

    async def _extended_pass(self, call: Call, seen: Seen) -> Entry | None:
        """R3: the pass that was seen, made to last for the load."""
        entry = seen.entry
        if entry is None or entry.kind is not Kind.PASS or not seen.valid:
            return None
        return _again(entry, self._lease_time(call.policy))

    async def _stub(self, call: Call, seen: Seen) -> Entry | None:
        tags = await self._snapshot(call, seen)
        if tags is None:
            return None
        stub = Entry(Kind.STUB, tags={t: v for t, (v, _) in tags.items()})
        stub.keep = self._lease_time(call.policy)
        stub.link({t: record for t, (_, record) in tags.items()})
        return stub

    def _lease_time(self, policy: Policy) -> float:
        """A stub in a store that dies with this process need not be renewed."""
        return policy.load_timeout if self._store.inline else LEASE

    async def _lease(self, call: Call, held: Entry, expected: Any) -> Outcome:
        try:
            outcome = (await self._store.write([Write(call.key, held, expected)], call.ways))[0]
        except BaseException:
            self._give_up(call, held)
            raise
        if outcome is UNREACHED:
            self._give_up(call, held)
        self._count.leases += outcome is DONE
        self._count.refused_leases += outcome is REFUSED
        return outcome

    def _give_up(self, call: Call, held: Entry | None) -> None:
        """Remove a stub, if it is still there; a pass stays and ends by itself."""
        if held is not None and held.kind is Kind.STUB:
            self._store.later([Write(call.key, None, held.version)])

    async def _snapshot(self, call: Call, seen: Seen) -> dict[str, tuple[int, Entry]] | None:
        """R6: the versions of all tags before the load; `None` if one was not acknowledged.

        What takes over something that is valid but lacks a tag covers the tags of both.
        """
        wanted = dict.fromkeys(call.tags)
        if seen.entry is not None and seen.entry.holds():
            wanted.update(dict.fromkeys(seen.entry.tags))
        known = {t: (seen.versions[t], seen.records[t]) for t in wanted if t in seen.versions}
        created = await self.create([t for t in wanted if t not in known], call.ways)
        return None if created is None else {**known, **created}

    async def create(self, tags: Iterable[str], ways: Ways) -> dict[str, tuple[int, Entry]] | None:
        """Records for tags that have none, with their versions; `None` if one is not sure."""
        new = {tag: Entry(Kind.TAG) for tag in tags}
        if not new:
            return {}
        made = {tag: (record.version, record) for tag, record in new.items()}
        writes = [Write(tag, record, ABSENT) for tag, record in new.items()]
        outcomes = dict(zip(new, await self._store.write(writes, ways), strict=True))
        if UNREACHED in outcomes.values():  # R6: it may be undone, or come late
            return None
        refused = [tag for tag, outcome in outcomes.items() if outcome is REFUSED]
        found: Found = await self._store.read(refused, ways) if refused else {}
        for tag in refused:
            record = found.get(tag)
            if not isinstance(record, Entry):
                return None
            made[tag] = (record.version, record)
        return made

    async def _load_and_fill(self, flight: Flight, call: Call, held: Entry | None) -> None:
        started = self._now()
        try:
            value = await self._load(flight, call, held)
        except asyncio.CancelledError as error:
            self._give_up(call, held)
            if cancelled_from_outside():
                raise
            flight.end(Private(error=error))
        except Exception as error:
            await self._failed(flight, call, held, error)
        except BaseException as error:
            self._give_up(call, held)
            flight.end(Private(error=error))
            if flight.leader_left:  # nobody else would hear of it
                raise
        else:
            await self._fill(flight, call, held, value, self._now() - started)

    async def _load(self, flight: Flight, call: Call, held: Entry | None) -> Any:
        call.info.loads += 1
        token = LOADING.set((*inside(), flight))
        renewing = held and self._store.every(
            LEASE / 3, lambda: self._renew(flight, call.key, held)
        )
        try:
            return await call.ways.load(call.load, call.policy.load_timeout)
        finally:
            if renewing:
                renewing.stop()
            LOADING.reset(token)

    async def _renew(self, flight: Flight, key: str, held: Entry) -> bool:
        if flight.done or self._now() >= flight.deadline:
            return False
        write = Write(key, _again(held, LEASE), held.version)
        outcome = (await self._store.write([write], ON_LOOP))[0]
        self._count.renewals += outcome is DONE
        return outcome is not REFUSED

    async def _failed(
        self, flight: Flight, call: Call, held: Entry | None, error: Exception
    ) -> None:
        """R3: a load that failed lets the others try at once, unless its leader had left."""
        self._count.load_errors += 1
        if flight.leader_left or flight.done:
            self._give_up(call, held)
        else:
            await self._leave_pass(call, held)
        if not flight.leader_left:
            flight.end(Failed(error, error.__traceback__))

    async def _leave_pass(self, call: Call, held: Entry | None) -> None:
        if held is None:
            return
        self._count.passes += 1
        mark = _again(held, PASS)
        if held.kind is Kind.STUB:
            mark = Entry(Kind.PASS, tags=held.tags, keep=PASS)
        await self._store.write([Write(call.key, mark, held.version)], call.ways)

    async def _fill(
        self, flight: Flight, call: Call, held: Entry | None, value: Any, took: float
    ) -> None:
        try:
            entry = self.entry(call.policy, value, held.tags if held else {}, took)
        except EncodeError as error:
            self._complain(call, value, error)
            await self._leave_pass(call, held)
            flight.end(Private(value))
            return
        entry.vouched = call.vouch
        if flight.done:  # past its time: who waited was told so
            self._give_up(call, held)
        elif held is not None:
            await self._put(call, held, entry)
        flight.end(Loaded(entry, call.policy.serializer, value))

    async def _put(self, call: Call, held: Entry, entry: Entry) -> Outcome:
        """Store what was loaded, if nothing has forgotten the anchor meanwhile."""
        outcome = (await self._store.write([Write(call.key, entry, held.version)], call.ways))[0]
        self._count.fills += outcome is DONE
        self._count.refused_fills += outcome is REFUSED
        if outcome is UNREACHED:
            self._give_up(call, held)
        return outcome

    def entry(self, policy: Policy, value: Any, tags: Any, took: float = 0.0) -> Entry:
        """A value to store; raises `EncodeError` if it can be neither copied nor encoded.

        The store keeps it one lease longer than it is fresh, as the anchor of its refresh.
        """
        ttl = policy.lifetime()
        entry = Entry(Kind.VALUE, tags=tags, keep=None if ttl is None else ttl + LEASE)
        entry.freshen(ttl, self._clock)
        entry.load_time = took
        entry.codec, entry.schema = policy.serializer.id, policy.serializer.fingerprint
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


def _encoded(policy: Policy, value: Any) -> bytes:
    try:
        return policy.serializer.dumps(value)
    except EncodeError:
        raise
    except Exception as error:  # whatever a serializer raises, the value itself is fine
        raise EncodeError(
            f"{policy.serializer.id} cannot carry a {type(value).__qualname__}: {error!r}"
        ) from error


def _again(held: Entry, keep: float) -> Entry:
    """The same stub or pass, the same version, for `keep` more seconds."""
    again = Entry(held.kind, version=held.version, tags=held.tags, keep=keep)
    again.links = held.links
    return again
