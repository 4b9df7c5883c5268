"""The read path: peek -> read -> serve, refresh, share, wait or lead."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from cachekit.backend import Found, Unreached, Write
from cachekit.call import UNANSWERED, Call, Hit, Seen
from cachekit.clock import Clock
from cachekit.deferred import SCOPES, Scope, Scopes
from cachekit.entry import OFTEN, Caller, Entry, Kind
from cachekit.errors import ForeignError, UnreadableError
from cachekit.jobs import Job, One
from cachekit.listeners import Listeners
from cachekit.loader import Loader
from cachekit.missing import MISSING
from cachekit.outcomes import AGAIN
from cachekit.rides import Rides
from cachekit.stats import Counters, Info
from cachekit.store import Store

log: Final = logging.getLogger("cachekit")

_ADVICE: Final = (
    "by hand, give get() the type= that the function is annotated to return, or the serializer= "
    "and steps= that it was stored with"
)
_TOLD: Final = 100
"""So many different things are told of what is not read."""


class Reader:
    """Answers calls from the store, or from a load."""

    def __init__(
        self,
        store: Store,
        loader: Loader,
        rides: Rides,
        scopes: Scopes,
        listeners: Listeners,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._now = clock.monotonic
        self._store = store
        self._loader = loader
        self._rides = rides
        self._scopes = scopes
        self._listeners = listeners
        self._count = counters
        self._told: set[str] = set()
        hit = _hitting(store, clock.monotonic, scopes)
        self.hit: Final = _telling(hit, listeners) if listeners.hear_hits else hit

    async def get_or_load(self, call: Call) -> Any:
        """The value, from wherever it may come; raises only what the loader raised."""
        scope = self._scopes.open() if SCOPES.get() else None
        if scope is not None:
            return await self._read_past(call, scope)
        store = self._store
        entry = store.peek(call.key) if store.peeks else None
        # R5: nobody tells copies of a refresh, so before one is begun the store is asked.
        if entry is not None and (store.is_near or self._now() < call.policy.quiet_until(entry)):
            value = self._served(call, _judged(call, _glanced(call, entry)))
            if value is not MISSING:
                return value
        if store.skips(call.ways):
            store.check_answered()
            return await self._loaded(call, UNANSWERED)
        found = await store.read((call.key, *call.tags), call.ways)
        if isinstance(found.get(call.key), Unreached):
            store.check_answered()
            return await self._loaded(call, UNANSWERED)
        value = self._at_once(call, found)
        if value is not MISSING:
            return value
        seen = _judged(call, await self._look_on(call, found))
        value = self._served(call, seen)
        return await self._loaded(call, seen) if value is MISSING else value

    async def _loaded(self, call: Call, seen: Seen) -> Any:
        """The value of a load, or one that is found meanwhile."""
        patience = self._rides.patience(call)
        self.missed(call, seen)
        while True:
            value = await self._rides.obtain(call, seen, patience)
            if value is not AGAIN:
                return value
            seen = _judged(call, await self.look(call))
            value = self._served(call, seen)
            if value is not MISSING:
                return value

    def _served(self, call: Call, seen: Seen) -> Any:
        """The value seen, if it may be served at once; what is stale is loaded anew meanwhile."""
        old, now = seen.value, self._now()
        if old is None or seen.refused:
            return MISSING
        if now >= call.policy.quiet_until(old):
            if call.refresh is not None and old.serves_stale(now):
                self._rides.refreshes.begin([(call, seen)], One(call.refresh, call.refresh))
            elif now >= old.fresh_until and not self._rides.refreshes.is_under_way(call, old):
                return MISSING  # this caller has to load it
        return self._opened(call, old, seen.near)

    def served_all(self, seen: Mapping[Call, Seen], job: Job) -> dict[Call, Any]:
        """Like `_served` for each, with one load for all that is stale."""
        behind, now = job.behind(), self._now()
        if behind is not None:
            stale = [(call, saw) for call, saw in seen.items() if _is_stale(call, saw, now)]
            self._rides.refreshes.begin(stale, behind)
        return {call: self._served(call, saw) for call, saw in seen.items()}

    def peek(self, call: Call) -> Any:
        """What `get` gives where that takes no I/O, else `MISSING`."""
        entry = self._store.peek(call.key)
        if entry is None or (SCOPES.get() and self._scopes.open()):
            return MISSING
        if entry.vouched is (call.vouch or call.policy.caller) and entry.serves(self._now()):
            self._count_hit(call)
            return call.policy.codec.open(call.key, entry)
        return self.serve(call, _glanced(call, entry))

    async def get(self, call: Call, default: Any) -> Any:
        """The value if there is one that serves, else `default`; at once."""
        store = self._store
        if store.peeks:
            value = self.peek(call)
            if value is not MISSING:
                return value
        found = await store.read((call.key, *call.tags), call.ways)
        value = MISSING if SCOPES.get() else self._at_once(call, found)
        if value is MISSING:
            value = self._got(call, await self._look_on(call, found))
        return default if value is MISSING else value

    async def get_all(self, calls: Sequence[Call]) -> list[Any]:
        """Like `get` for each, in one read."""
        seen = await self.look_all(calls)
        return [self._got(call, saw) for call, saw in zip(calls, seen, strict=True)]

    def _got(self, call: Call, seen: Seen) -> Any:
        scope = self._scopes.open()
        hidden = scope is not None and scope.hides(call.key, seen.entry)
        value = MISSING if hidden else self.serve(call, seen)
        if value is MISSING:
            self.missed(call, seen)
        return value

    async def look(self, call: Call) -> Seen:
        """Read the key and its tags; an entry is valid if all of its hold and cover the call's."""
        return await self._look_on(call, await self._store.read((call.key, *call.tags), call.ways))

    def _at_once(self, call: Call, found: Found) -> Any:
        """The way of every hit: a fresh value that holds, with which no more is to be done."""
        entry = found.get(call.key)
        if not isinstance(entry, Entry) or self._now() >= entry.fresh_until:
            return MISSING
        if entry.version != call.taken and not call.takes_at_once(entry):
            return MISSING
        if not _holds(entry, found):
            return MISSING
        try:
            value = call.policy.codec.open(call.key, entry)
        except Exception:  # `_opened` meets it again, and deals with it
            return MISSING
        self._has_hit(call, entry, value, self._store.is_near)
        return value

    async def _look_on(self, call: Call, found: Found) -> Seen:
        """What `found` tells, with a second read for the tags that only the entry knows."""
        more = _more_tags(call, found)
        if more:
            found = _with(found, (call.key, *call.tags), await self._store.read(more, call.ways))
        seen = _seen(call, found, self._store.is_near)
        if not seen.answered:
            self._store.check_answered()
        return seen

    async def look_all(self, calls: Sequence[Call]) -> list[Seen]:
        """Like `look`, in one read, but for copies that are at hand."""
        at_hand = self._at_hand(calls)
        asked = [call for call in calls if call not in at_hand]
        read = dict(zip(asked, await self._read_all(asked), strict=True)) if asked else {}
        return [at_hand[call] if call in at_hand else read[call] for call in calls]

    def _at_hand(self, calls: Sequence[Call]) -> dict[Call, Seen]:
        """What copies in front of the store can answer, with nothing else to be done."""
        store = self._store
        if store.is_near or not store.peeks or SCOPES.get():
            return {}
        found = {call: entry for call in calls if (entry := store.peek(call.key)) is not None}
        now = self._now()
        seen = {c: _glanced(c, e) for c, e in found.items() if now < c.policy.quiet_until(e)}
        return {call: saw for call, saw in seen.items() if saw.value is not None}

    async def _read_all(self, calls: Sequence[Call]) -> list[Seen]:
        """One read for all; a second one for the tags that only the entries know."""
        ways = calls[0].ways
        asked = dict.fromkeys(key for call in calls for key in (call.key, *call.tags))
        found = await self._store.read(list(asked), ways)
        more = dict.fromkeys(tag for call in calls for tag in _more_tags(call, found))
        if more:
            found = _with(found, asked, await self._store.read(list(more), ways))
        seen = [_seen(call, found, self._store.is_near) for call in calls]
        if not all(saw.answered for saw in seen):
            self._store.check_answered()
        return seen

    def serves(self, seen: Seen) -> bool:
        """Whether what was seen is a value that may be served at once, stale or not."""
        return seen.value is not None and seen.value.serves_stale(self._now())

    def serve(self, call: Call, seen: Seen) -> Any:
        """The value seen, or `MISSING` if it may not be served."""
        entry = seen.value
        return MISSING if entry is None else self._opened(call, entry, seen.near)

    def _opened(self, call: Call, entry: Entry, near: bool) -> Any:
        now = self._now()
        if now >= entry.fresh_until + entry.stale_while_revalidate:
            return MISSING
        try:
            value = call.policy.codec.open(call.key, entry)
        except ForeignError as error:
            self._count.foreign += 1
            entry.expire()
            self._tell_once(str(error), "%s counts as a miss: %s", call.key, error)
            return MISSING
        except Exception as error:  # whatever a serializer raises for bytes it cannot read
            self._count.unreadable += 1
            self._store.later([Write(call.key, None, entry.version)])
            entry.expire()
            why = str(error) if isinstance(error, UnreadableError) else type(error).__name__
            self._tell_once("", "%s counts as a miss and is deleted: %s", call.key, why)
            return MISSING
        if now >= entry.fresh_until:
            self._count.stale += 1
        self._has_hit(call, entry, value, near)
        return value

    def _count_hit(self, call: Call) -> None:
        call.info.hits += 1
        if self._listeners.hear_hits:
            self._listeners.hit(call.name, call.key)

    def _has_hit(self, call: Call, entry: Entry, value: Any, near: bool) -> None:
        self._count_hit(call)
        if not near:
            self._count.far_hits += 1
            if entry.opener is None and entry.again >= OFTEN and call.policy.codec.is_plain:
                entry.keep_read(call.policy.codec, value)
            return
        if entry.payload is not None and entry.opener is None:
            entry.keep_open(call.policy.codec, value, share=call.policy.share)
        if _is_open(call, entry):
            entry.vouch(call.voucher, call.policy.quiet_until(entry))

    def missed(self, call: Call, seen: Seen) -> None:
        """Count a miss, and whether there is something that others can read."""
        call.info.misses += 1
        if self._listeners.hear_misses:
            self._listeners.miss(call.name, call.key)
        entry = seen.entry
        if entry is not None and entry.kind is Kind.VALUE and not call.reads(entry):
            self._count.foreign += 1
            self._tell_of(call, entry)

    def _tell_of(self, call: Call, entry: Entry) -> None:
        """Log what may be a mistake: another serializer, or, asked for by hand, another type."""
        codec = call.policy.codec
        if entry.codec != codec.id:
            told = f"it was written as {entry.codec} and is asked for as {codec.id}: {_ADVICE}"
        elif call.vouch is None and entry.schema != codec.fingerprint:
            told = f"it is {codec.id} of another type, or of another version of that: {_ADVICE}"
        else:
            return
        self._tell_once(told, "%s counts as a miss: %s", call.key, told)

    def _tell_once(self, what: str, message: str, *details: object) -> None:
        if what not in self._told and len(self._told) < _TOLD:
            self._told.add(what)
            log.warning(message, *details)

    async def _read_past(self, call: Call, scope: Scope) -> Any:
        """R11: what is pending is not read, and nothing loaded is stored or shared."""
        seen = _judged(call, await self.look(call))
        if not scope.hides(call.key, seen.entry) and not seen.refused:
            value = self.serve(call, seen)
            if value is not MISSING:
                return value
        self.missed(call, seen)
        return (await self._loader.alone([call], One(call.load, None)))[0]


def _hitting(store: Store, now: Callable[[], float], scopes: Scopes) -> Hit:
    """A warm hit of who has had it before, or `MISSING`: no lock, no task, no loop."""
    pending = SCOPES.get

    def hit(key: str, vouch: Caller, info: Info) -> Any:
        entry = store.peek(key)
        if entry is None or entry.vouched is not vouch or not entry.serves(now()):
            return MISSING
        if pending() and scopes.open():
            return MISSING
        info.hits += 1
        thaw = entry.thaw
        return entry.kept if thaw is None else thaw(entry.kept)

    return hit


def _telling(hit: Hit, listeners: Listeners) -> Hit:
    def told(key: str, vouch: Caller, info: Info) -> Any:
        value = hit(key, vouch, info)
        if value is not MISSING:
            listeners.hit(vouch.name, key)
        return value

    return told


def _glanced(call: Call, entry: Entry) -> Seen:
    """What a look without I/O has found."""
    return Seen(entry, valid=entry.holds() and call.takes(entry), near=True)


def _is_open(call: Call, entry: Entry) -> bool:
    """Whether what it keeps is what this call makes of it."""
    return entry.payload is None or entry.opener is call.policy.codec


def _judged(call: Call, seen: Seen) -> Seen:
    """What was seen, and whether the caller takes it."""
    old = seen.value
    if old is None or call.accepts is None or call.accepts(old):
        return seen
    return seen._replace(refused=True)


def _is_stale(call: Call, seen: Seen, now: float) -> bool:
    old = seen.value
    return old is not None and call.policy.quiet_until(old) <= now and old.serves_stale(now)


def _holds(entry: Entry, found: Found) -> bool:
    """R6: whether each of its tags has its record in `found`, of the version that it carries."""
    for tag, version in entry.tags.items():
        record = found.get(tag)
        if not isinstance(record, Entry) or record.version != version:
            return False
    return True


def _more_tags(call: Call, found: Found) -> list[str]:
    """The tags that the entry has and nobody has asked for."""
    entry = found.get(call.key)
    tags = entry.tags if isinstance(entry, Entry) else ()
    return [tag for tag in tags if tag not in found and tag not in call.tags]


def _with(found: Found, asked: Iterable[str], more: Found) -> Found:
    """What was `asked` for, without all that others have asked for, and `more`."""
    return {**{key: found[key] for key in asked if key in found}, **more}


def _seen(call: Call, found: Found, near: bool) -> Seen:
    """What `found` tells; the entry is the call's own, unless it is the one that a store keeps."""
    entry = found.get(call.key)
    if isinstance(entry, Unreached):
        return UNANSWERED
    records: dict[str, Entry] = {}
    for tag in (*call.tags, *(() if entry is None else entry.tags)):
        record = found.get(tag)
        if isinstance(record, Unreached):
            return UNANSWERED
        if record is not None:
            records[tag] = record
    if entry is None:
        return Seen(None, records)
    if not near:  # others may have been given the same: what this call finds out is not for them
        entry = entry.twin()
    # R6: a backend may hand out an object that an earlier read has linked; this read decides.
    entry.link(records)
    return Seen(entry, records, valid=_holds(entry, records) and call.takes(entry), near=near)
