"""Those who look things up: loaders that take their time, fail, hang, and say what they think."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from cachekit import MISSING, current_load
from cachekit.testing.simulation.choices import Choice
from cachekit.testing.simulation.origin import LOAD_TIMEOUT, Load, LoadFailed, Origin, Value
from cachekit.testing.simulation.weather import CALM_WINDOWS, Windows, load_time

HANGS: Final = 500.0


@dataclass(eq=False)
class Session:
    """What a caller's loader needs: `closed` when the caller is gone, `answered` or not."""

    closed: bool = False
    answered: bool = False


@dataclass(eq=False)
class Loader:
    """One caller's loader; `left` is set once that caller was cancelled.

    `needs_caller`: it fails when that has happened; `may_cancel`: it may raise `CancelledError`;
    `inside`: its caller is itself inside a load; `past`: what is cached must not be used; `choice`:
    what its caller takes of what is there; `tags`, `ttl` and `windows` are what its call says, and
    `asked` is when. `calm_since` says whether the link of its process has had no faults since then,
    `has_reached` whether it could reach some keys all the while.
    """

    origin: Origin
    process: str
    key: str
    tags: tuple[str, ...] = ()
    ttl: float = 0.0
    windows: Windows = CALM_WINDOWS
    nested: Callable[[], Awaitable[None]] | None = None
    asked: float = 0.0
    calm_since: Callable[[float], bool] = lambda moment: True
    has_reached: Callable[[Sequence[str]], bool] = lambda keys: False
    needs_caller: bool = False
    may_cancel: bool = True
    inside: bool = False
    past: bool = False
    choice: Choice | None = None
    session: Session | None = None
    left: bool = False
    loads: list[Load] = field(default_factory=list[Load])

    @property
    def loading(self) -> bool:
        return bool(self.loads) and self.loads[-1].ended is None

    async def __call__(self) -> str:
        with self._under_way():
            load = self.begin(self.key)
            with self._ending([load]):
                value = await self._look_up([load])
                load.in_vain = load.skipped or bool(self.origin.named(*value[:2]))
                return str(value)

    async def several(self, keys: Sequence[str]) -> Mapping[str, str]:
        """What is found of several keys, looked up at once."""
        with self._under_way():
            loads = [self.begin(key) for key in keys]
            with self._ending(loads):
                return await self._look_all_up(loads)

    def begin(self, key: str) -> Load:
        number = len(self.origin.loads) + 1
        load = Load(number, key, self.process, _now(), self.ttl, self.windows)
        load.asked, load.calm_since, load.tags = self.asked, self.calm_since, self.tags
        load.has_reached, load.left = self.has_reached, lambda: self.left
        refused = self.choice is not None and self.choice.refused
        load.alone = self.inside or self.past or refused
        self.loads.append(load)
        self.origin.begin(load)
        if self.session is not None and self.session.answered:
            self.origin.wrong(load, "began after its caller had an answer and closed its session")
        return load

    @contextmanager
    def _under_way(self) -> Generator[None]:
        running = self.origin.running
        running[self.process] += not self.inside
        try:
            yield
        finally:
            running[self.process] -= not self.inside

    @contextmanager
    def _ending(self, loads: Sequence[Load]) -> Generator[None]:
        ending = "has ended"
        try:
            yield
        except LoadFailed:
            ending = "FAILS"
            self._spoil(loads)
            raise
        except asyncio.CancelledError:
            ending = "was cancelled"
            for load in loads:
                load.cancelled = True
            self._note_timeout(loads)
            self._spoil(loads)
            raise
        finally:
            for load in loads:
                self.origin.end(load, _now(), ending)

    @staticmethod
    def _spoil(loads: Sequence[Load]) -> None:
        for load in loads:
            load.in_vain = load.failed = True

    def _note_timeout(self, loads: Sequence[Load]) -> None:
        if _now() - loads[0].began > 0.999 * LOAD_TIMEOUT:
            for load in loads:
                load.cancelled = False
            self.origin.timed_out.update(load.key for load in loads)
            self.origin.history.covered["loads that timed out"] += 1

    async def _look_up(self, loads: Sequence[Load]) -> Value:
        load = loads[0]
        rng, duration = self.origin.rng, self._duration()
        before = rng.random() * duration
        await asyncio.sleep(before)
        found = Value(load.key, self.origin.versions[load.key], load.number)
        if self.nested is not None:
            await self.nested()
        await asyncio.sleep(duration - before)
        self._fail(loads)
        return self._say(loads, [found])[0]

    async def _look_all_up(self, loads: Sequence[Load]) -> Mapping[str, str]:
        rng, duration = self.origin.rng, self._duration()
        before = rng.random() * duration
        await asyncio.sleep(before)
        found = [Value(it.key, self.origin.versions[it.key], it.number) for it in loads]
        await asyncio.sleep(duration - before)
        self._fail(loads)
        left_out = {load.key for load in loads if rng.random() < self.origin.weather.left_out}
        self.origin.history.covered["keys that a loader left out"] += len(left_out)
        for load in loads:
            named = bool(self.origin.named(load.key, self.origin.versions[load.key]))
            load.in_vain = named or load.key in left_out
        self._say(loads, found)
        return {value.key: str(value) for value in found if value.key not in left_out}

    def _say(self, loads: Sequence[Load], found: list[Value]) -> list[Value]:
        """Tell the cache about this load, if there is anything to tell."""
        names = [name for value in found for name in self.origin.named(value.key, value.version)]
        if names:
            current_load().tag(*names)
            self.origin.history.covered["loads that named tags"] += 1
        rng, weather = self.origin.rng, self.origin.weather
        if rng.random() < weather.load_private:
            self._keep_private(loads)
        elif rng.random() < weather.load_skips:
            self._skip(loads)
        elif rng.random() < weather.load_says_ttl:
            for load in loads:
                load.ttl *= 0.7
            current_load().ttl = loads[0].ttl
            self.origin.history.covered["loads that said their ttl"] += 1
        if rng.random() < weather.load_windows:
            self._say_windows(loads)
        if len(loads) == 1 and not loads[0].private and rng.random() < weather.load_same:
            return [self._same(loads[0], found[0])]
        return found

    def _keep_private(self, loads: Sequence[Load]) -> None:
        for load in loads:
            load.private = load.skipped = load.failed = load.in_vain = True
        current_load().skip(private=True)
        self.origin.history.covered["private loads"] += 1

    def _say_windows(self, loads: Sequence[Load]) -> None:
        rng = self.origin.rng
        revalidate, error = (rng.choice([0.0, rng.uniform(0.5, 5.0)]) for _ in range(2))
        current_load().stale(while_revalidate=revalidate, if_error=error)
        over = rng.random() < 0.2 and not loads[0].skipped and bool(revalidate or error)
        for load in loads:
            load.windows = load.windows._replace(revalidate=revalidate, error=error)
            load.ttl = 0.0 if over else load.ttl
        if over:
            current_load().ttl = 0
        self.origin.history.covered["loads that said their windows"] += 1

    def _skip(self, loads: Sequence[Load]) -> None:
        for load in loads:
            load.skipped = load.failed = True  # which is what `when=` goes by
        how = self.origin.rng.choice(["skip", "skip", "ttl", "when"])
        if how == "skip":
            current_load().skip()
        elif how == "ttl":
            current_load().ttl = 0
        self.origin.history.covered["loads that were not to be stored"] += 1

    def _same(self, load: Load, found: Value) -> Value:
        """The old value, if it is what was found."""
        old = current_load().old
        if old is MISSING or Value.parse(old).version != found.version:
            return found
        value = Value.parse(current_load().not_modified())
        if value.source:
            self.origin.loads[value.source - 1].confirmed.append(load)
        self.origin.unchanged.add(str(value))
        self.origin.history.covered["values found unchanged"] += 1
        return value

    def _duration(self) -> float:
        rng, weather = self.origin.rng, self.origin.weather
        if _now() < self.origin.down_until:
            return rng.expovariate(1 / 0.01)
        if rng.random() < weather.load_hangs:
            return HANGS
        return load_time(rng, weather)

    def _fail(self, loads: Sequence[Load]) -> None:
        rng, weather, covered = self.origin.rng, self.origin.weather, self.origin.history.covered
        if _now() < self.origin.down_until:
            covered["loads while the origin was down"] += 1
            raise LoadFailed(loads)
        gone = self.session is not None and self.session.closed
        if gone or (self.left and self.needs_caller):
            for load in loads:
                load.abandoned = True
            raise LoadFailed(loads)
        if self.may_cancel and rng.random() < weather.load_cancels:
            loads[0].raised_cancel = True
            covered["loaders that raised CancelledError"] += 1
            raise asyncio.CancelledError
        if rng.random() < weather.load_fails:
            covered["failed loads"] += 1
            raise LoadFailed(loads)


def _now() -> float:
    return asyncio.get_running_loop().time()
