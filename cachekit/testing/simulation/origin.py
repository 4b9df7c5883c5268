"""The database: the truth, and everything that was looked up in it."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cachekit.testing.simulation.history import History
from cachekit.testing.simulation.weather import CALM_WINDOWS, Weather, Windows

LOAD_TIMEOUT: Final = 6.0
"""What the caches are told, in seconds; a load that hangs takes much longer."""


class Value(NamedTuple):
    """What is cached, as text: whose it is, how new, and which load or `set` brought it."""

    key: str
    version: int
    source: int

    def __str__(self) -> str:
        return f"{self.key}@{self.version}/{self.source}"

    @classmethod
    def parse(cls, text: object) -> "Value":
        """Raises `ValueError` for what is no value of this simulation."""
        key, _, rest = str(text).partition("@")
        version, _, source = rest.partition("/")
        return cls(key, int(version), int(source))


@dataclass(eq=False)
class Load:
    """One look-up of one key, by a loader.

    `abandoned`: it failed since the caller that brought it had left. `skipped`: what it found must
    not be stored. `private`: it is for who began it alone. `ttl` and `windows` are what holds for
    its value, `confirmed` the loads that found it unchanged. `failed`: it raised, took too
    long, or was not to be stored; `in_vain`: its value need not count, for that or another reason.
    `alone`: nobody waits for it but who has begun it, or who did not take what was there. `tags`
    are those its call declares, `asked` is when that was made, `left` says whether its caller was
    cancelled, and `calm_since` whether its process's link has had no faults since then;
    `has_reached`, whether what is under some keys was within reach since it was asked.
    """

    number: int
    key: str
    process: str
    began: float
    ttl: float = 0.0
    windows: Windows = CALM_WINDOWS
    ended: float | None = None
    confirmed: "list[Load]" = field(default_factory=list["Load"])
    abandoned: bool = False
    raised_cancel: bool = False
    cancelled: bool = False
    skipped: bool = False
    private: bool = False
    in_vain: bool = False
    failed: bool = False
    alone: bool = False
    asked: float = 0.0
    calm_since: Callable[[float], bool] = lambda moment: True
    has_reached: Callable[[Sequence[str]], bool] = lambda keys: False
    tags: tuple[str, ...] = ()
    left: Callable[[], bool] = lambda: False

    @property
    def ended_at(self) -> float:
        """When it ended; of one under way, when it began."""
        return self.began if self.ended is None else self.ended

    @property
    def rests(self) -> bool:
        """Whether it was an attempt in vain, after which nobody should try at once."""
        failed = self.failed and self.ended is not None and not self.alone
        return failed and not (self.abandoned or self.cancelled or self.left())

    @property
    def life(self) -> "Load":
        """The load that its value has its times from."""
        return self.confirmed[-1] if self.confirmed else self

    @property
    def rivals(self) -> "list[Load]":
        """Those that it may have them from as well: one of two at a time is refused."""
        others, asked = [self, *self.confirmed][:-1], self.life.asked
        return [load for load in others if load.ended is not None and load.ended >= asked]


class LoadFailed(Exception):
    """What a loader raises; it knows its loads."""

    def __init__(self, loads: Sequence[Load]) -> None:
        super().__init__(" ".join(f"/{load.number} of {load.key}" for load in loads))
        self.loads = {load.key: load for load in loads}


@dataclass
class Origin:
    """The current version of each key, and all loads. Until `down_until` every load fails.

    `names` are the tags that values name themselves, each version its own; `namers` the keys whose
    values do.
    """

    history: History
    rng: random.Random
    weather: Weather
    names: Sequence[str] = ()
    namers: set[str] = field(default_factory=set[str])
    versions: dict[str, int] = field(default_factory=dict[str, int])
    loads: list[Load] = field(default_factory=list[Load])
    timed_out: set[str] = field(default_factory=set[str])
    vain: dict[str, Load] = field(default_factory=dict[str, Load])
    running: Counter[str] = field(default_factory=Counter[str])
    unchanged: set[str] = field(default_factory=set[str])
    """What was set, and found unchanged by a load."""
    down_until: float = 0.0
    begins: Callable[[Load], None] = lambda load: None
    wrong: Callable[[Load, str], None] = lambda load, what: None
    _named: dict[tuple[str, int], tuple[str, ...]] = field(
        default_factory=dict[tuple[str, int], tuple[str, ...]]
    )

    def commit(self, at: float, who: str, key: str) -> int:
        """Change a key; its new version."""
        version = self.versions[key] = self.versions[key] + 1
        names = " ".join(self.named(key, version))
        self.history.add(at, who, f"COMMITS @{version}", key, names)
        return version

    def named(self, key: str, version: int) -> tuple[str, ...]:
        """The tags that this version names when it is loaded."""
        if key not in self.namers:
            return ()
        names = self._named.get((key, version))
        if names is None:
            rng = random.Random(f"{key}@{version}")
            names = tuple(name for name in self.names if rng.random() < 0.4)
            self._named[key, version] = names
        return names

    def begin(self, load: Load) -> None:
        """A loader was called."""
        self.loads.append(load)
        self.history.add(load.began, load.process, f"begins load /{load.number}", load.key)
        self.begins(load)

    def end(self, load: Load, at: float, ending: str) -> None:
        """A loader has ended, however."""
        load.ended = at
        if load.in_vain:
            self.vain[load.key] = load
        self.history.add(at, load.process, f"load /{load.number} {ending}", load.key)

    def is_private(self, value: Value) -> bool:
        return bool(value.source) and self.loads[value.source - 1].private

    def counts(self, value: str) -> bool:
        """What `when=` is: whether a loaded value is to be stored."""
        source = Value.parse(value).source
        return not source or not self.loads[source - 1].skipped
