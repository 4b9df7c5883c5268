"""Who is known to the application by what is in no key."""

from typing import Any

import pytest

from cachekit.http import ResponseCache, Rule
from cachekit.http.exchange import Receive, Scope, Send
from cachekit.http.known import is_known, untouched
from tests.http.helpers import Answers, Client, Reply, Sites, fresh, rest, scope_of, until
from tests.http.test_asked import asked

SHARED = "public, max-age=60"


class User:
    """As Starlette has them."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def is_authenticated(self) -> bool:
        return bool(self.name)


class Unfinished:
    @property
    def is_authenticated(self) -> bool:
        raise NotImplementedError


CERTIFICATE = {"tls": {"client_cert_name": "CN=ada"}}
KNOWN: list[dict[str, Any]] = [
    {"session": {"csrf": "1"}},
    {"user": User("ada")},
    {"user": Unfinished()},
    {"extensions": CERTIFICATE},
    {"extensions": {"tls": {"client_cert_chain": ["PEM"]}}},
]
UNKNOWN: list[dict[str, Any]] = [
    {},
    {"session": {}, "user": None, "extensions": None},
    {"user": User(""), "extensions": {"tls": {"client_cert_name": None}}},
    {"user": "ada", "extensions": {"tls": None}},
]


@pytest.mark.parametrize("scope", KNOWN)
def test_a_session_a_user_and_a_certificate_are_somebody(scope: dict[str, Any]) -> None:
    assert is_known(scope, asked("/a"))


@pytest.mark.parametrize("scope", UNKNOWN)
def test_nothing_of_these_is_nobody(scope: dict[str, Any]) -> None:
    assert not is_known(scope, asked("/a"))


@pytest.mark.parametrize("scope", KNOWN)
def test_who_is_known_by_what_the_key_has_is_seen_to_but_a_session_is_news(
    scope: dict[str, Any],
) -> None:
    rule = Rule(path="/a", cookies=["user"])
    for request in (asked("/a", (b"authorization", b"ada")), asked("/a", rule=rule)):
        assert is_known(scope, request) == ("session" in scope)


def test_a_further_run_begins_with_nothing_of_the_first() -> None:
    scope: dict[str, Any] = {"path": "/a", "state": {"pool": 1}}
    copy = untouched(scope)
    scope["state"]["user"] = scope["user"] = "ada"
    assert copy == {"path": "/a", "state": {"pool": 1}}


class Outside:
    """A middleware that knows who asks, by a field whose name tells nobody."""

    def __init__(self, app: Any, name: str) -> None:
        self.app, self.name = app, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = dict(scope["headers"]).get(b"x-badge", b"").decode()
        scope[self.name] = User(who) if self.name == "user" else {"name": who} if who else {}
        await self.app(scope, receive, send)


def greeting(name: str) -> Answers:
    def answer(scope: Scope) -> Reply:
        user = scope[name]
        return fresh(user.name if isinstance(user, User) else str(user), cache_control=SHARED)

    return answer


@pytest.mark.parametrize("name", ["user", "session"])
@pytest.mark.parametrize("inside", [True, False])
async def test_what_is_for_a_user_that_a_middleware_knows_is_not_stored(
    site: Sites, name: str, inside: bool
) -> None:
    at = site(greeting(name))
    behind = ResponseCache(Outside(at.origin, name), at.cache, clock=at.clock)
    client = Client(behind if inside else Outside(at.cached, name))
    for who in ("ada", "bob", "ada"):
        got = await client.send(scope_of("/", headers=[(b"x-badge", who.encode())]))
        assert who.encode() in got.body
    for _ in range(2):
        assert (await client.ask()).body == (b"" if name == "user" else b"{}")
    assert at.origin.calls == 4


async def test_a_further_run_of_a_mounted_application_finds_its_way(site: Sites) -> None:
    """It looks for its route below where it is mounted, and notes that in the scope."""

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        scope["root_path"] = scope.get("root_path", "") + "/mnt"
        path = scope["path"].removeprefix(scope["root_path"])
        await at.origin({**scope, "path": path}, receive, send)

    at = site(lambda scope: fresh(scope["path"]) if scope["path"] == "/x" else Reply(404))
    cached = ResponseCache(mounted, at.cache, clock=at.clock, tags_for=lambda scope, _: ["new"])
    client = Client(cached)
    assert (await client.ask("/mnt/x")).body == b"/x"
    await until(lambda: at.origin.calls == 2)  # the tag was not known before
    await rest()
    assert (await client.ask("/mnt/x")).cache == "hit; ttl=60"
