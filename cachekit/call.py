"""What one call wants, and what its read of the backend saw."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final, NamedTuple, TypeAlias

from cachekit.entry import VALUE, Caller, Entry
from cachekit.errors import ConfigurationError
from cachekit.policy import LEASE, Policy
from cachekit.runtime import Ways
from cachekit.stats import Info

Hit: TypeAlias = Callable[[str, Caller, Info], Any]
"""A warm hit under a store key, or `MISSING`."""


@dataclass(slots=True, eq=False)
class Call:
    """A question: one key, the tags it declares (store keys), and how to answer it.

    `load` is its loader, and `refresh` the one that may also run when the caller is gone, if there
    is any; a `partial` call may find that its loader has nothing for the key. `owner` is the cache
    that asks. `vouch` stands for a decorated function: for one key it always declares the same
    tags, so an entry that was checked once for it need not be checked again. `of_any_format`: the
    value itself does not matter. `accepts`: what a value must fulfil, or it is loaded anew for this
    caller.
    """

    key: str
    tags: tuple[str, ...]
    policy: Policy
    ways: Ways
    load: Callable[[], Any]
    info: Info
    owner: object
    namespace: str
    refresh: Callable[[], Any] | None = None
    vouch: Caller | None = None
    partial: bool = False
    same: Callable[[], bool] | None = None
    of_any_format: bool = False
    accepts: Callable[[Entry], bool] | None = None
    taken: int | None = None

    def is_as_asked(self) -> bool:
        """Whether its arguments still make its key: who is gone may have changed them."""
        try:
            return self.same is None or self.same()
        except Exception:  # whatever a key function raises for what it finds now
            return False

    @property
    def name(self) -> str:
        """The function's, `""` for a direct call."""
        return "" if self.vouch is None else self.vouch.name

    @property
    def voucher(self) -> Caller | None:
        """Who need not look again at an entry that was checked for this call, if there is anybody.

        The function; or all direct calls of the same policy, as long as they declare no tags;
        nobody for a policy that was made for one call.
        """
        if self.vouch is not None:
            return self.vouch
        return self.policy.voucher

    def takes_at_once(self, entry: Entry) -> bool:
        """Whether it takes the entry with nothing more to ask; remembered by its version."""
        if self.policy.early_refresh or self.accepts is not None or not self.takes(entry):
            return False
        self.taken = entry.version
        return True

    def takes(self, entry: Entry) -> bool:
        """Whether the entry's tags cover this call's, and its bytes are ours."""
        tags = entry.tags
        for tag in self.tags:
            if tag not in tags:
                return False
        return entry.kind is not VALUE or self.reads(entry)

    def reads(self, entry: Entry) -> bool:
        """Whether a value was written in this call's format, for its schema and its version.

        A direct call without a version takes any; a function without one is a version, too: the
        release before the first that has a number.
        """
        if self.of_any_format:
            return True
        policy = self.policy
        codec, version = policy.codec, policy.version
        if entry.codec != codec.id or entry.schema != codec.fingerprint:
            return False
        return version == entry.revision or (not version and self.vouch is None)


class Seen(NamedTuple):
    """What a read saw: the entry, the records of its tags and the call's, and whether all answered.

    `valid`: in that moment each of its tags was at the version it carries. `near`: the entry is the
    very one that is kept in this process. `refused`: the caller does not take the value, which
    stays for others.
    """

    entry: Entry | None = None
    records: Mapping[str, Entry] = {}
    answered: bool = True
    valid: bool = False
    near: bool = False
    refused: bool = False

    @property
    def value(self) -> Entry | None:
        """The entry, if it is a value whose tags hold, fresh or not."""
        entry = self.entry
        return entry if self.valid and entry is not None and entry.kind is VALUE else None


UNANSWERED: Final = Seen(answered=False)
"""Nothing is known of what is there."""


class Patience:
    """How long one call waits for others: `until` (R9), and for which stubs (R2)."""

    tries = waits = 0
    version: int | None = None
    since = 0.0
    outwaited = False

    def __init__(self, until: float = inf) -> None:
        self.until = until

    def waits_for(self, version: int, now: float) -> bool:
        """R2: one whose stub vanished does not wait again, else callers starve in turn.

        One that saw its stub live for most of a lease may: there the leader was killed.
        """
        if self.version == version:
            self.waits += 1
            return True
        if self.version is not None:
            if self.outwaited or now - self.since < LEASE / 2:
                return False
            self.outwaited = True
        self.version, self.since = version, now
        return True

    def gives_up(self) -> bool:
        """After a few rounds without a result it is time to load without storing."""
        self.tries += 1
        return self.tries - self.waits > 4


def several(argument: str, names: Iterable[str]) -> tuple[str, ...]:
    """`names`; a `ConfigurationError` if it is but one, which is several of one letter each."""
    if isinstance(names, str):
        raise ConfigurationError(f"{argument}={names!r} is one str: write {argument}=[{names!r}]")
    return tuple(names)


def loader_of(given: Any, taking: str = "without arguments") -> Callable[..., Any]:
    """`given`, or a `TypeError` for what cannot be called."""
    if callable(given):
        return given  # type: ignore[no-any-return]
    if inspect.iscoroutine(given):
        given.close()
    raise TypeError(
        f"loader must be a function {taking}, not {given!r}; for a coroutine write lambda: it()"
    )
