"""Tags that are known only from the result of a load (R7)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from cachekit.backend import Unreached
from cachekit.context import Load
from cachekit.entry import Entry
from cachekit.errors import CacheClosedError
from cachekit.keys import tag_key
from cachekit.lease import Lead, Leases
from cachekit.outcomes import Stage
from cachekit.runtime import Ways
from cachekit.sightings import Sightings
from cachekit.stats import Counters
from cachekit.store import Store


class Derived(NamedTuple):
    """R7: the tags that came from the result, with versions, and for whom the value is.

    `counts`: it may be stored with them. `records` keeps alive until then what `versions` were
    read from: a record changes in place.
    """

    versions: Mapping[str, int] = {}
    records: Mapping[str, Entry] = {}
    until: Stage = Stage.LANDING
    counts: bool = True


NO_TAGS: Final = Derived()


class ResultTags:
    """Finds out whether the tags that a loader named may go with its value."""

    def __init__(
        self, store: Store, leases: Leases, sightings: Sightings, counters: Counters
    ) -> None:
        self._store = store
        self._leases = leases
        self._sightings = sightings
        self._count = counters

    @property
    def moment(self) -> int:
        """What has been seen so far; a load asks when it begins."""
        return self._sightings.moment

    async def derive(self, leads: Sequence[Lead], load: Load, moment: int) -> Derived:
        """R7: the tags that came from the result count if they stand as they stood by `moment`.

        If they do not, the value is for those only who had come before the load began.
        """
        tags = _named(leads, load) if load.tags or load.unmodified else {}
        if not tags:
            return NO_TAGS
        fills = any(lead.flight.hold and not lead.flight.done for lead in leads)
        if load.skipped or not fills:  # it is not known whether who came later may have it
            return Derived(until=Stage.BOARDING)
        for lead in leads:
            lead.flight.stage = Stage.LANDING  # who comes from here on looks again
        ways = leads[0].call.ways
        try:
            records = await self._records(tags, ways)
        except CacheClosedError:  # whoever had come is served all the same
            return Derived(until=Stage.BOARDING)
        versions = {tag: record.version for tag, record in records.items()}
        if len(records) == len(tags) and self._sightings.held_since(moment, versions):
            return Derived(versions, records, Stage.LOADING)
        self._count.unconfirmed_tags += 1
        return Derived(until=Stage.BOARDING, counts=False)

    async def _records(self, tags: Collection[str], ways: Ways) -> dict[str, Entry]:
        found = await self._store.read(list(tags), ways)
        records = {tag: record for tag in tags if isinstance(record := found.get(tag), Entry)}
        if any(isinstance(found.get(tag), Unreached) for tag in tags):
            return records
        missing = [tag for tag in tags if tag not in found]
        return {**records, **await self._leases.create(missing, ways)}


def _named(leads: Sequence[Lead], load: Load) -> dict[str, None]:
    """The store keys of the tags that the loader named; an old value that stays keeps its own."""
    namespace = leads[0].call.namespace
    tags = dict.fromkeys(tag_key(namespace, name) for name in load.tags)
    old = leads[0].seen.value
    if load.unmodified and old is not None:
        tags.update(dict.fromkeys(tag for tag in old.tags if tag not in old.declared_tags()))
    return tags
