"""How a request that the cache cannot answer is: by a load, which its client may follow."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from cachekit.clock import Clock
from cachekit.context import Load, current_load
from cachekit.errors import CacheError
from cachekit.http import status
from cachekit.http.asked import Asked
from cachekit.http.bodies import completed, is_last, left_after, length_of
from cachekit.http.exchange import START, App, Exchange, Message, Receive, Scope, Send
from cachekit.http.fields import Headers
from cachekit.http.known import is_known, untouched
from cachekit.http.policy import HOLDER
from cachekit.http.reusing import is_refused
from cachekit.http.stored import Stored
from cachekit.http.storing import Received, Storing, kept
from cachekit.http.telling import policy_for, told
from cachekit.http.unsafe import groups
from cachekit.http.validating import asking, confirms, merged, renewed, unconditional
from cachekit.view import CacheEntry

log: Final = logging.getLogger("cachekit")

FAILURES: Final = frozenset({500, 502, 503, 504})
"""Statuses in whose place an old response may be served (RFC 5861 4)."""

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
    runs: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])


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
        self._scope: Scope = untouched(scope)
        self._seen = scope
        self._receive = receive
        self._send = send
        self._exchange: Exchange | None = None
        self._following: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._old: Stored | None = None
        self._known: Stored | None = None
        self._asks = False
        self._has_run = False
        self._over = False

    @property
    def speaks(self) -> bool:
        """Whether the client gets what the application says, as it says it."""
        return self._following is not None

    @property
    def has_asked(self) -> bool:
        """Whether the application was asked for this very client."""
        return self._exchange is not None

    def has_made(self, stored: Stored) -> bool:
        """Whether it was asked for, or asked about, since this request was there."""
        if self.has_asked:
            return stored.received >= self.arrived
        return stored.received > self.arrived

    def accepts(self, there: CacheEntry) -> bool:
        """Whether there is no need to ask; one for other requests is not replaced by this one's."""
        stored: Stored = there.value
        if not self.asked.suits(stored):
            return True
        return not is_refused(self.asked, stored, stored.age_at(self._origin.clock.time()))

    async def load(self) -> Stored | None:
        """Ask the application; the response if it is to be stored."""
        load, mine = current_load(), self._exchange is None and not self._over
        exchange = Exchange(self._receive if mine else None, self._origin.max_body_bytes)
        if mine:
            self._exchange = exchange
        return await self._watched(load, exchange, _if_suits(load.old, self.asked))

    async def _watched(self, load: Load, exchange: Exchange, old: Stored | None) -> Stored | None:
        try:
            return await self._loaded(load, exchange, old)
        except BaseException:  # nobody waits, or it takes too long
            self._end(exchange)
            raise

    async def _loaded(self, load: Load, exchange: Exchange, old: Stored | None) -> Stored | None:
        asked_by = old if old is not None and old.can_be_validated else None
        scope, requested = self._scope_for(asked_by, exchange), self._origin.clock.time()
        if exchange is self._exchange:
            self._known, self._asks = old, asked_by is not None
        exchange.start(self._origin.app, scope, self._origin.runs)
        await exchange.until(lambda it: it.head is not None or not it.kept)
        if exchange.head is None:
            return self._skipped(load, exchange)
        status, headers = exchange.head["status"], exchange.head.get("headers", ())
        if status in FAILURES and old is not None:
            self._old = old
            raise OriginFailedError(f"{self.asked.resource}: {status}")
        if status == 304 and asked_by is not None:
            if not confirms(headers, asked_by):
                return await self._watched(load, self._another(exchange), None)
            return self._validated(load, scope, asked_by, headers, requested)
        found = self._judged(scope, status, headers, requested)
        if isinstance(found, str):
            return self._skipped(load, exchange)
        return await self._gathered(load, scope, exchange, found)

    def _another(self, exchange: Exchange) -> Exchange:
        """A further run of the application, which has told of a state that is not ours."""
        another = Exchange(exchange.give_up(), self._origin.max_body_bytes)
        if exchange is self._exchange:
            self._exchange = another
        return another

    def _validated(
        self, load: Load, scope: Scope, old: Stored, headers: Headers, requested: float
    ) -> Stored:
        """The old response, with what the application has told of it."""
        told = merged(old, headers)
        found = self._judged(scope, old.status, told, requested)
        if isinstance(found, str):
            self._leave_unkept(load)
            return renewed(old, kept(told), self._origin.clock.time())
        return self._keep(load, scope, replace(found, body=old.body))

    async def _gathered(
        self, load: Load, scope: Scope, exchange: Exchange, found: Stored
    ) -> Stored | None:
        """The whole response, which the client follows while it comes."""
        self._follow(exchange, stored=True)
        await exchange.until(lambda it: it.complete or not it.kept)
        whole = completed(found, exchange)
        return self._skipped(load, exchange) if whole is None else self._keep(load, scope, whole)

    def _skipped(self, load: Load, exchange: Exchange) -> Stored | None:
        """The response is for the client alone."""
        self._leave_unkept(load)
        exchange.let_go()
        self._follow(exchange, stored=False)
        return None

    def _leave_unkept(self, load: Load) -> None:
        load.skip(private=True)
        self.in_vain = True

    def _keep(self, load: Load, scope: Scope, stored: Stored) -> Stored:
        load.ttl = 0.0 if stored.validate else stored.lifetime - stored.age
        keep = self._origin.storing.keep if stored.can_be_validated else 0.0
        load.stale(
            while_revalidate=stored.while_revalidate,
            if_error=max(keep, stored.if_error),
        )
        try:
            load.tag(*self._tags(scope, stored))
        except Exception:
            log.exception("tags_for failed, so that %s is not stored", self.asked.resource)
            self._leave_unkept(load)
        return stored

    def _tags(self, scope: Scope, stored: Stored) -> Iterable[str]:
        yield from groups(self.asked.resource, stored.headers, b"cache-groups")
        if self._origin.tags_for is not None:
            yield from self._origin.tags_for(scope, stored)

    def _judged(
        self, scope: Scope, status: int, headers: Headers, requested: float
    ) -> Stored | str:
        """What of the response is to be stored, or why nothing is."""
        if is_known(scope, self.asked):
            return "user"
        received = self._origin.clock.time()
        came = Received(self.asked, status, headers, requested, received)
        found = self._origin.storing.judge(came, policy_for(scope, self.asked.rule))
        if isinstance(found, str):
            return found
        start = {"type": START, "status": status, "headers": headers}
        if (length_of(start) or 0) > self._origin.max_body_bytes:
            return "size"
        added = told(scope, self.asked.rule, start, None)["headers"][len(headers) :]
        return replace(found, headers=(*found.headers, *added))

    def _scope_for(self, old: Stored | None, exchange: Exchange) -> Scope:
        """The request that the application sees: with our validators in place of the client's.

        For its client it is the very scope that came, in which those outside may look for a route.
        """
        mine = exchange is self._exchange
        scope = self._seen if mine and not self._has_run else untouched(self._scope)
        self._has_run = True
        if old is not None:
            scope = {**scope, "headers": asking(scope["headers"], old)}
        elif not mine:
            scope = {**scope, "headers": unconditional(scope["headers"])}
        scope[HOLDER] = {}
        if mine:
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
                left = left_after(message, left)
                if exchange.kept and is_last(message, left):
                    await self._settled.wait()  # who has all of it may ask again at once
                if message["type"] == START:
                    message = self._dressed(message, stored)
                await self._send(message)
        except BaseException:
            exchange.leave()
            raise

    def _dressed(self, message: Message, stored: bool) -> Message:
        message = told(self._seen, self.asked.rule, message, None)
        why = status.why_forwarded(self.asked, self._known, variant=self.key != self.asked.key)
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
            if self._asks and exchange.head is None:  # what comes may be a 304 to our question
                exchange = self._another(exchange)
                exchange.start(self._origin.app, self._scope_for(None, exchange), self._origin.runs)
            exchange.let_go()
            if exchange.head is not None and self._old is None:
                self._follow(exchange, stored=False)
        else:
            exchange.stop()


def _if_suits(old: object, asked: Asked) -> Stored | None:
    return old if isinstance(old, Stored) and asked.suits(old) else None
