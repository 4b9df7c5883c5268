"""What is told to caches outside: the Cache-Control of an answer, by route and by rule."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from cachekit.http.cache_control import CacheControl
from cachekit.http.exchange import START, App, Message, Receive, Scope, Send
from cachekit.http.fields import Headers
from cachekit.http.policy import HOLDER, Policy, policy_of
from cachekit.http.rules import Rule, Rules
from cachekit.http.telltale import tells_who

SAFE: Final = CacheControl(private=True, no_cache=True)
"""For what nothing is known of: nobody shares it, and who keeps it asks before using it."""


def policy_for(scope: Mapping[str, Any], rule: Rule | None) -> Policy | None:
    """What the endpoint says, or its router, or the rule for the path."""
    said = policy_of(scope)
    return rule.policy if said is None and rule is not None else said


def told(
    scope: Mapping[str, Any], rule: Rule | None, message: Message, default: CacheControl | None
) -> Message:
    """A response's start, with the Cache-Control of its route unless it has one of its own."""
    headers: Headers = message.get("headers", ())
    names = {name.lower() for name, _ in headers}
    if names & _OWN or not (200 <= message["status"] < 300 or message["status"] == 304):
        return message
    policy = policy_for(scope, rule)
    browser = default if policy is None else policy.browser
    if browser is None:
        return message
    if b"set-cookie" in names or _is_of_one(scope, rule):
        browser = _unshared(browser)
    return {**message, "headers": [*headers, (b"cache-control", bytes(browser))]}


_OWN: Final = frozenset({b"cache-control", b"expires", b"pragma"})


def _is_of_one(scope: Mapping[str, Any], rule: Rule | None) -> bool:
    """Whether the request tells who asks, so that the answer may be for nobody else.

    Where some cookies count, also if there are none: those outside would give it to who has some.
    """
    if rule is not None and rule.cookies:
        return True
    cookies_count = rule is None or rule.cookies is None
    return any(
        tells_who(name) or (cookies_count and name == b"cookie") for name, _ in scope["headers"]
    )


def _unshared(browser: CacheControl) -> CacheControl:
    if browser.no_store or browser.private:
        return browser
    return replace(browser, public=False, s_maxage=None, proxy_revalidate=False, private=True)


class CacheControlMiddleware:
    """Sends a Cache-Control with each answer that has none: the endpoint's, its router's, a rule's
    for its path, or `default`.

    It keeps nothing: `ResponseCache` does the same besides, given these rules. What is for one
    user, by its cookies or credentials, is never called public, whatever a rule says.
    """

    def __init__(
        self, app: App, *, rules: Rules | tuple[Rule, ...] = (), default: CacheControl | None = SAFE
    ) -> None:
        self._app = app
        self._rules = rules if isinstance(rules, Rules) else Rules(rules)
        self._default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rule = self._rules.of(scope["path"], scope.get("root_path", ""))
        scope.setdefault(HOLDER, {})

        async def telling(message: Message) -> None:
            if message["type"] == START:
                message = told(scope, rule, message, self._default)
            await send(message)

        await self._app(scope, receive, telling)
