"""How a request that the cache cannot answer is: by a load, which its client may follow."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from cachekit.clock import Clock
from cachekit.context import Load, current_load
from cachekit.errors import CacheError
from cachekit.http import status
from cachekit.http.asked import Asked
from cachekit.http.exchange import BODY, START, App, Exchange, Message, Receive, Scope, Send
from cachekit.http.fields import Headers, first, without
from cachekit.http.policy import HOLDER
from cachekit.http.reusing import is_refused
from cachekit.http.stored import Stored
from cachekit.http.storing import Received, Storing, merged
from cachekit.http.telling import policy_for, told
from cachekit.http.unsafe import groups
from cachekit.view import CacheEntry

FAILURES: Final = frozenset({500, 502, 503, 504})
"""Statuses in whose place an old response may be served (RFC 5861 4)."""

AT_ONCE: Final = 0.001
"""Seconds that a response is taken to be fresh that never is, and is kept to be validated."""

TagsFor = Callable[[Scope, Stored], Iterable[str]]
"""The tags of a response, by its request's scope (which has `path_params` by then)."""


class OriginFailedError(CacheError):
    """The application could not be asked whether an old response is still good."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The application, and how its responses are kept."""

    app: App
    storing: Storing
    tags_for: TagsFor | None
    max_body_bytes: int
    name: bytes | None
    clock: Clock


class Fetch:
    """One request to the application, by way of a load that others may share.

    `load` is called at most once for the client that asked: from then on that follows what the
    application sends, unless an old response turns out to be good. A further call is for the cache.
    """

    def __init__(
        self, origin: Origin, asked: Asked, key: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.asked = asked
        self.key = key
        self.in_vain = False
        self.arrived = origin.clock.time()
        self._origin = origin
        self._scope = self._seen = scope
        self._receive = receive
        self._send = send
        self._exchange: Exchange | None = None
        self._following: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._old: Stored | None = None
        self._over = False

    @property
    def speaks(self) -> bool:
        """Whether the client gets what the application says, as it says it."""
        return self._following is not None

    @property
    def has_asked(self) -> bool:
        """Whether the application was asked for this very client."""
        return self._exchange is not None

    def accepts(self, there: CacheEntry) -> bool:
        """Whether there is no need to ask; one for other requests is not replaced by this one's."""
        stored: Stored = there.value
        if not self.asked.suits(stored):
            return True
        return not is_refused(self.asked, stored, self._origin.clock.time())

    async def load(self) -> Stored | None:
        """Ask the application; the response if it is to be stored."""
        load, mine = current_load(), self._exchange is None and not self._over
        exchange = Exchange(self._receive if mine else None, self._origin.max_body_bytes)
        if mine:
            self._exchange = exchange
        try:
            return await self._loaded(load, exchange)
        except BaseException:  # nobody waits, or it takes too long
            self._end(exchange)
            raise

    async def _loaded(self, load: Load, exchange: Exchange) -> Stored | None:
        old = _if_suits(load.old, self.asked)
        scope, requested = self._scope_for(old, exchange), self._origin.clock.time()
        exchange.start(self._origin.app, scope)
        await exchange.until(lambda it: it.head is not None)
        if exchange.head is None:
            return self._skipped(load, exchange)
        found = self._judged(scope, exchange.head, requested, old)
        if exchange.head["status"] in FAILURES and old is not None:
            self._old = old
            raise OriginFailedError(f"{self.asked.resource}: {exchange.head['status']}")
        if isinstance(found, str):
            return self._skipped(load, exchange)
        if exchange.head["status"] == 304 and old is not None:
            return self._keep(load, scope, replace(found, body=old.body))
        return await self._gathered(load, scope, exchange, found)

    async def _gathered(
        self, load: Load, scope: Scope, exchange: Exchange, found: Stored
    ) -> Stored | None:
        """The whole response, which the client follows while it comes."""
        self._follow(exchange, stored=True)
        await exchange.until(lambda it: it.complete or not it.kept)
        whole = _completed(found, exchange)
        return self._skipped(load, exchange) if whole is None else self._keep(load, scope, whole)

    def _skipped(self, load: Load, exchange: Exchange) -> Stored | None:
        """The response is for the client alone."""
        load.skip(private=True)
        self.in_vain = True
        exchange.let_go()
        self._follow(exchange, stored=False)
        return None

    def _keep(self, load: Load, scope: Scope, stored: Stored) -> Stored:
        load.ttl = max(AT_ONCE, stored.lifetime - stored.age)
        keep = self._origin.storing.keep if stored.can_be_validated else 0.0
        load.stale(
            while_revalidate=stored.while_revalidate,
            if_error=max(keep, stored.if_error),
        )
        load.tag(*self._tags(scope, stored))
        return stored

    def _tags(self, scope: Scope, stored: Stored) -> Iterable[str]:
        yield from groups(self.asked.resource, stored.headers, b"cache-groups")
        if self._origin.tags_for is not None:
            yield from self._origin.tags_for(scope, stored)

    def _judged(
        self, scope: Scope, head: Message, requested: float, old: Stored | None
    ) -> Stored | str:
        """What of the response is to be stored; after a 304 to our own question, the old one."""
        status, headers = head["status"], head.get("headers", ())
        if status == 304 and old is not None:
            status, headers = old.status, merged(old, headers)
        received = self._origin.clock.time()
        came = Received(self.asked, status, headers, requested, received)
        found = self._origin.storing.judge(came, policy_for(scope, self.asked.rule))
        if isinstance(found, str):
            return found
        start = {"type": START, "status": status, "headers": headers}
        added = told(scope, self.asked.rule, start, None)["headers"][len(headers) :]
        return replace(found, headers=(*found.headers, *added))

    def _scope_for(self, old: Stored | None, exchange: Exchange) -> Scope:
        """The request that the application sees: with our validators in place of the client's."""
        scope = self._scope if exchange is self._exchange else {**self._scope}
        if old is not None and old.can_be_validated:
            scope = {**scope, "headers": _asking(scope["headers"], old)}
        scope[HOLDER] = {}
        if exchange is self._exchange:
            self._seen = scope
        return scope

    # -- the client

    def _follow(self, exchange: Exchange, *, stored: bool) -> None:
        """From here on the client gets what comes."""
        if exchange is self._exchange and not self.speaks and exchange.has_client:
            self._following = asyncio.create_task(self._pass_on(exchange, stored))

    async def _pass_on(self, exchange: Exchange, stored: bool) -> None:
        left: int | None = None
        try:
            while (message := await exchange.next()) is not None:
                if message["type"] == START:
                    left = _length(message)
                    message = self._dressed(message, stored)
                elif left is not None:
                    left -= len(message.get("body", b""))
                if exchange.kept and _is_last(message, left):
                    await self._settled.wait()  # who has all of it may ask again at once
                await self._send(message)
        except BaseException:
            exchange.leave()
            raise

    def _dressed(self, message: Message, stored: bool) -> Message:
        message = told(self._seen, self.asked.rule, message, None)
        why = status.why_forwarded(self.asked, self._old, variant=self.key != self.asked.key)
        line = status.forwarded(self._origin.name, why, stored=stored)
        return {**message, "headers": [*message.get("headers", ()), *line]}

    def settled(self) -> None:
        """The load is over for this request: nothing is begun for its client any more."""
        self._over = True
        self._settled.set()

    async def finish(self) -> None:
        """Until the client has all, and the application has done what it does after that."""
        exchange = self._exchange
        assert exchange is not None
        self._follow(exchange, stored=False)
        if self._following is not None:
            await self._following
        await exchange.ended()

    def leave(self) -> None:
        """The client takes nothing more from the application."""
        self._over = True
        self._settled.set()
        if self._following is not None:
            self._following.cancel()
        if self._exchange is not None:
            self._exchange.leave()

    def _end(self, exchange: Exchange) -> None:
        """The load is given up; its client, if it is still there, has the answer for itself."""
        if exchange is self._exchange and not self._over:
            exchange.let_go()
            if exchange.head is not None and self._old is None:
                self._follow(exchange, stored=False)
        else:
            exchange.stop()


def _if_suits(old: object, asked: Asked) -> Stored | None:
    return old if isinstance(old, Stored) and asked.suits(old) else None


def _completed(found: Stored, exchange: Exchange) -> Stored | None:
    """With its body; `None` if that is not whole, or too large."""
    said, size = first(found.headers, b"content-length"), len(exchange.body)
    if not exchange.complete or not exchange.kept:
        return None
    if said is None and found.status not in (204, 205):
        length = (b"content-length", b"%d" % size)
        return replace(found, body=bytes(exchange.body), headers=(*found.headers, length))
    whole = said is None or said == b"%d" % size
    return replace(found, body=bytes(exchange.body)) if whole else None


def _length(start: Message) -> int | None:
    said = first(start.get("headers", ()), b"content-length")
    return int(said) if said is not None and said.isdigit() and len(said) < 20 else None


def _is_last(message: Message, left: int | None) -> bool:
    if message["type"] != BODY:
        return False
    return not message.get("more_body", False) or (left is not None and left <= 0)


def _asking(headers: Headers, old: Stored) -> Headers:
    """Ask whether `old` is still good (RFC 9111 4.3.1)."""
    kept = without(headers, _CONDITIONS)
    etag, modified = first(old.headers, b"etag"), first(old.headers, b"last-modified")
    if etag is not None:
        kept.append((b"if-none-match", etag))
    if modified is not None:
        kept.append((b"if-modified-since", modified))
    return kept


_CONDITIONS: Final = frozenset({b"if-none-match", b"if-modified-since"})
