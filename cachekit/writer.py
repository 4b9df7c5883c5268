"""What replaces and what forgets: `set`, `add`, and everything that invalidates."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from cachekit.backend import ANY, DONE, REFUSED, UNREACHED, Outcome, Unreached, Write
from cachekit.batch import pieces
from cachekit.call import Call, Seen
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.errors import ConfigurationError, EncodeError, InvalidationError, TooLargeError
from cachekit.filler import Filler, spare
from cachekit.lease import Leases
from cachekit.loader import Loader
from cachekit.missing import MISSING, IsMissing
from cachekit.policy import Policy
from cachekit.runtime import Ways
from cachekit.stats import Counters
from cachekit.store import Store
from cachekit.targets import Doomed

log: Final = logging.getLogger("cachekit")


class Writer:
    """Changes the store on a user's word; an answer that did not come is an error.

    Or, if the user is content with what the guard `journals`, a line in the log.
    """

    def __init__(
        self,
        store: Store,
        loader: Loader,
        filler: Filler,
        leases: Leases,
        clock: Clock,
        counters: Counters,
        *,
        journals: bool,
    ) -> None:
        self._journals = journals
        self._store = store
        self._loader = loader
        self._filler = filler
        self._leases = leases
        self._clock = clock
        self._count = counters

    async def set_many(
        self,
        values: Mapping[str, Any],
        titles: Mapping[str, str],
        tags: Mapping[str, tuple[str, ...]],
        policy: Policy,
        ways: Ways,
    ) -> None:
        """Store values by store key. Raises `InvalidationError`, `EncodeError` for what was not."""
        if not await self._store.ready(ways):
            self._store.remember(list(values), ())
            self._tell("set", list(titles.values()))
            return
        entries, bad = self._entries(values, policy)
        if entries:
            work = self._set_or_tell(entries, titles, tags, ways)
            large = await self._store.finish(work, ways)
            bad = bad or large
        if bad is not None:
            raise bad

    def _entries(
        self, values: Mapping[str, Any], policy: Policy
    ) -> tuple[dict[str, Entry], Exception | None]:
        entries: dict[str, Entry] = {}
        bad: Exception | None = None
        for key, value in values.items():
            try:
                entries[key] = _worth_storing(self._filler.entry(key, policy, value))
            except (EncodeError, ConfigurationError) as error:
                bad = bad or error
        return entries, bad

    async def _set_or_tell(
        self,
        entries: Mapping[str, Entry],
        titles: Mapping[str, str],
        tags: Mapping[str, tuple[str, ...]],
        ways: Ways,
    ) -> Exception | None:
        """R10: told even if its caller is cancelled. What has the same tags travels together.

        What is returned says of a value that the store has no room for it.
        """
        lost: list[str] = []
        large: list[Exception] = []
        groups: dict[tuple[str, ...], dict[str, Entry]] = {}
        for key, entry in entries.items():
            groups.setdefault(tags[key], {})[key] = entry
        for carried, group in groups.items():
            lost += await self._set(group, carried, large, ways)
        if lost:
            self._tell("set", [titles[key] for key in lost])
        return large[0] if large else None

    async def _set(
        self,
        entries: Mapping[str, Entry],
        tags: Sequence[str],
        large: list[Exception],
        ways: Ways,
    ) -> list[str]:
        """The keys of those that were not acknowledged; what there is no room for goes to `large`.

        R4: so many at a time as travel together; the stubs of the others would not live as long.
        """
        lost: list[str] = []
        left = list(entries)
        for part in pieces([Write(key, entry) for key, entry in entries.items()]):
            some, left = left[: len(part)], left[len(part) :]
            together = {key: entries[key] for key in some}
            missing = await self._set_together(together, tags, large, ways)
            lost += missing
            if len(missing) == len(some):
                self._store.remember(left, ())  # who does not answer is not asked for the rest
                return lost + left
        return lost

    async def _set_together(
        self,
        entries: Mapping[str, Entry],
        tags: Sequence[str],
        large: list[Exception],
        ways: Ways,
    ) -> list[str]:
        found = await self._store.read([*entries, *tags], ways)
        lost = [key for key in entries if isinstance(found.get(key), Unreached)]
        self._store.remember(lost, ())
        entries = {key: entry for key, entry in entries.items() if key not in lost}
        if any(isinstance(found.get(tag), Unreached) for tag in tags):
            await self._written([Write(key, None, announce=True) for key in entries], ways)
            return [*lost, *entries]
        records = await self._records(found, tags, ways)
        if len(records) < len(tags):
            self._store.remember(list(entries), ())
            return [*lost, *entries]
        for entry in entries.values():
            entry.carry({tag: record.version for tag, record in records.items()})
        entries = self._fitting(entries, large)
        outcomes = await self._replace(entries, found, ways)
        rest = {key: entry for key, entry in entries.items() if outcomes[key] is REFUSED}
        outcomes.update(await self._set_in_two_steps(rest, ways))
        del records  # alive until the entries name them
        return lost + [key for key, outcome in outcomes.items() if outcome is UNREACHED]

    def _fitting(self, entries: Mapping[str, Entry], large: list[Exception]) -> dict[str, Entry]:
        """Those that there is room for: a store that was read says how much it has."""
        fitting: dict[str, Entry] = {}
        for key, entry in entries.items():
            try:
                self._store.check_room(entry)
            except TooLargeError as error:
                large.append(error)
            else:
                fitting[key] = entry
        return fitting

    async def _records(
        self, found: Mapping[str, Any], tags: Sequence[str], ways: Ways
    ) -> dict[str, Entry]:
        known = {tag: r for tag in tags if isinstance(r := found.get(tag), Entry)}
        return {**known, **await self._leases.create([t for t in tags if t not in known], ways)}

    async def _replace(
        self, entries: Mapping[str, Entry], found: Mapping[str, Any], ways: Ways
    ) -> dict[str, Outcome]:
        """R4: over a value, conditional on its version; where there is none, refused."""
        outcomes: dict[str, Outcome] = dict.fromkeys(entries, REFUSED)
        writes = [
            Write(key, entry, old.version, announce=True)
            for key, entry in entries.items()
            if isinstance(old := found.get(key), Entry) and old.kind is Kind.VALUE
        ]
        outcomes.update(await self._written(writes, ways))
        return outcomes

    async def _set_in_two_steps(
        self, entries: Mapping[str, Entry], ways: Ways
    ) -> dict[str, Outcome]:
        """R4: a stub first, and once that is acknowledged the value, conditional on the stub.

        In one step, a write that timed out could run late, over a newer one.
        """
        stubs = {
            key: Entry(Kind.STUB, tags=entry.tags, keep=2 * self._store.deadline)
            for key, entry in entries.items()
        }
        writes = [Write(key, stub, ANY, announce=True) for key, stub in stubs.items()]
        outcomes = await self._written(writes, ways)
        fills = [
            Write(key, entries[key], stubs[key].version, announce=True)
            for key, outcome in outcomes.items()
            if outcome is DONE
        ]
        outcomes.update(await self._written(fills, ways))
        lost = [key for key, outcome in outcomes.items() if outcome is UNREACHED]
        if lost:
            self._store.later([Write(key, None, stubs[key].version) for key in lost])
        return outcomes

    async def _written(self, writes: Sequence[Write], ways: Ways) -> dict[str, Outcome]:
        if not writes:
            return {}
        outcomes = await self._store.write(writes, ways)
        return {w.key: outcome for w, outcome in zip(writes, outcomes, strict=True)}

    async def add(self, call: Call, seen: Seen, value: Any) -> bool:
        """Store `value` where nothing valid was seen; False if someone else was faster."""
        entry = _worth_storing(self._filler.entry(call.key, call.policy, value))
        self._store.check_room(entry)
        return await self._store.finish(self._loader.put_new(call, seen, entry), call.ways)

    async def touch(self, call: Call, seen: Seen, ttl: float | IsMissing | None, name: str) -> bool:
        """R8: the same value, the same version, another end. False if there is none to touch.

        A shortening is an invalidation: it is announced, and an error if it was not acknowledged.
        """
        old = seen.value
        if old is None or not old.serves_stale(self._clock.monotonic()):
            return False
        new = old.copy()
        new.freshen(old.ttl if ttl is MISSING else ttl, self._clock)
        new.outlast(spare(old.load_time))
        shorter = new.fresh_until < old.fresh_until
        work = self._written([Write(call.key, new, old.version, announce=shorter)], call.ways)
        outcome = (await self._store.finish(work, call.ways))[call.key]
        if shorter and outcome is UNREACHED:
            self._tell("touch", [name])
        return outcome is DONE

    async def forget(self, doomed: Doomed, ways: Ways) -> None:
        """R10: once begun it finishes. Raises `InvalidationError` if it was not acknowledged."""
        if len(doomed):
            await self._store.finish(self._forget(doomed, ways), ways)

    async def _forget(self, doomed: Doomed, ways: Ways) -> None:
        writes = [Write(key, None, announce=True) for key in doomed.keys]
        writes += [Write(tag, Entry(Kind.TAG), announce=True) for tag in doomed.tags]
        outcomes = await self._written(writes, ways)
        if doomed.prefixes:
            outcome = await self._forget_prefixes(list(doomed.prefixes), outcomes.values(), ways)
            outcomes.update(dict.fromkeys(doomed.prefixes, outcome))
        self._count.invalidations += sum(outcome is DONE for outcome in outcomes.values())
        names = {**doomed.keys, **doomed.tags, **doomed.prefixes}
        lost = [names[key] for key, outcome in outcomes.items() if outcome is UNREACHED]
        if lost:
            self._tell("invalidate", lost)

    async def _forget_prefixes(
        self, prefixes: Sequence[str], before: Collection[Outcome], ways: Ways
    ) -> Outcome:
        """A store that has not answered `before` is not waited for once more."""
        if UNREACHED in before:
            self._store.remember((), prefixes)
            return UNREACHED
        return await self._store.forget_prefix(prefixes, ways)

    def _tell(self, action: str, names: Sequence[str]) -> None:
        """Of what was not acknowledged."""
        self._count.unacknowledged += len(names)
        error = InvalidationError(action, names, self._store.failure)
        if not self._journals:
            raise error
        log.warning("%s; it is tried again until it is", error)


def _worth_storing(entry: Entry) -> Entry:
    if entry.ttl is not None and entry.ttl <= 0:
        raise ConfigurationError(f"ttl= says {entry.ttl} s: there is nothing to set; delete() it")
    return entry
