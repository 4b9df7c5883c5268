"""What becomes of a loaded value: an entry to store, or a pass, and what its callers get."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from cachekit.backend import DONE, REFUSED, UNREACHED, Write
from cachekit.call import Call
from cachekit.clock import Clock
from cachekit.codec import Codec
from cachekit.context import Load
from cachekit.entry import VALUE, Entry, Kind
from cachekit.errors import EncodeError, TooLargeError
from cachekit.lease import Lead, Leases
from cachekit.missing import MISSING, IsMissing
from cachekit.outcomes import AGAIN, Absent, Failed, Loaded, Outcome, Private
from cachekit.policy import LEASE, Policy
from cachekit.result_tags import Derived
from cachekit.stats import Counters
from cachekit.store import Store

log: Final = logging.getLogger("cachekit")


class Made(NamedTuple):
    """What becomes of one loaded value: what its callers get, and what is to be stored.

    `announce`: copies of what was there before, however long ago, are to go.
    """

    outcome: Outcome
    entry: Entry | None = None
    leaves_pass: bool = False
    announce: bool = False


class Filler:
    """Makes entries of values, and puts them in the place of the anchors of their loads."""

    def __init__(self, store: Store, leases: Leases, clock: Clock, counters: Counters) -> None:
        self._store = store
        self._leases = leases
        self._clock = clock
        self._count = counters
        self._complained: set[tuple[str, ...]] = set()

    def make(self, lead: Lead, value: Any, load: Load, derived: Derived) -> Made:
        """What becomes of one loaded value."""
        call, flight = lead.call, lead.flight
        hold = flight.hold
        if (flight.behind or flight.leader_left) and not call.is_as_asked():
            return Made(AGAIN, leaves_pass=True)
        if value is MISSING:
            return Made(Absent() if call.partial else Private(value))
        if load.private:  # an old value goes: it is not what the load has found
            private = Private(value, old_goes=True)
            return Made(private, leaves_pass=hold is not None and not hold.is_claim)
        try:
            if hold is None and not self._store.inline:
                return Made(self._passed_on(call, value, derived))
            entry = self._loaded(call, value, load)
            stored = _is_worth_storing(call.policy, value, entry, load)
        except TooLargeError as error:
            self._count.too_large += 1
            self._complain(call, value, error)
            shared = Loaded(*_whole(call.policy, error.data), value, derived.until)
            return Made(shared, leaves_pass=True)
        except EncodeError as error:
            self._count.not_encoded += 1
            self._complain(call, value, error)
            return Made(Private(value), leaves_pass=True)
        except Exception as error:  # what the user's ttl= or when= raised
            return Made(Failed(error, error.__traceback__), leaves_pass=True)
        entry.carry({} if hold is None else hold.tags, derived.versions)
        entry.vouch(call.voucher, call.policy.quiet_until(entry))
        stored = stored and derived.counts and self._has_room(call, value, entry)
        loaded = Loaded(entry, call.policy.codec, value, derived.until)
        return Made(loaded, entry if stored else None, leaves_pass=not stored)

    def _has_room(self, call: Call, value: Any, entry: Entry) -> bool:
        try:
            self._store.check_room(entry)
        except TooLargeError as error:
            self._count.too_large += 1
            self._complain(call, value, error)
            return False
        return True

    def _passed_on(self, call: Call, value: Any, derived: Derived) -> Loaded:
        """What is not stored at all: the bytes, so that all get what they get at other times."""
        entry = _blank(call.policy, version=0)
        entry.payload = self._encoded(call.policy, value, call.key, entry)
        return Loaded(entry, call.policy.codec, value, derived.until)

    async def conclude(self, made: Sequence[tuple[Lead, Made]]) -> None:
        """Store what was loaded, then tell those who wait."""
        await self.put(made)
        for lead, result in made:
            flight = lead.flight
            flight.in_vain = isinstance(result.outcome, Failed)
            lost = flight.in_vain and flight.has_lost_its_caller
            if not lost:  # nobody but who brought the loader gets an error that may be due to it
                flight.end(result.outcome)

    async def put(self, made: Sequence[tuple[Lead, Made]]) -> int:
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
        if lead.flight.done:  # past its time: who waited was told so
            self._leases.give_up([hold])
            return []
        if hold is None:
            return _gone(lead, made)
        if made.leaves_pass:
            return [self._leases.passed(hold)]
        off = [Write(hold.key, None, hold.mark.version)]
        if made.entry is not None:  # R2: if nothing has forgotten the anchor meanwhile
            fill = Write(lead.call.key, made.entry, hold.anchor, made.announce)
            return [fill, *off] if hold.is_claim else [fill]
        if isinstance(made.outcome, Failed):  # R5: an old value stays
            return off
        gone = [Write(lead.call.key, None, hold.anchor, announce=True)]
        return [*gone, *off] if hold.is_claim else gone

    def _loaded(self, call: Call, value: Any, load: Load) -> Entry:
        """The entry of a loaded value, as its load says."""
        policy = call.policy
        if load.windows is not None:
            while_revalidate, if_error = load.windows
            policy = replace(
                policy, stale_while_revalidate=while_revalidate, stale_if_error=if_error
            )
        return self.entry(call.key, policy, value, load.took, load.lifetime)

    def entry(
        self,
        key: str,
        policy: Policy,
        value: Any,
        took: float = 0.0,
        ttl: float | IsMissing | None = MISSING,
    ) -> Entry:
        """A value to store; raises `EncodeError` if it can be neither copied nor encoded.

        The store keeps it one lease longer than it is usable, or two loads.
        """
        entry = _blank(policy)
        entry.load_time = took
        entry.stale_while_revalidate = policy.stale_while_revalidate
        entry.stale_if_error = policy.stale_if_error
        entry.freshen(policy.lifetime(value, ttl), self._clock)
        entry.outlast(spare(took))
        if self._store.inline:
            entry.vouch(policy.voucher, policy.quiet_until(entry))
            return entry.keeping(value, share=policy.share)
        entry.payload = self._encoded(policy, value, key, entry)
        return entry

    @staticmethod
    def _encoded(policy: Policy, value: Any, key: str, entry: Entry) -> bytes:
        try:
            return policy.codec.encode(value, key, entry)
        except EncodeError as error:
            if policy.untyped:
                error.add_note(f"its annotation was of no use: {policy.untyped}")
            raise

    def _complain(self, call: Call, value: Any, error: EncodeError) -> None:
        complaint = (
            call.name,
            type(error).__name__,
            type(value).__module__,
            type(value).__qualname__,
        )
        if complaint not in self._complained:
            self._complained.add(complaint)
            why = "; ".join([str(error), *getattr(error, "__notes__", ())])
            log.warning("a value for %s was served but not stored: %s", call.key, why)


def _blank(policy: Policy, version: int | None = None) -> Entry:
    """A value to be, which says who will have written it."""
    entry = Entry(VALUE, version)
    entry.codec, entry.schema = policy.codec.id, policy.codec.fingerprint
    entry.revision = policy.version
    entry.skip_l1 = policy.skip_l1
    return entry


def _whole(policy: Policy, data: bytes) -> tuple[Entry, Codec]:
    """What is too large to be stored, for all who waited for it: as the serializer made it."""
    entry = _blank(policy)
    entry.payload = data
    return entry, Codec(policy.codec.serializer, limit=len(data))


def _gone(lead: Lead, made: Made) -> list[Write]:
    """R13: an old value goes for what is private, even where nothing may be stored."""
    if not isinstance(made.outcome, Private) or not made.outcome.old_goes:
        return []
    old = lead.seen.value
    return [] if old is None else [Write(lead.call.key, None, old.version, announce=True)]


def spare(load_time: float) -> float:
    """How much longer than it is usable a value is kept, as the anchor of its refresh (R5)."""
    return max(LEASE, 2 * load_time)


def _is_worth_storing(policy: Policy, value: Any, entry: Entry, load: Load) -> bool:
    ends_at_once = entry.ttl is not None and entry.ttl <= 0
    if load.skipped or (ends_at_once and not any(load.windows or ())):
        return False
    return policy.when is None or bool(policy.when(value))
