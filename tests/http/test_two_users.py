"""Two users of applications that have not thought of caches: no byte of one reaches the other.

Each application knows its users in another way, tells their secrets in every part of its answers,
and calls all of it public. Users ask in every way that there is, one after the other and at once.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit.http import CacheControl, ResponseCache, Rule
from cachekit.http.exchange import App, Receive, Scope, Send
from tests.http.helpers import (
    Answer,
    Client,
    Lines,
    Reply,
    Sites,
    chunk,
    fresh,
    lines_of,
    reply,
    rest,
    scope_of,
    start,
)

USERS = ("ada", "bob", "")
WHO: ContextVar[str] = ContextVar("WHO", default="")


def secret(user: str) -> bytes:
    return b"secret-of-" + user.encode()


@dataclass(frozen=True)
class Way:
    """How a user says who it is, and how an application hears of it."""

    says: Callable[[str], Mapping[str, str]]
    hears: Callable[[Scope], str]
    outside: Callable[[App], App] | None = None
    url: Callable[[str], str] = lambda user: "/page"
    rules: Sequence[Rule] = ()


def in_field(name: str, prefix: str = "") -> Way:
    """By a field of the request."""

    def hears(scope: Scope) -> str:
        said = [value.decode() for key, value in scope["headers"] if key == name.encode()]
        return said[0].removeprefix(prefix) if said else ""

    return Way(lambda user: {name: prefix + user} if user else {}, hears)


class Outside:
    """A middleware in front of the cache that knows users by a field of any name."""

    def __init__(self, app: App, name: str, tell: Callable[[Scope, str], None]) -> None:
        self.app, self.name, self.tell = app, name.encode(), tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.tell(scope, dict(scope["headers"]).get(self.name, b"").decode())
        await self.app(scope, receive, send)


class User:
    def __init__(self, name: str) -> None:
        self.name = name
        self.is_authenticated = bool(name)


def outside(name: str, tell: Callable[[Scope, str], None], hears: Callable[[Scope], str]) -> Way:
    says = in_field(name).says
    return Way(says, hears, lambda app: Outside(app, name, tell))


def put_user(scope: Scope, user: str) -> None:
    scope["user"] = User(user)


def put_session(scope: Scope, user: str) -> None:
    scope["session"] = {"user": user} if user else {}


def put_context(scope: Scope, user: str) -> None:
    WHO.set(user)


def host_of(scope: Scope) -> str:
    host: bytes = dict(scope["headers"])[b"host"]
    return host.decode().partition(".")[0].removeprefix("www")


def query_of(scope: Scope) -> str:
    return str(scope["query_string"].decode().rpartition("user=")[2])


SESSION = in_field("cookie", "sid=")
WAYS = {
    "Authorization": in_field("authorization", "Bearer "),
    "Cookie": SESSION,
    "Cookie by rule": Way(SESSION.says, SESSION.hears, rules=[Rule(path="/*", cookies=["sid"])]),
    "X-API-Key": in_field("x-api-key"),
    "a name of its own": in_field("x-acme-session"),
    "tenant": in_field("x-tenant"),
    "CORS": in_field("origin", "https://"),
    "host": Way(lambda user: {"host": f"{user or 'www'}.test"}, host_of),
    "query": Way(lambda user: {}, query_of, url=lambda user: f"/page?user=&user={user}"),
    "user outside": outside("x-badge", put_user, lambda scope: scope["user"].name),
    "session outside": outside(
        "x-badge", put_session, lambda scope: scope["session"].get("user", "")
    ),
    "context outside": outside("authorization", put_context, lambda scope: WHO.get()),
}


@dataclass
class Careless:
    """The application. The more `ticks`, the later it answers."""

    way: Way
    fields: Mapping[str, str]
    same_tag: bool = False
    statuses: Sequence[int] = (200,)
    ticks: int = 0
    told: list[str] = field(default_factory=list[str])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        user = self.way.hears(scope)
        self.told.append(user)
        for _ in range(self.ticks):
            await asyncio.sleep(0)
        status = self.statuses[len(self.told) % len(self.statuses)]
        tag = '"all"' if self.same_tag else f'"{secret(user).decode()}"'
        if tag.encode() in [v for n, v in scope["headers"] if n == b"if-none-match"]:
            status = 304
        if status == 599:
            raise ValueError(secret(user))
        await send(start(status, self._headers(user, tag)))
        await asyncio.sleep(0)
        if status != 304:
            await send(chunk(b"hello ", more=True))
            await asyncio.sleep(0)
        await send(chunk(b"" if status == 304 else secret(user), more=False))

    def _headers(self, user: str, tag: str) -> Lines:
        mine = secret(user).decode()
        return lines_of({**self.fields, "etag": tag, "x-user": mine, "location": f"/{mine}"})


@dataclass(frozen=True)
class Ask:
    """What one user asks for."""

    user: str
    method: str = "GET"
    fields: tuple[tuple[str, str], ...] = ()


ASKS = st.builds(
    Ask,
    st.sampled_from(USERS),
    st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"]),
    st.lists(
        st.sampled_from(
            [
                ("cache-control", "no-cache"),
                ("cache-control", "max-stale"),
                ("cache-control", "only-if-cached"),
                ("if-none-match", '"all"'),
                ("if-none-match", '"secret-of-ada"'),
                ("if-none-match", "*"),
                ("if-modified-since", "Thu, 01 Jan 2099 00:00:00 GMT"),
                ("range", "bytes=0-8"),
                ("accept-language", "de"),
            ]
        ),
        max_size=2,
        unique_by=lambda each: each[0],
    ).map(tuple),
)
STEPS = st.lists(
    st.tuples(st.lists(ASKS, min_size=1, max_size=5), st.sampled_from([0, 1, 61, 100])),
    min_size=1,
    max_size=5,
)
LIFETIMES = [
    "public, max-age=60",
    "public, max-age=60, stale-while-revalidate=60, stale-if-error=600",
    "max-age=60, s-maxage=60",
    "max-age=60",
    "private, max-age=60",
    "public, no-cache",
    "",
]


def fields_of(said: str, vary: str) -> dict[str, str]:
    return {name: it for name, it in (("cache-control", said), ("vary", vary)) if it}


FIELDS = st.builds(
    fields_of, st.sampled_from(LIFETIMES), st.sampled_from(["", "", "Accept-Language"])
)
STATUSES = st.sampled_from([[200], [200, 500], [200, 404], [302], [200, 599], [401, 200]])
KEPT = CacheControl(public=True, max_age=60)
LONGER = CacheControl(max_age=60, stale_while_revalidate=60, stale_if_error=60)
PUBLIC = [Rule(path="/*", browser=KEPT, server=LONGER)]


async def ask_all(client: Client, way: Way, asks: Sequence[Ask]) -> list[Any]:
    def scope(ask: Ask) -> Scope:
        headers = [(n.encode(), v.encode()) for n, v in (*way.says(ask.user).items(), *ask.fields)]
        return scope_of(way.url(ask.user), ask.method, headers)

    # Each has a task, and so a context, of its own, as under a server.
    asked = [asyncio.ensure_future(client.send(scope(ask))) for ask in asks]
    return await asyncio.gather(*asked, return_exceptions=True)


def whole(got: Answer | BaseException) -> bytes:
    return repr(got.messages).encode() if isinstance(got, Answer) else repr(got).encode()


def check(ask: Ask, got: Answer | BaseException) -> None:
    """All bytes of it, an error's too."""
    assert isinstance(got, Answer | ValueError)
    for other in {"ada", "bob"} - {ask.user}:
        assert secret(other) not in whole(got), ask


async def converse(
    app: Careless, steps: Sequence[tuple[Sequence[Ask], int]], kind: str, rules: Sequence[Rule]
) -> None:
    sites = Sites(kind)
    async with sites.cache:
        cached = ResponseCache(
            app, sites.cache, rules=[*app.way.rules, *rules], heuristics=True, clock=sites.clock
        )
        client = Client(app.way.outside(cached) if app.way.outside else cached)
        for asks, seconds in steps:
            for ask, got in zip(asks, await ask_all(client, app.way, asks), strict=True):
                check(ask, got)
            await rest()
            sites.clock.advance(seconds)


@pytest.mark.parametrize("name", WAYS)
@settings(max_examples=8, deadline=None)
@given(
    steps=STEPS,
    fields=FIELDS,
    same_tag=st.booleans(),
    statuses=STATUSES,
    ticks=st.integers(0, 3),
    kind=st.sampled_from(["near", "far"]),
    rules=st.sampled_from([(), PUBLIC]),
)
def test_no_byte_of_one_user_reaches_another(
    name: str,
    steps: Sequence[tuple[Sequence[Ask], int]],
    fields: Mapping[str, str],
    same_tag: bool,
    statuses: Sequence[int],
    ticks: int,
    kind: str,
    rules: Sequence[Rule],
) -> None:
    app = Careless(WAYS[name], fields, same_tag, statuses, ticks)
    asyncio.run(converse(app, steps, kind, rules))


ALONE = [
    *("cookie", "authorization", "x-api-key", "x-acme-session", "x-tenant", "origin"),
    *("x-forwarded-host", "forwarded", "x-original-url", "x-http-method-override"),
]


@pytest.mark.parametrize("name", ALONE)
async def test_who_says_nothing_gets_nothing_that_a_field_has_made(site: Sites, name: str) -> None:
    """Not even a header that only one of those who waited for the same answer would have."""
    way = in_field(name)
    at = site()
    client = Client(ResponseCache(Careless(way, SHARED, ticks=3), at.cache, clock=at.clock))
    asks = [Ask(user) for user in ("ada", "", "bob", "", "ada")]
    for _ in range(2):
        for ask, got in zip(asks, await ask_all(client, way, asks), strict=True):
            check(ask, got)
            assert secret(ask.user) in whole(got)


SHARED = {"cache-control": "public, max-age=60"}
HIDDEN = ["authorization", "cookie", "x-api-key", "x-acme-session", "x-forwarded-host"]


@pytest.mark.parametrize("name", HIDDEN)
async def test_what_says_who_asks_is_in_no_key_no_log_and_no_answer(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    sites = Sites("far")
    assert sites.store is not None
    failing = reply(503)
    way, rule = in_field(name), Rule(path="/", cookies=["sid"], tags=["t"])
    async with sites.cache:
        at = sites(fresh("one", vary=name, **SHARED), failing, failing, rules=[rule])
        for _ in range(3):
            got = await at.client.send(scope_of("/", headers=lines_of(way.says("sid=open-sesame"))))
            assert b"open-sesame" not in whole(got)
            await rest()
            at.clock.advance(61)
        records = sites.store.shelf.records
        assert records
        assert "open-sesame" not in repr(records)
    assert "open-sesame" not in caplog.text


@pytest.mark.parametrize("said", ["set-cookie", "private"])
async def test_what_a_304_has_for_one_client_no_other_of_a_crowd_gets(
    site: Sites, said: str
) -> None:
    numbers = iter(range(1000))

    def confirming(scope: Scope) -> Reply:
        mine = {"x-mine": f"no-{next(numbers)}-", "etag": '"1"'}
        forbids = {"set-cookie": "sid=1"} if said == "set-cookie" else {"cache-control": "private"}
        return reply(304, **mine, **forbids)

    at = site(fresh("one", etag='"1"'), confirming)
    await at.ask()
    at.clock.advance(60)
    got = await at.asks(20)
    assert {each.body for each in got} <= {b"one", b""}
    told = [each["x-mine"] for each in got]
    assert len(set(told)) == 20
    assert at.origin.calls == 21
