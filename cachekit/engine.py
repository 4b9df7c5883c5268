"""The parts of one cache, put together; for callers that await and callers that block alike."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from cachekit.backend import LOCAL, MEASURE, Backend, Unreached
from cachekit.bulk import Bulk, one_of
from cachekit.call import Call, Seen, several
from cachekit.carried import Carried
from cachekit.clock import Clock
from cachekit.context import CURRENT
from cachekit.deferred import SCOPES, Scope, Scopes
from cachekit.entry import Entry
from cachekit.errors import CacheClosedError, ConfigurationError
from cachekit.filler import Filler
from cachekit.home import OPENING
from cachekit.invalidation import Invalidator, Target, targets_of
from cachekit.jobs import One, Several
from cachekit.keys import value_head, value_key, value_key_in
from cachekit.lease import Leases
from cachekit.listeners import Listener, Listeners
from cachekit.loader import Loader
from cachekit.looks import Looks
from cachekit.missing import MISSING
from cachekit.options import seconds_or_never
from cachekit.policies import REMEMBERED, Policies
from cachekit.policy import Policy
from cachekit.reader import Reader
from cachekit.recent_keys import glancing
from cachekit.result_tags import ResultTags
from cachekit.rides import Rides
from cachekit.runtime import ON_LOOP, Ways, afresh_after_fork, running_loop
from cachekit.serializer import Serializer
from cachekit.sightings import Sightings
from cachekit.signature import is_async
from cachekit.slots import Slots
from cachekit.stats import Info, Ledger, Stats, StoreFigures
from cachekit.store import Store
from cachekit.targets import Doomed, title
from cachekit.view import CacheEntry, EntryMetadata, metadata, view
from cachekit.writer import Writer

log: Final = logging.getLogger("cachekit")


class Engine:
    """One cache. `ways` says how the caller of a method waits."""

    def __init__(
        self,
        make_backend: Callable[[], Backend],
        *,
        namespace: str | None,
        policy: Policy,
        deadline: float,
        clock: Clock,
        invalidators: Sequence[Invalidator],
        listeners: Sequence[Listener],
        max_loads: int | None,
        raises: bool,
        journals: bool,
        disabled: bool,
    ) -> None:
        self.namespace = namespace or ""
        self.policies = Policies(policy)
        self.ledger = Ledger()
        self._stores = StoreFigures()
        self.scopes = Scopes()
        self.invalidators = list(invalidators)
        self.disabled = disabled
        self._make_backend = make_backend
        self._named = namespace is not None
        self.carried = Carried(self.namespace, self.backend)
        self._head = value_head(self.namespace)
        self._functions: dict[str, str] = {}
        self._written: dict[int, tuple[Serializer | str, Looks]] = {}
        self._plain = Looks(partial(self._look, policy, ON_LOOP))
        self._clock = clock
        counters, told = self.ledger.counters, Listeners(listeners)
        self._sightings = sightings = Sightings()
        self.store = store = Store(
            self.backend, deadline, clock, counters, sightings, raises=raises
        )
        self._slots = Slots(max_loads, clock.monotonic)
        self.leases = leases = Leases(store, clock, counters, sightings)
        filler = Filler(store, leases, clock, counters)
        result_tags = ResultTags(store, leases, sightings, counters)
        self.loader = Loader(store, leases, filler, result_tags, self._slots, told, clock, counters)
        self.rides = Rides(store, leases, self.loader, clock, counters)
        self.reader = Reader(store, self.loader, self.rides, self.scopes, told, clock, counters)
        self.glance: Final = glancing(self._head, self.reader.hit, self.ledger.direct)
        self.own: Final = policy.caller
        self.bulk = Bulk(self.reader, self.rides, self.loader, self.scopes)
        self.writer = Writer(store, self.loader, filler, leases, clock, counters, journals=journals)
        afresh_after_fork(self)

    def after_fork(self) -> None:
        """R12: the child is in no block and in no load, whatever its parent was in."""
        SCOPES.set(())
        CURRENT.set(None)
        self.rides.begin_afresh()
        self._slots.begin_afresh()
        self._sightings.begin_afresh()

    def backend(self) -> Backend:
        """The backend, made now if it is not yet; raises `ConfigurationError` if it will not do."""
        backend = self._make_backend()
        if not self._named and backend.capability(LOCAL) is None:
            raise ConfigurationError(
                f"namespace= is missing: {type(backend).__name__} is shared with other services, "
                "whose keys would meet this one's; write namespace='shop', say"
            )
        return backend

    def register(self, pattern: str, function: str) -> None:
        """One function for each template or name; the same function may come again."""
        other = self._functions.setdefault(pattern, function)
        if other != function:
            raise ConfigurationError(
                f"{pattern!r} is the key of {other} already; give {function} another key= or name="
            )

    def call(
        self,
        key: str,
        ways: Ways,
        tags: Iterable[str] = (),
        policy: Policy | None = None,
        load: Callable[[], Any] | None = None,
        accept: Callable[[CacheEntry], bool] | None = None,
    ) -> Call:
        """A direct call: the user's key and tags."""
        store_key = value_key_in(self._head, key)
        call = Call(
            store_key,
            self.carried.of(store_key, tags),
            policy or self.policies.own,
            ways,
            load or _no_loader,
            self.ledger.direct,
            self,
            self.namespace,
            load,
        )
        if accept is not None:
            _check_accept(accept)
            call.accepts = partial(self._accepts, accept, key, call)
        return call

    def _accepts(
        self, accept: Callable[[CacheEntry], bool], key: str, call: Call, entry: Entry
    ) -> bool:
        try:
            seen = view(key, call, entry, self._clock)
        except Exception:  # whatever a serializer raises for bytes it cannot read
            return False
        return accept(seen)

    def look_at(self, key: str, annotation: Any, form: Mapping[str, Any], ways: Ways) -> Call:
        """A direct call that only reads; `annotation` is what the value is, if that is given."""
        if annotation is MISSING and ways is ON_LOOP and type(key) is str:
            looks = self._looks(form) if form else self._plain
            if looks is not None:
                return looks.known.get(key) or looks.at(key)
        return self._look(self.policies.to_read(annotation, form), ways, key)

    def _looks(self, form: Mapping[str, Any]) -> Looks | None:
        """Those for nothing but a key, or a key and one serializer."""
        if not form:
            return self._plain
        if len(form) > 1 or "serializer" not in form:
            return None
        serializer = form["serializer"]
        written = self._written.get(id(serializer))
        if written is None or written[0] is not serializer:
            policy = self.policies.of(form)
            written = serializer, Looks(partial(self._look, policy, ON_LOOP))
            if len(self._written) >= REMEMBERED:
                self._written.clear()
            self._written[id(serializer)] = written
        return written[1]

    def peeker(self, annotation: Any, form: Mapping[str, Any]) -> Callable[[str], Any]:
        """`Reader.peek` by the user's key, with all worked out that is the same for every key."""
        peek, looks = self.reader.peek, self._looks(form) if annotation is MISSING else None

        def glance(key: str) -> Any:
            if looks is not None and type(key) is str:
                return peek(looks.known.get(key) or looks.at(key))
            return peek(self.look_at(key, annotation, form, ON_LOOP))

        return glance

    def _look(self, policy: Policy, ways: Ways, key: str) -> Call:
        store_key = value_key_in(self._head, key)
        tags, direct = self.carried.of(store_key, ()), self.ledger.direct
        return Call(store_key, tags, policy, ways, _no_loader, direct, self, self.namespace)

    def answer(self, call: Call) -> Coroutine[Any, Any, Any]:
        """From the cache or from the loader."""
        return self._loaded(call) if self.disabled else self.reader.get_or_load(call)

    async def _loaded(self, call: Call) -> Any:
        return (await self.loader.alone([call], One(call.load, None)))[0]

    async def answer_all(self, calls: Sequence[Call], job: Several) -> list[Any]:
        """Like `answer` for each, with one load; `MISSING` where that has nothing."""
        if not calls:
            return []
        if self.disabled:
            return list(await self.loader.alone(calls, job))
        return await self.bulk.get_or_load_all(calls, job)

    async def get_or_set_all(
        self,
        keys: Iterable[str],
        loader: Callable[[list[Any]], Any],
        tags: Iterable[str],
        policy: Policy,
        ways: Ways,
    ) -> dict[str, Any]:
        """What is there or can be loaded, by the user's key."""
        calls: dict[str, Call] = {}
        for key in several("keys", keys):
            load = one_of(loader, key)
            call = self.call(key, ways, tags=tags, policy=policy, load=load)
            calls[key] = replace(call, partial=True)
        names = {call.key: key for key, call in calls.items()}
        job = Several(loader, loader, names)
        values = await self.answer_all(list(calls.values()), job)
        return {k: v for k, v in zip(calls, values, strict=True) if v is not MISSING}

    async def get_all(
        self, keys: Iterable[str], annotation: Any, form: Mapping[str, Any], ways: Ways
    ) -> dict[str, Any]:
        """What is there, by the user's key."""
        calls = {key: self.look_at(key, annotation, form, ways) for key in several("keys", keys)}
        values = await self.reader.get_all(list(calls.values())) if calls else []
        return {k: v for k, v in zip(calls, values, strict=True) if v is not MISSING}

    async def set_all(
        self, values: Mapping[str, Any], tags: Iterable[str], policy: Policy, ways: Ways
    ) -> None:
        """Store values by the user's key."""
        if not isinstance(values, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"set_many() takes a mapping of keys to values, not {values!r}")
        keys = {key: value_key(self.namespace, key) for key in values}
        stored = {keys[key]: value for key, value in values.items()}
        titles, names = {keys[key]: title(key) for key in values}, several("tags", tags)
        carried = {key: self.carried.of(key, names) for key in stored}
        await self.put_all(stored, titles, carried, policy, ways)

    async def put_all(
        self,
        values: Mapping[str, Any],
        titles: Mapping[str, str],
        tags: Mapping[str, tuple[str, ...]],
        policy: Policy,
        ways: Ways,
    ) -> None:
        """Store values by store key; in a `deferred()` block, forget them at its end."""
        if not self._gathered(Doomed(titles)):
            await self.writer.set_many(values, titles, tags, policy, ways)

    async def add(self, key: str, call: Call, value: Any) -> bool:
        """Store a value where there is none, not even of another format or without its tags."""
        if self._gathered(Doomed({call.key: title(key)})):
            return False
        seen = await self.reader.look(call)
        entry = seen.entry
        untagged = entry is not None and entry.holds() and _at_all(call).takes(entry)
        if not seen.answered or self.reader.serves(seen._replace(valid=untagged)):
            return False
        return await self.writer.add(call, seen, value)

    async def exists(self, call: Call) -> bool:
        """Whether `get` would find a value."""
        return self.reader.serves(await self._unhidden(call))

    async def touch(self, key: str, ttl: Any, ways: Ways) -> bool:
        """Another end for what is there; in a `deferred()` block what is pending is not there."""
        call = replace(self.call(key, ways), of_any_format=True)
        ttl = MISSING if ttl is MISSING else seconds_or_never("ttl", ttl)
        seen = await self._unhidden(call)
        return await self.writer.touch(call, seen, ttl, title(key))

    async def entry(self, call: Call, key: str) -> CacheEntry | None:
        """What is there, stale or not."""
        entry = await self._usable(call)
        try:
            return None if entry is None else view(key, call, entry, self._clock)
        except Exception:  # whatever a serializer raises for bytes it cannot read
            return None

    async def metadata(self, key: str, ways: Ways) -> EntryMetadata | None:
        """The same without the value, whatever its format."""
        call = replace(self.call(key, ways), of_any_format=True)
        entry = await self._usable(call)
        return None if entry is None else metadata(key, call, entry, self._clock)

    async def _usable(self, call: Call) -> Entry | None:
        entry = (await self._unhidden(call)).value
        return entry if entry and entry.serves_failures(self._clock.monotonic()) else None

    async def ping(self, ways: Ways) -> bool:
        """Whether the store, or one of its homes, answers a read."""
        records = self.carried.records("home")
        found = await self.store.read(list(records), ways)
        return not all(isinstance(found.get(record), Unreached) for record in records)

    async def _unhidden(self, call: Call) -> Seen:
        scope = self.scopes.open()
        seen = await self.reader.look(call)
        hidden = scope is not None and scope.hides(call.key, seen.entry)
        return Seen(answered=seen.answered) if hidden else seen

    async def invalidate(
        self, targets: Iterable[Target], ways: Ways, *, barrier: bool = False
    ) -> None:
        await self.forget(Doomed.of(self.namespace, targets), ways, barrier=barrier)

    async def forget(self, doomed: Doomed, ways: Ways, *, barrier: bool = False) -> None:
        """Now, or at the end of the `deferred()` block the caller is in (R11).

        With a `barrier` it takes until no process has an older copy.
        """
        if barrier and self.scopes.open() is not None:
            raise ConfigurationError(
                "barrier=True does not go with deferred(): nothing is forgotten yet"
            )
        if not self._gathered(doomed):
            await self.writer.forget(doomed, ways)
            if barrier and (tiers := self.store.tiers):
                await ways.pause(tiers.staleness)

    def _gathered(self, doomed: Doomed) -> bool:
        """Whether a `deferred()` block will forget this at its end."""
        while (scope := self.scopes.open()) is not None:
            if scope.gather(doomed):
                return True
        return False

    def begin_scope(self) -> Scope:
        """A `deferred()` block begins."""
        return self.scopes.enter()

    async def end_scope(self, scope: Scope, error: BaseException | None, ways: Ways) -> None:
        """R11: what was gathered is forgotten, however the block ended; its own error prevails.

        Inside of another block that is when that one ends; unless, in a task, it has ended before.
        """
        self.scopes.leave(scope)
        try:
            await self.forget(scope.doomed, ways)
        except Exception as failure:
            if error is None:
                raise
            log.error("%s", failure)

    async def emit(self, event: Any, ways: Ways, *, barrier: bool = False) -> tuple[Target, ...]:
        """What the invalidators said, forgotten."""
        if not self.invalidators:
            raise ConfigurationError(
                "emit() needs an invalidator: Cache(invalidators=[…]) or @cache.on(EventType)"
            )
        targets = tuple(t for inv in self.invalidators for t in targets_of(inv, event))
        await self.invalidate(targets, ways, barrier=barrier)
        return targets

    async def clear(self, ways: Ways, *, barrier: bool = False) -> None:
        """Forget everything: a new version of the record that every entry carries."""
        await self._renew("home", "everything", ways, barrier=barrier)

    async def clear_function(self, name: str, ways: Ways) -> None:
        """Forget all calls of one function: a new version of the record that they carry."""
        await self._renew(f"fn:{name}", f"all of {name}", ways)

    async def _renew(self, name: str, told: str, ways: Ways, *, barrier: bool = False) -> None:
        """R18: at each home. One that does not answer takes along what it has, nothing else."""
        doomed = Doomed()
        for record, home in self.carried.records(name).items():
            doomed.tags[record] = f"{told} on {home}" if home else told
        await self.forget(doomed, ways, barrier=barrier)

    async def open(self, ways: Ways) -> None:
        """Open the backend; who cannot has nothing to close."""
        self.store.closed = False
        try:
            await self.store.open(ways, OPENING)
        except CacheClosedError:
            raise
        except Exception:  # who is cancelled closes nothing: others may be opening, too
            await self.store.close(ways)
            self.store.closed = False
            raise

    async def close(self, ways: Ways) -> None:
        """Give up what is under way, but for what forgets (R10), then leave the backend."""
        self.store.check_waits(ways)
        await self.store.finished(ways)
        self.store.closed = True  # first: who waited for a flight looks again at once
        flights = [*self.rides.flights.give_up(), *self.rides.unstored.give_up()]
        self.rides.watches.give_up()
        self.leases.give_up([flight.hold for flight in flights])
        mine = [f.task for f in flights if f.task and f.task.get_loop() is running_loop()]
        if mine and ways.waits:
            await asyncio.wait(mine, timeout=self.store.deadline)
        await self.store.close(ways)

    def forget_homes(self) -> None:
        """It may be opened again on another store."""
        self.carried.forget_homes()
        self._plain.forget()
        for _, looks in self._written.values():  # a peeker has it for good
            looks.forget()

    def stats(self) -> Stats:
        """This cache's figures; what its store found unreadable is of all who share it."""
        home = self.store.home
        store = None if home is None else home.backend.capability(MEASURE)
        figures, unreadable = self.ledger.snapshot(), self._stores.unreadable(store)
        return replace(
            figures,
            unreadable=figures.unreadable + unreadable,
            tiers=self._stores.tiers(figures, self.store.tiers),
            nodes=self.store.nodes,
        )

    def info(self, name: str) -> Info:
        return self.ledger.function(name)


def _check_accept(accept: Callable[[CacheEntry], bool]) -> None:
    """A coroutine would be a yes to everything."""
    if not callable(accept) or is_async(accept):
        raise TypeError(
            f"accept must be a plain function of a CacheEntry, not {accept!r}: write def, and look "
            "up beforehand what it needs"
        )


def _at_all(call: Call) -> Call:
    """The question whether there is anything."""
    return replace(call, tags=(), of_any_format=True)


def _no_loader() -> Any:
    raise AssertionError("a call without a loader does not load")
