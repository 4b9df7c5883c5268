"""What keeps others from loading a key, and what its fill is conditional on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from cachekit.backend import (
    ABSENT,
    DONE,
    REFUSED,
    UNREACHED,
    Found,
    Outcome,
    Unreached,
    Write,
)
from cachekit.call import Call, Seen
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.flight import Flight, Hold
from cachekit.keys import claim_of
from cachekit.outcomes import Taken
from cachekit.policy import LEASE, PASS
from cachekit.runtime import ON_LOOP, Ways
from cachekit.sightings import Sightings
from cachekit.stats import Counters
from cachekit.store import Store

Records: TypeAlias = Mapping[str, Entry]


@dataclass(slots=True, eq=False)
class Lead:
    """One key that a load is to fill: the question, what was seen, and who waits."""

    call: Call
    seen: Seen
    flight: Flight


@dataclass(slots=True)
class Plan:
    """What is to be put for one lead, and on what condition."""

    lead: Lead
    hold: Hold
    write: Write = field(init=False)
    expected: int | None = None

    def __post_init__(self) -> None:
        expected = ABSENT if self.expected is None else self.expected
        self.write = Write(self.hold.key, self.hold.mark, expected)


class Leases:
    """Stubs, passes and claims of one cache; those of one load are written together."""

    def __init__(
        self, store: Store, clock: Clock, counters: Counters, sightings: Sightings
    ) -> None:
        self._store = store
        self._now = clock.monotonic
        self._count = counters
        self._sightings = sightings

    async def take(self, leads: Sequence[Lead], ways: Ways) -> list[Lead]:
        """Give each flight its hold; left out are those where someone else was faster.

        R2, R6: what was not acknowledged is no anchor: then there is no hold.
        """
        claims = await self._claims(leads, ways)
        free = [lead for lead in leads if not self._is_taken(lead, claims)]
        own = {lead: self._on_what_is_there(lead, claims) for lead in free if self._stands(lead)}
        rest = [lead for lead in free if lead not in own]
        records = await self._snapshot(rest, ways)
        planned = {**own, **{lead: self._stub(lead, records) for lead in rest}}
        outcomes = await self._put([plan for plan in planned.values() if plan], ways)
        return [
            lead
            for lead in free
            if outcomes.get(lead, UNREACHED) is not REFUSED and self._starts(lead)
        ]

    def _stands(self, lead: Lead) -> bool:
        """Whether what was seen stays: a value that is usable, or a pass."""
        seen = lead.seen
        if seen.entry is None or not seen.valid:
            return False
        return seen.entry.kind is Kind.PASS or seen.entry.serves_failures(self._now())

    @staticmethod
    def _starts(lead: Lead) -> bool:
        """R5: a claim that was not acknowledged starts nothing that nobody waits for."""
        return lead.flight.hold is not None or not lead.flight.behind

    async def _claims(self, leads: Sequence[Lead], ways: Ways) -> Found:
        keys = [claim_of(lead.call.key) for lead in leads if _may_be_claimed(lead)]
        return await self._store.read(keys, ways) if keys else {}

    def _is_taken(self, lead: Lead, claims: Found) -> bool:
        """R5: whether someone refreshes this very entry, or tried in vain a moment ago."""
        claim, old = claims.get(claim_of(lead.call.key)), lead.seen.value
        if old is None or not isinstance(claim, Entry):
            return False
        if claim.tags.get(lead.call.key) != old.version:
            return False
        useless = lead.seen.refused or not old.serves_failures(self._now())
        if claim.kind is Kind.PASS and useless:  # then there is nothing to lose by trying
            return False
        lead.flight.end(Taken(claim))
        return True

    def _on_what_is_there(self, lead: Lead, claims: Found) -> Plan | None:
        entry = lead.seen.entry
        if entry is None or entry.kind is not Kind.PASS:
            return self._refresh(lead, claims)
        mark = again(entry, self._lease_time(lead.call))  # R3: a pass is made to last
        return Plan(lead, Hold(lead.call.key, mark, mark.version, mark.tags), mark.version)

    def _stub(self, lead: Lead, records: Records) -> Plan | None:
        wanted, entry = _wanted(lead), lead.seen.entry
        tags = {tag: records[tag] for tag in wanted if tag in records}
        if len(tags) < len(wanted):
            return None
        mark = Entry(Kind.STUB, tags={tag: record.version for tag, record in tags.items()})
        mark.keep = self._lease_time(lead.call)
        mark.link(tags)
        hold = Hold(lead.call.key, mark, mark.version, mark.tags)
        return Plan(lead, hold, None if entry is None else entry.version)

    def _refresh(self, lead: Lead, claims: Found) -> Plan | None:
        """R5: the anchor is the old entry itself, what keeps others away is a claim beside it."""
        key, call, old = claim_of(lead.call.key), lead.call, lead.seen.value
        claim = claims.get(key)
        if old is None or isinstance(claim, Unreached):
            return None
        mark = Entry(Kind.STUB, tags={call.key: old.version}, keep=self._lease_time(call))
        declared = {**old.declared_tags(), **{tag: old.tags[tag] for tag in call.tags}}
        hold = Hold(key, mark, old.version, declared)
        return Plan(lead, hold, None if claim is None else claim.version)

    def _lease_time(self, call: Call) -> float:
        """A stub in a store that dies with this process need not be renewed."""
        return call.policy.load_timeout if self._store.inline else LEASE

    async def _put(self, plans: Sequence[Plan], ways: Ways) -> dict[Lead, Outcome]:
        if not plans:
            return {}
        try:
            outcomes = await self._store.write([plan.write for plan in plans], ways)
        except BaseException:
            self.give_up([plan.hold for plan in plans])
            raise
        for plan, outcome in zip(plans, outcomes, strict=True):
            if outcome is DONE:
                plan.lead.flight.hold = plan.hold
            self._note(plan, outcome)
        self.give_up([p.hold for p, o in zip(plans, outcomes, strict=True) if o is UNREACHED])
        return {plan.lead: outcome for plan, outcome in zip(plans, outcomes, strict=True)}

    def _note(self, plan: Plan, outcome: Outcome) -> None:
        done = outcome is DONE
        self._count.leases += done
        self._count.refused_leases += outcome is REFUSED
        self._count.refreshes += done and plan.hold.is_claim
        self._count.takeovers += (
            done and not plan.hold.is_claim and plan.expected not in (None, plan.hold.anchor)
        )

    async def renew(self, flights: Iterable[Flight]) -> bool:
        """Keep alive the marks of loads under way; False when none is left to."""
        now = self._now()
        alive = [f for f in flights if f.hold and not f.done and now < f.deadline]
        holds = [flight.hold for flight in alive if flight.hold]
        writes = [Write(hold.key, again(hold.mark, LEASE), hold.mark.version) for hold in holds]
        if not writes:
            return False
        outcomes = await self._store.write(writes, ON_LOOP)
        self._count.renewals += sum(outcome is DONE for outcome in outcomes)
        return any(outcome is not REFUSED for outcome in outcomes)

    def give_up(self, holds: Iterable[Hold | None]) -> None:
        """Remove stubs and claims, if they are still there; a pass stays and ends by itself."""
        self._store.later(
            [
                Write(hold.key, None, hold.mark.version)
                for hold in holds
                if hold is not None and hold.mark.kind is Kind.STUB
            ]
        )

    def passed(self, hold: Hold) -> Write:
        """R3: what lets others try at once, in the place of the mark."""
        self._count.passes += 1
        mark = again(hold.mark, PASS)
        if hold.mark.kind is Kind.STUB:
            mark = Entry(Kind.PASS, tags=hold.mark.tags, keep=PASS)
        return Write(hold.key, mark, hold.mark.version)

    async def _snapshot(self, leads: Sequence[Lead], ways: Ways) -> Records:
        """R6: the records of all tags before the load; one that is not sure is missing."""
        known: dict[str, Entry] = {}
        missing: dict[str, None] = {}
        for lead in leads:
            known.update(lead.seen.records)
            missing.update(dict.fromkeys(_wanted(lead)))
        return {**known, **await self.create([tag for tag in missing if tag not in known], ways)}

    async def create(self, tags: Iterable[str], ways: Ways) -> dict[str, Entry]:
        """Records for tags that have none; one that is not sure is missing."""
        new = {tag: Entry(Kind.TAG) for tag in tags}
        if not new:
            return {}
        writes = [Write(tag, record, ABSENT) for tag, record in new.items()]
        outcomes = dict(zip(new, await self._store.write(writes, ways), strict=True))
        refused = [tag for tag, outcome in outcomes.items() if outcome is REFUSED]
        found: Found = await self._store.read(refused, ways) if refused else {}
        # R6: one that was not acknowledged may be undone, or come late.
        made = {tag: new[tag] for tag, outcome in outcomes.items() if outcome is DONE}
        made.update({tag: r for tag in refused if isinstance(r := found.get(tag), Entry)})
        self._sightings.note(made)
        return made


def again(mark: Entry, keep: float) -> Entry:
    """The same stub or pass, the same version, for `keep` more seconds."""
    same = Entry(mark.kind, version=mark.version, tags=mark.tags, keep=keep)
    same.links = mark.links
    return same


def _may_be_claimed(lead: Lead) -> bool:
    old = lead.seen.value
    if old is None:
        return False
    windows = old.stale_while_revalidate or old.stale_if_error or lead.call.policy.refreshes
    return bool(windows or lead.seen.refused)


def _wanted(lead: Lead) -> dict[str, None]:
    """R6: what takes over something that holds but lacks a tag covers the tags of both."""
    wanted = dict.fromkeys(lead.call.tags)
    entry = lead.seen.entry
    if entry is not None and entry.holds():
        wanted.update(dict.fromkeys(entry.declared_tags()))
    return wanted
