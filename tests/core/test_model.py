"""The whole cache against a dict, one caller at a time, with a store that may fail.

Who is served gets what is there; what was forgotten is gone; after an answer that got lost both
are possible, until something is known again.
"""

import asyncio
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from cachekit import MISSING, Key, Prefix, Tag, Target
from cachekit.entry import Kind
from cachekit.testing.faulty import Fault
from tests.core.faces import Awaiting, Blocking, asked, block
from tests.core.machine import LOST, TIMEOUT, Begun, CacheMachine, covers
from tests.core.model import Held, State, Step, a_stub

OWN = "the block's own error"
ALL = "what all entries of the function carry"

keys = st.sampled_from(["a", "b", "f:1", "f:2"])
several_keys = st.lists(keys, unique=True, max_size=4)
tags = st.lists(st.sampled_from(["t", "u", "fs", "f:1"]), unique=True, max_size=2)
ttls = st.sampled_from([None, 10.0, 60.0])
numbers = st.sampled_from([1, 2])
spans = st.sampled_from([0.7131, 5.3177, 11.1239, 61.907])
targets = st.lists(
    st.one_of(
        keys.map(Key),
        st.sampled_from(["t", "u", "fs", "f:1"]).map(Tag),
        st.sampled_from(["f:", "a", "b", "x"]).map(Prefix),
    ),
    min_size=1,
    max_size=3,
)
inner = st.one_of(
    st.tuples(st.sampled_from(["get", "exists", "delete", "set", "add", "load", "clear"]), keys),
    st.tuples(st.just("invalidate"), targets),
    st.tuples(st.just("call"), numbers),
)
faults = st.sampled_from([Fault.NONE, Fault.LOST, Fault.MUTE, Fault.PARTLY])
scripts = st.lists(faults, min_size=1, max_size=5)


class AwaitingInMemory(CacheMachine):
    """Those who await, in memory; the others below change that."""

    # -- reading

    @rule(key=keys)
    def get(self, key: str) -> None:
        self.model.see(key, self.ask(self.api.get, key, MISSING), self.read)

    @rule(several=several_keys)
    def get_many(self, several: list[str]) -> None:
        found = self.ask(self.api.get_many, several)
        assert found.keys() <= set(several)
        for key in several:
            self.model.see(key, found.get(key, MISSING), self.read)

    @rule(key=keys)
    def exists(self, key: str) -> None:
        def step(state: State) -> Iterator[Step]:
            yield from ((value is not MISSING, after) for value, after in self.read(state))

        self.model.see(key, self.ask(self.api.exists, key), step)

    @rule(key=keys, tags=tags, ttl=ttls, fails=st.booleans())
    def get_or_set(self, key: str, tags: list[str], ttl: float | None, fails: bool) -> None:
        if key not in self.loads:
            load = self.load_error if fails else self.load_value
            answer = self.ask(self.api.get_or_set, key, load, tags=tags, ttl=ttl)
            self.see_load(key, answer, tags, ttl, fails)

    # -- writing and forgetting

    @rule(key=keys, tags=tags, ttl=ttls)
    def put(self, key: str, tags: list[str], ttl: float | None) -> None:
        answer = self.ask(lambda: self.api.set(key, self.value, tags=tags, ttl=ttl))
        self.acknowledged(key, answer, self.stored(tags, ttl))

    @rule(several=several_keys, tags=tags)
    def put_many(self, several: list[str], tags: list[str]) -> None:
        answer = self.ask(lambda: self.api.set_many(dict.fromkeys(several, self.value), tags=tags))
        for key in several:
            self.acknowledged(key, answer, self.stored(tags))

    @rule(key=keys, tags=tags)
    def add(self, key: str, tags: list[str]) -> None:
        answer = self.ask(lambda: self.api.add(key, self.value, tags=tags))
        if self.backend.struck:
            self.murky.add(key)

        def step(state: State) -> Iterator[Step]:
            hit = self.served(state)
            if True in hit or self.backend.struck:
                yield False, state
            if False in hit:
                for carries in self.taken_over(state, tags):
                    yield True, self.stored(carries)
                    if self.backend.struck:
                        yield False, self.stored(carries)
            if self.backend.struck:
                yield False, None

        self.model.see(key, answer, step)

    @rule(key=keys)
    def delete(self, key: str) -> None:
        self.acknowledged(key, self.ask(self.api.delete, key), None)

    @rule(several=several_keys)
    def delete_many(self, several: list[str]) -> None:
        answer = self.ask(self.api.delete_many, several)
        for key in several:
            self.acknowledged(key, answer, None)

    def _forgotten(self, answer: Any, targets: list[Target]) -> None:
        self.model.lose(lambda key, e: covers(targets, key, e), sure=answer is not LOST)

    @rule(what=targets)
    def invalidate(self, what: list[Target]) -> None:
        self._forgotten(self.ask(self.api.invalidate, *what), what)

    @rule(what=targets)
    def emit(self, what: list[Target]) -> None:
        answer = self.ask(self.api.emit, what)
        assert answer in (LOST, tuple(what))
        self._forgotten(answer, what)

    @rule()
    def clear(self) -> None:
        answer = self.ask(self.api.clear)
        self.model.lose(lambda key, entry: True, sure=answer is not LOST)

    # -- a decorated function

    def _of(self, n: int) -> tuple[str, list[str]]:
        return f"f:{n}", ["fs", f"f:{n}", ALL]

    @rule(n=numbers)
    def call(self, n: int) -> None:
        key, tags = self._of(n)
        if key not in self.loads:
            self.see_load(key, self.ask(self.function, n), tags)

    @rule(n=numbers)
    def function_get(self, n: int) -> None:
        key, tags = self._of(n)
        self.model.see(key, self.ask(self.function.get, n), lambda s: self.read(s, tags))

    @rule(n=numbers)
    def function_set(self, n: int) -> None:
        key, tags = self._of(n)
        answer = self.ask(lambda: self.function.set(self.value, n))
        self.acknowledged(key, answer, self.stored(tags))

    @rule(n=numbers)
    def function_invalidate(self, n: int) -> None:
        self.acknowledged(self._of(n)[0], self.ask(self.function.invalidate, n), None)

    @rule()
    def function_clear(self) -> None:
        answer = self.ask(self.function.clear)
        self.model.lose(lambda key, entry: ALL in entry.tags, sure=answer is not LOST)

    @rule(n=numbers)
    def function_refresh(self, n: int) -> None:
        key, tags = self._of(n)
        answer = self.ask(self.function.refresh, n)
        if answer is LOST:
            self.acknowledged(key, LOST, None)
        else:
            self.model.change(key, None)
            self.see_load(key, answer, tags)

    # -- blocks

    @rule(inside=st.lists(inner, max_size=4), raises=st.booleans())
    def deferred(self, inside: list[tuple[str, Any]], raises: bool) -> None:
        doomed: list[Target | None] = []

        async def work() -> None:
            async with block(self.api):
                for name, what in inside:
                    await self._inside(name, what, doomed)
                if raises:
                    raise LookupError(OWN)

        answer = self.run(work())
        assert answer in ([OWN] if raises else [None, LOST])
        unsure = answer is LOST or (raises and self.backend.struck)
        self.model.lose(lambda key, e: self._dooms(doomed, key, e), sure=not unsure)
        self.look_at_all()

    @staticmethod
    def _dooms(doomed: list[Target | None], key: str, entry: Held) -> bool:
        return None in doomed or covers([t for t in doomed if t], key, entry)

    async def _inside(self, name: str, what: Any, doomed: list[Target | None]) -> None:
        api, pending = self.api, list(doomed)

        def read(state: State, tags: Iterable[str] = ()) -> Iterator[Step]:
            hidden = Key(what) in pending or (state and self._dooms(pending, what, state))
            yield from [(MISSING, state)] if hidden else self.read(state, tags)

        def exists(state: State) -> Iterator[Step]:
            yield from ((value is not MISSING, after) for value, after in read(state))

        def load(state: State, tags: Iterable[str] = ()) -> Iterator[Step]:
            yield from ((self.value if v is MISSING else v, s) for v, s in read(state, tags))

        if name == "get":
            self.model.see(what, await asked(api.get(what, MISSING)), read)
        elif name == "exists":
            self.model.see(what, await asked(api.exists(what)), exists)
        elif name == "load":
            self.model.see(what, await asked(api.get_or_set(what, self.load_value)), load)
        elif name == "call":
            n, (what, tags) = what, self._of(what)
            self.model.see(what, await asked(self.function(n)), lambda s: load(s, tags))
        elif name == "clear":
            await asked(api.clear())
            doomed.append(None)
        elif name == "invalidate":
            await asked(api.invalidate(*what))
            doomed.extend(what)
        else:
            arguments = (what,) if name == "delete" else (what, self.value)
            assert not await asked(getattr(api, name)(*arguments))
            doomed.append(Key(what))

    # -- time, faults, evictions

    @rule(seconds=spans)
    def wait(self, seconds: float) -> None:
        oldest = min((begun.since for begun in self.loads.values()), default=self.now)
        if self.now + seconds - oldest < TIMEOUT - 1 or not self.loads:
            self.face.pass_time(seconds)

    @precondition(lambda self: not self.loads)
    @rule(script=scripts)
    def fail(self, script: list[Fault]) -> None:
        self.backend.heal()
        self.backend.fail(*script)

    @rule()
    def heal(self) -> None:
        self.backend.heal()

    @precondition(lambda self: self.slow)
    @rule(kind=st.sampled_from([Kind.VALUE, Kind.TAG, Kind.STUB, Kind.PASS]))
    def evict(self, kind: Kind) -> None:
        self.shelf.evict(kind)
        self.model.lose(lambda key, entry: kind in (Kind.TAG, _kind(entry)))

    # -- loads that take their time

    @precondition(lambda self: self.face_of is Awaiting and not self.backend.failing)
    @rule(key=keys, tags=tags, ttl=ttls)
    def begin_load(self, key: str, tags: list[str], ttl: float | None) -> None:
        before = self.model.of(key)
        would_wait = key in self.loads or key in self.murky
        if would_wait or any(True in self.served(state) for state in before):
            return
        gate = asyncio.Event()

        async def load() -> int:
            await gate.wait()
            return number

        async def begin() -> "asyncio.Task[Any]":
            asking = self.api.get_or_set(key, load, tags=tags, ttl=ttl)
            return asyncio.get_running_loop().create_task(asking)

        task = self.run(begin())
        number = self.value
        self.loads[key] = Begun(number, gate, task, ttl, self.now)
        carried = {own for state in before for own in self.taken_over(state, tags)}
        self.model.change(key, *(a_stub(own, number) for own in carried))

    @precondition(lambda self: self.loads)
    @rule(data=st.data())
    def finish_load(self, data: st.DataObject) -> None:
        self.finish(data.draw(st.sampled_from(sorted(self.loads))))


def _kind(entry: Held) -> Kind:
    if entry.load:
        return Kind.STUB
    return Kind.PASS if entry.value is MISSING else Kind.VALUE


class BlockingInMemory(AwaitingInMemory):
    face_of = Blocking


class AwaitingSlowly(AwaitingInMemory):
    slow = True


class BlockingSlowly(AwaitingInMemory):
    face_of = Blocking
    slow = True


class AwaitingInLittleRoom(AwaitingInMemory):
    room = 2


MACHINES = [
    AwaitingInMemory,
    BlockingInMemory,
    AwaitingSlowly,
    BlockingSlowly,
    AwaitingInLittleRoom,
]


@pytest.mark.parametrize("machine", MACHINES)
def test_like_a_dict(machine: type[CacheMachine]) -> None:
    settings = _settings(max_examples=40, stateful_step_count=30, derandomize=True)
    run_state_machine_as_test(machine, settings=settings)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("machine", MACHINES)
def test_like_a_dict_for_long(machine: type[CacheMachine]) -> None:
    settings = _settings(max_examples=500, stateful_step_count=60)
    run_state_machine_as_test(machine, settings=settings)


_settings = partial(settings, deadline=None, suppress_health_check=list(HealthCheck))
