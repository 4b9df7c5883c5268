"""`ResponseCache`: a shared HTTP cache in front of any ASGI application (RFC 9111)."""

import logging
from collections.abc import Iterable, Sequence
from typing import Final

from cachekit.cache import Cache
from cachekit.clock import SYSTEM, Clock
from cachekit.errors import ConfigurationError, InvalidationError
from cachekit.http import status
from cachekit.http.answering import Answer, answer
from cachekit.http.asked import Asked, ask, plain, resource_of
from cachekit.http.exchange import BODY, START, App, Message, Receive, Scope, Send
from cachekit.http.fetch import Fetch, Origin, OriginFailedError, TagsFor
from cachekit.http.fields import is_token
from cachekit.http.policy import HOLDER
from cachekit.http.reusing import SERVE, Use, may_serve_failure, use
from cachekit.http.rules import Rule, Rules
from cachekit.http.stored import Stored, StoredSerializer
from cachekit.http.storing import Storing
from cachekit.http.telling import told
from cachekit.http.unsafe import forgotten_by, located, versions_of, written
from cachekit.missing import MISSING, IsMissing
from cachekit.options import Duration, window

log: Final = logging.getLogger("cachekit")

SERIALIZER: Final = StoredSerializer()
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

VARIANTS: Final = 4
"""So many times a response may name further fields that it varies on."""

REMEMBERED: Final = 10_000
"""So many keys are known whose responses could not be stored."""


class ResponseCache:
    """An ASGI application around another one, which keeps its responses in `cache`.

    Wrap it around everything: `app = ResponseCache(app, cache)`. Stored is what says for itself how
    long it is fresh (`Cache-Control: max-age`), or what a rule gives a lifetime. Nothing is kept
    that sets a cookie, nor for a request with cookies, unless its rule says which ones count; an
    answer to who has credentials only if it says `public`, and then for the same credentials alone.

    - `rules`: see `Rule`; the first that covers a path counts.
    - `tags_for`: a function of the request's scope and the response that names tags of it, for
      `cache.invalidate(Tag(…))`.
    - `max_body_bytes`: what has a larger body is passed on and not kept.
    - `keep`: how long past its freshness a response with a validator is kept, to ask the
      application whether it is still good; seconds or a timedelta.
    - `heuristics`: whether a response that only tells when it was last changed is fresh for a tenth
      of that time (RFC 9111 4.2.2).
    - `targets`: fields that count in place of Cache-Control where they are there, such as
      `["CDN-Cache-Control"]` (RFC 9213).
    - `client_directives`: whether a request's Cache-Control counts; False for public sites whose
      clients are not to reach the application at will.
    - `name`: what Cache-Status calls it; `None`: that is not sent (RFC 9211).

    An answer without an error to an unsafe method forgets its URL (RFC 9111 4.4), and so does
    `await cached.invalidate("https://host/path")`.
    """

    def __init__(
        self,
        app: App,
        cache: Cache,
        *,
        rules: Iterable[Rule] = (),
        tags_for: TagsFor | None = None,
        max_body_bytes: int = 2**20,
        keep: Duration = 3600,
        heuristics: bool = False,
        targets: Sequence[str] = (),
        client_directives: bool = True,
        name: str | None = "cachekit",
        clock: Clock = SYSTEM,
    ) -> None:
        self._app = app
        self._cache = cache
        self._peek = cache.peeker(serializer=SERIALIZER)
        given = tuple(rules)
        self._rules = Rules(given) if given else None
        self._name = None if name is None else _token("name", name)
        fields = [_token("targets", target).lower() for target in targets]
        storing = Storing(fields, heuristics, window("keep", keep))
        self._origin = Origin(app, storing, tags_for, max_body_bytes, self._name, clock)
        self._obeys = client_directives
        self._now = clock.time
        self._in_vain: dict[int, None] = {}  # by hash: URLs may be long, and are the clients'
        self._trying: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rule = None
        if self._rules is not None:
            rule = self._rules.of(scope["path"], scope.get("root_path", ""))
        if scope["method"] not in ("GET", "HEAD"):
            await self._pass("method", scope, rule, receive, send)
            return
        if scope["method"] == "GET" and (rule is None or rule.store):
            key = plain(scope)
            found = MISSING if key is None else self._peek(key)
            if found is not MISSING and not found.vary and not found.validate:
                age = found.age_at(self._now())
                if age < found.lifetime:
                    for message in self._messages(found, found, age):
                        await send(message)
                    return
        asked = ask(scope, rule, self._obeys)
        if asked is None:
            await self._pass("bypass", scope, rule, receive, send)
        elif not await self._answer(asked, scope, receive, send):
            await self._pass("miss", scope, rule, receive, send)

    async def invalidate(self, *urls: str) -> None:
        """Forget what is stored of these URLs, for whomever; raises as `Cache.invalidate` does."""
        targets = [target for url in urls for target in versions_of(located(written(url)))]
        await self._cache.invalidate(*targets)

    async def _answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer from the cache, or by a load; False: the application is to be asked directly."""
        key, fetch = asked.key, None
        for _ in range(VARIANTS):
            found = self._at_hand(asked, key) or await self._read(asked, key)
            if found is None and asked.loads:
                if key in self._trying and hash(key) in self._in_vain:
                    return False  # nobody is to wait for what will not be shared
                fetch = Fetch(self._origin, asked, key, scope, receive, send)
                found = await self._fetched(fetch)
                if fetch.speaks:
                    return True
            if found is None:
                return await self._refused(asked, send)
            if asked.suits(found):
                sent = answer(asked, found)
                for message in self._messages(sent, found, self._age(found), fetch):
                    await send(message)
                return True
            key = asked.variant(key, found)
        return False

    def _at_hand(self, asked: Asked, key: str) -> Stored | None:
        """What lies in this process, if it may be served, or if it tells where to look."""
        found: Stored | IsMissing = self._peek(key)
        if found is MISSING:
            return None
        if found.vary and not asked.suits(found):
            return found
        return found if use(asked, found, self._age(found)) is SERVE else None

    async def _read(self, asked: Asked, key: str) -> Stored | None:
        """What lies in the store, for a request that loads nothing, or takes what is stale."""
        if asked.loads and "max-stale" not in asked.directives:
            return None
        there = await self._cache.entry(key, serializer=SERIALIZER)
        found: Stored | None = None if there is None else there.value
        if found is None or not asked.suits(found):
            return found
        return None if use(asked, found, self._age(found)) is Use.LOAD else found

    async def _fetched(self, fetch: Fetch) -> Stored | None:
        """What a load gives, if the client is not answered by it."""
        self._trying.add(fetch.key)
        try:
            return await self._loaded(fetch)
        except BaseException:
            fetch.leave()
            raise
        finally:
            self._trying.discard(fetch.key)
            self._remember(fetch)

    async def _loaded(self, fetch: Fetch) -> Stored | None:
        found: Stored | None = None
        try:
            found = await self._cache.get_or_set(
                fetch.key,
                fetch.load,
                tags=fetch.asked.tags_at(fetch.key),
                accept=fetch.accepts if fetch.asked.directives else None,
                serializer=SERIALIZER,
                jitter=0,
            )
        except (OriginFailedError, TimeoutError):
            pass
        except (ConfigurationError, RecursionError):
            if not fetch.has_asked:
                raise
        except Exception:  # its own is raised once its client has what there is of an answer
            log.debug("a load of %s failed", fetch.key, exc_info=True)
        fetch.settled()
        if found is not None and not fetch.speaks and self._may_have(fetch, found):
            fetch.leave()
            return found
        if fetch.has_asked:
            await fetch.finish()
        return None

    def _may_have(self, fetch: Fetch, found: Stored) -> bool:
        """Whether it may be served: it is good still, or just made, or better than a failure."""
        if not fetch.asked.suits(found) or found.received >= fetch.arrived:
            return True
        age = self._age(found)
        return use(fetch.asked, found, age) is not Use.LOAD or may_serve_failure(
            fetch.asked, found, age
        )

    def _age(self, stored: Stored) -> float:
        return stored.age_at(self._now())

    def _remember(self, fetch: Fetch) -> None:
        """Whether the response could be stored: if not, nobody waits for the next one (R3)."""
        name = hash(fetch.key)
        if not fetch.in_vain:
            self._in_vain.pop(name, None)
        elif name not in self._in_vain:
            self._in_vain[name] = None
            if len(self._in_vain) > REMEMBERED:
                del self._in_vain[next(iter(self._in_vain))]

    def _messages(
        self, sent: Stored | Answer, stored: Stored, age: float, fetch: Fetch | None = None
    ) -> tuple[Message, Message]:
        """The messages of an answer that is made of a response that may be used."""
        if fetch is None or not fetch.has_made(stored):
            lines = status.hit(self._name, int(age), int(stored.lifetime - age))
        else:
            lines = status.made(self._name, int(age), shared=not fetch.has_asked)
        start = {"type": START, "status": sent.status, "headers": [*sent.headers, *lines]}
        return start, {"type": BODY, "body": sent.body}

    async def _refused(self, asked: Asked, send: Send) -> bool:
        """504 for a client that takes nothing but what is stored (RFC 9111 5.2.1.7)."""
        if "only-if-cached" not in asked.directives:
            return False
        headers = [(b"content-length", b"0"), *status.forwarded(self._name, "request")]
        await send({"type": START, "status": 504, "headers": headers})
        await send({"type": BODY, "body": b""})
        return True

    async def _pass(
        self, why: str, scope: Scope, rule: Rule | None, receive: Receive, send: Send
    ) -> None:
        """Have the application answer the client directly."""
        scope.setdefault(HOLDER, {})
        unsafe = scope["method"] not in SAFE

        async def passing(message: Message) -> None:
            if message["type"] == START:
                if unsafe:
                    await self._forget(scope, message)
                message = told(scope, rule, message, None)
                line = status.forwarded(self._name, why)
                message = {**message, "headers": [*message.get("headers", ()), *line]}
            await send(message)

        await self._app(scope, receive, passing)

    async def _forget(self, scope: Scope, message: Message) -> None:
        """Forget what was changed, before the client hears that it was."""
        resource = resource_of(scope)
        if resource is None:
            return
        targets = forgotten_by(resource, message["status"], message.get("headers", ()))
        try:
            if targets:
                await self._cache.invalidate(*targets)
        except InvalidationError as error:  # it is done, so the request has not failed
            log.warning("%s", error)


def _token(argument: str, text: str) -> bytes:
    """The name of a field or of a cache."""
    name = text.encode("utf-8", "replace")
    if not is_token(name):
        raise ConfigurationError(f"{argument}={text!r}: write letters, digits and '-' only")
    return name
