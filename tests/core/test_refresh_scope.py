"""R5: a function whose key leaves out an argument, a session say, is never run behind its caller's
back, unless it says how to get a new one."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from cachekit import Cache, ConfigurationError
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, ends, leftovers, start, ticks
from tests.core.threads import until

pytestmark = pytest.mark.virtual

WINDOWS: dict[str, Any] = {"ttl": TTL, "stale_while_revalidate": 60.0}


class Session:
    """Of a database; answers `"name number"` until it is closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked = 0
        self.ended_with: list[object] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def ask(self) -> str:
        assert not self.ended_with, "the session is closed"
        self.asked += 1
        return f"{self.name} {self.asked}"

    async def query(self) -> str:
        await self.gate.wait()
        return self.ask()


class Pool:
    """Gives a session to each refresh."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []

    def _new(self) -> Session:
        self.sessions.append(Session(f"refresh {len(self.sessions) + 1}"))
        return self.sessions[-1]

    @contextmanager
    def plain(self) -> Generator[dict[str, Any]]:
        session = self._new()
        try:
            yield {"db": session}
        except BaseException as error:
            session.ended_with.append(error)
            raise
        session.ended_with.append(None)

    @asynccontextmanager
    async def awaited(self) -> AsyncGenerator[dict[str, Any]]:
        await asyncio.sleep(0.1)
        with self.plain() as given:
            yield given


@pytest.fixture
def pool() -> Pool:
    return Pool()


# -- without a scope


@pytest.mark.parametrize("how", [{"ignore": ["db"]}, {"key": "of:{n}"}, {"key": lambda n, db: n}])
async def test_one_caller_refreshes_and_the_others_are_served(
    either: Cache, how: dict[str, Any]
) -> None:
    @either.cached(**how, **WINDOWS)
    async def function(n: str, db: Session) -> str:
        return await db.query()

    assert await function("1", Session("first")) == "first 1"
    await asyncio.sleep(TTL)
    leading, others = Session("leader"), Session("others")
    leading.gate.clear()
    leader = start(function("1", leading))
    await ticks()
    for _ in range(10):
        assert await function("1", others) == "first 1"
    assert not leader.done()
    leading.gate.set()
    assert await leader == "leader 1"
    assert await function("1", others) == "leader 1"
    assert others.asked == 0


async def test_its_load_ends_with_who_leads_it(either: Cache) -> None:
    @either.cached(key="k", ignore=["db"], soft_timeout=1.0, **WINDOWS)
    async def function(db: Session) -> str:
        return await db.query()

    await function(Session("first"))
    await asyncio.sleep(TTL)
    session = Session("leader")
    session.gate.clear()
    leader = start(function(session))
    await asyncio.sleep(2.5)
    assert not leader.done()  # not even after the soft timeout: who would close its session?
    assert function.info.loads == 2
    leader.cancel()
    await ends(leader)
    session.gate.set()
    await ticks()
    assert session.asked == 0
    assert await function(Session("next")) == "next 1"


async def test_if_it_fails_the_leader_has_the_old_value_too(either: Cache) -> None:
    @either.cached(key="k", ignore=["db"], **WINDOWS)
    async def function(db: Session) -> str:
        return await db.query()

    await function(Session("first"))
    await asyncio.sleep(TTL)
    closed = Session("closed")
    closed.ended_with.append(None)
    assert await function(closed) == "first 1"
    assert await function(Session("too soon")) == "first 1"
    assert function.info.loads == 2


async def test_there_is_no_early_refresh(either: Cache) -> None:
    @either.cached(key="k", ignore=["db"], ttl=TTL, early_refresh=1000)
    async def function(db: Session) -> str:
        await asyncio.sleep(0.5)
        return await db.query()

    for _ in range(20):
        await function(Session("any"))
        await asyncio.sleep(0.45)
    assert function.info.loads == 1


async def test_a_method_may_leave_out_its_object(either: Cache) -> None:
    class Shop:
        def __init__(self, name: str) -> None:
            self.session = Session(name)

        @either.cached(ignore_self=True, **WINDOWS)
        async def price(self, n: int) -> str:
            return await self.session.query()

    assert await Shop("first").price(1) == "first 1"
    await asyncio.sleep(TTL)
    assert await Shop("second").price(1) == "second 1"


# -- with a scope


@pytest.mark.parametrize("kind", ["plain", "awaited"])
async def test_each_refresh_has_a_scope_of_its_own(either: Cache, pool: Pool, kind: str) -> None:
    """Entered once, left once, after the load; what it gives replaces the caller's."""

    @either.cached(ignore=["db"], refresh_scope=getattr(pool, kind), **WINDOWS)
    async def function(n: int, db: Session, *, more: str = "") -> str:
        return await db.query() + more

    caller = Session("caller")
    for expected in ("caller 1!", "refresh 1 1!", "refresh 2 1!"):
        values = await asyncio.gather(*(function(1, db=caller, more="!") for _ in range(10)))
        assert set(values) == {expected}
        await asyncio.sleep(TTL)
        assert await function(1, caller, more="!") == expected
        await asyncio.sleep(1)
    assert caller.asked == 1
    assert [(s.asked, s.ended_with) for s in pool.sessions] == [(1, [None])] * 3


async def test_the_first_load_has_its_callers_arguments(either: Cache, pool: Pool) -> None:
    @either.cached(key="k", refresh_scope=pool.plain, **WINDOWS)
    async def function(db: Session) -> str:
        return await db.query()

    assert await function(Session("caller")) == "caller 1"
    assert await function.refresh(Session("again")) == "again 1"
    assert pool.sessions == []


async def test_what_the_load_raises_passes_through_the_scope(
    either: Cache, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    error = LookupError("no such thing")
    failing = False

    @either.cached(key="k", refresh_scope=pool.awaited, **WINDOWS)
    async def function(db: Session) -> str:
        if failing:
            raise error
        return await db.query()

    caller = Session("caller")
    await function(caller)
    failing = True
    await asyncio.sleep(TTL)
    with caplog.at_level(logging.WARNING, "cachekit"):
        for _ in range(3):
            assert await function(caller) == "caller 1"
            await asyncio.sleep(0.2)
    assert [session.ended_with for session in pool.sessions] == [[error]]
    assert "no such thing" in caplog.text


@pytest.mark.parametrize("given", [{"bd": None}, None, "db"])
async def test_a_scope_that_gives_what_there_is_not(
    either: Cache, given: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The function is not run with its caller's, which may be closed."""

    @contextmanager
    def scope() -> Generator[Any]:
        yield given

    @either.cached(key="k", refresh_scope=scope, **WINDOWS)
    async def function(db: Session) -> str:
        return await db.query()

    caller = Session("caller")
    await function(caller)
    await asyncio.sleep(TTL)
    with caplog.at_level(logging.WARNING, "cachekit"):
        assert await function(caller) == "caller 1"
        await ticks()
    assert "refresh_scope= must give a mapping of arguments, by names out of ['db']" in caplog.text
    assert caller.asked == 1


async def test_a_scope_that_does_not_open(either: Cache, caplog: pytest.LogCaptureFixture) -> None:
    def scope() -> Any:
        raise ConnectionError("no session is free")

    @either.cached(key="k", refresh_scope=scope, **WINDOWS)
    async def function(db: Session) -> str:
        return await db.query()

    caller = Session("caller")
    await function(caller)
    await asyncio.sleep(TTL)
    with caplog.at_level(logging.WARNING, "cachekit"):
        assert await function(caller) == "caller 1"
        await ticks()
    assert "no session is free" in caplog.text


async def test_what_is_no_scope(cache: Cache) -> None:
    with pytest.raises(ConfigurationError, match=r"refresh_scope='db' must be a function"):

        @cache.cached(key="k", refresh_scope="db")  # type: ignore[call-overload,untyped-decorator]
        async def function(db: Session) -> str:
            return await db.query()


async def test_an_object_that_is_called(either: Cache, pool: Pool) -> None:
    """Its scope lasts as long as the load, too."""

    class Query:
        async def __call__(self, db: Session) -> str:
            return await db.query()

    query = Query()
    function = either.cached(key="k", name="query", refresh_scope=pool.awaited, **WINDOWS)(query)
    caller = Session("caller")
    assert await function(caller) == "caller 1"
    await asyncio.sleep(TTL)
    assert await function(caller) == "caller 1"
    await asyncio.sleep(0.2)
    assert await function(caller) == "refresh 1 1"
    assert pool.sessions[0].ended_with == [None]


# -- those who block


def test_a_plain_def_is_refreshed_in_a_scope(
    frozen: Caches, fake_clock: FakeClock, pool: Pool
) -> None:
    cache = frozen()

    @cache.cached(key="k", refresh_scope=pool.plain, **WINDOWS)
    def function(db: Session) -> str:
        return db.ask()

    caller = Session("caller")
    assert function(caller) == "caller 1"
    fake_clock.advance(TTL)
    assert function(caller) == "caller 1"
    until(lambda: not leftovers([cache], []))
    assert function(caller) == "refresh 1 1"
    assert pool.sessions[0].ended_with == [None]


def test_its_scope_must_be_plain(
    frozen: Caches, fake_clock: FakeClock, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    cache = frozen()

    @cache.cached(key="k", refresh_scope=pool.awaited, **WINDOWS)
    def function(db: Session) -> str:
        return db.ask()

    caller = Session("caller")
    function(caller)
    fake_clock.advance(TTL)
    with caplog.at_level(logging.WARNING, "cachekit"):
        assert function(caller) == "caller 1"
        until(lambda: not leftovers([cache], []))
    assert "must be a plain one, too" in caplog.text
