"""Several keys at once: one read, one call of the loader, one write."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from cachekit.call import Call, Patience, Seen
from cachekit.deferred import Scope, Scopes
from cachekit.jobs import Several, found_by
from cachekit.loader import Loader
from cachekit.missing import MISSING
from cachekit.outcomes import AGAIN
from cachekit.reader import Reader
from cachekit.rides import Ride, Rides


class Bulk:
    """Answers several calls with one loader, which is called for all that is missing."""

    def __init__(self, reader: Reader, rides: Rides, loader: Loader, scopes: Scopes) -> None:
        self._reader = reader
        self._rides = rides
        self._loader = loader
        self._scopes = scopes

    async def get_or_load_all(self, calls: Sequence[Call], job: Several) -> list[Any]:
        """A value for each call; `MISSING` where the loader has none."""
        patience = {call: self._rides.patience(call) for call in calls}
        scope = self._scopes.open()
        if scope is not None:
            return await self._read_past(calls, job, scope)
        values: dict[Call, Any] = {}
        while left := [call for call in calls if values.get(call, AGAIN) is AGAIN]:
            values.update(await self._round(left, patience, job))
        return [values[call] for call in calls]

    async def _round(
        self, calls: Sequence[Call], patience: dict[Call, Patience], job: Several
    ) -> dict[Call, Any]:
        """Look once; serve what serves, and obtain the rest."""
        seen = dict(zip(calls, await self._reader.look_all(calls), strict=True))
        values = self._reader.served_all(seen, job)
        missing = [call for call in calls if values[call] is MISSING]
        for call in missing:
            if patience[call].tries == 0:
                self._reader.missed(call, seen[call])
        values.update(await self._obtain(missing, seen, patience, job))
        return values

    async def _obtain(
        self,
        calls: Sequence[Call],
        seen: dict[Call, Seen],
        patience: dict[Call, Patience],
        job: Several,
    ) -> dict[Call, Any]:
        values = {call: self._rides.rested(call, seen[call], patience[call]) for call in calls}
        left = [call for call in calls if values[call] is AGAIN]
        rides = [self._rides.board(call, seen[call], patience[call]) for call in left]
        waiting = list(rides)
        try:
            await self._lead(rides, job)
            # Of the stubs of other processes one is waited for, then all are looked at again.
            flying = [ride for ride in rides if ride.flight is not None] or rides[:1]
            for ride in flying:
                waiting.remove(ride)
                values[ride.call] = await self._rides.follow(ride)
        finally:
            for ride in waiting:
                self._rides.get_off(ride)
        return values

    async def _lead(self, rides: Sequence[Ride], job: Several) -> None:
        for table in (self._rides.flights, self._rides.unstored):
            leading = [ride for ride in rides if ride.leading and ride.table is table]
            if leading:
                await self._rides.lead(leading, job)

    async def _read_past(self, calls: Sequence[Call], job: Several, scope: Scope) -> list[Any]:
        """R11: what is pending is not read, and nothing loaded is stored or shared."""
        seen = await self._reader.look_all(calls)
        values = {
            call: MISSING if scope.hides(call.key, saw.entry) else self._reader.serve(call, saw)
            for call, saw in zip(calls, seen, strict=True)
        }
        missing = [call for call in calls if values[call] is MISSING]
        if missing:
            values.update(zip(missing, await self._loader.alone(missing, job), strict=True))
        return [values[call] for call in calls]


def one_of(loader: Callable[[list[Any]], Any], name: Any) -> Callable[[], Any]:
    """A loader of one key out of one that loads several."""

    def load() -> Any:
        result = loader([name])
        if inspect.isawaitable(result):
            return _later(result, name)
        return found_by(result).get(name, MISSING)

    return load


async def _later(result: Any, name: Any) -> Any:
    return found_by(await result).get(name, MISSING)
