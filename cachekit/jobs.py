"""What loads: one key by a loader without arguments, or several by one that takes them all."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeGuard

from cachekit.lease import Lead
from cachekit.missing import MISSING


class Job(Protocol):
    """What loads the values of some keys."""

    def start(self, leads: Sequence[Lead]) -> Any:
        """Call the loader; what it returns may have to be awaited."""
        ...

    def values(self, leads: Sequence[Lead], result: Any) -> Sequence[Any]:
        """One value for each lead, out of what the loader returned; `MISSING`: it has none."""
        ...

    def behind(self) -> "Job | None":
        """The same for when nobody waits any longer, if there is such a thing."""
        ...


class One:
    """The value of one key."""

    def __init__(self, load: Callable[[], Any], refresh: Callable[[], Any] | None) -> None:
        self._load = load
        self._refresh = refresh

    def start(self, leads: Sequence[Lead]) -> Any:
        return self._load()

    def values(self, leads: Sequence[Lead], result: Any) -> Sequence[Any]:
        return (result,)

    def behind(self) -> Job | None:
        return None if self._refresh is None else One(self._refresh, self._refresh)


class Several:
    """The values of several keys; `names` has what the loader calls each, by store key."""

    def __init__(
        self,
        loader: Callable[[list[Any]], Any],
        again: Callable[[list[Any]], Any] | None,
        names: Mapping[str, Any],
    ) -> None:
        self._loader = loader
        self._again = again
        self._names = names

    def start(self, leads: Sequence[Lead]) -> Any:
        return self._loader([self._names[lead.call.key] for lead in leads])

    def values(self, leads: Sequence[Lead], result: Any) -> Sequence[Any]:
        found = found_by(result)
        return [found.get(self._names[lead.call.key], MISSING) for lead in leads]

    def behind(self) -> Job | None:
        return self._again and Several(self._again, self._again, self._names)


def found_by(result: object) -> Mapping[Any, Any]:
    """What a loader of several keys returned; a `TypeError` if it is no mapping."""
    return mapping_of(result, "a loader of several keys returns")


def mapping_of(given: object, who: str) -> Mapping[Any, Any]:
    """`given`; a `TypeError` if it is no mapping."""
    if not _is_mapping(given):
        raise TypeError(f"{who} a mapping of what is there, by name; not {given!r}")
    return given


def _is_mapping(given: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(given, Mapping)
