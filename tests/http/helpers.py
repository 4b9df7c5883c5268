"""A client and an origin in this process, and two kinds of stores, for the response cache."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from cachekit import Cache
from cachekit.http import ResponseCache
from cachekit.http.exchange import App, Message, Receive, Scope, Send
from cachekit.testing import FakeClock
from tests.core.slow_store import Shelf, SlowStore

Lines = list[tuple[bytes, bytes]]


def lines_of(fields: Mapping[str, str | Sequence[str]]) -> Lines:
    """Keyword arguments as header lines: `cache_control="no-store"`; a list has several lines."""
    found: Lines = []
    for name, value in fields.items():
        values = [value] if isinstance(value, str) else value
        found += [(name.replace("_", "-").encode(), each.encode("latin-1")) for each in values]
    return found


@dataclass
class Reply:
    """What the origin does once: an answer, messages as they are, or an error.

    It begins when `gate` is set; before the last message it waits for `pause`.
    """

    status: int = 200
    headers: Lines = field(default_factory=Lines)
    body: bytes = b""
    parts: Sequence[Message] | None = None
    error: Exception | None = None
    gate: asyncio.Event | None = None
    pause: asyncio.Event | None = None

    def messages(self) -> Sequence[Message]:
        if self.parts is not None:
            return self.parts
        return [start(self.status, self.headers), chunk(self.body, more=False)]


def reply(status: int = 200, body: bytes | str = b"", **fields: str | Sequence[str]) -> Reply:
    """An answer with these fields."""
    return Reply(status, lines_of(fields), body.encode() if isinstance(body, str) else body)


def fresh(body: bytes | str = b"", **fields: str | Sequence[str]) -> Reply:
    """An answer that is fresh for a minute."""
    fields.setdefault("cache_control", "max-age=60")
    return reply(200, body, **fields)


def start(status: int, headers: Lines) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def chunk(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


Answers = Callable[[Scope], Reply]


class Origin:
    """An application that answers as it is told: by a list, the last one again and again, or by a
    function of the request. It counts, and notes what it was asked."""

    def __init__(self, *replies: Reply | Answers) -> None:
        self.replies = list(replies)
        self.scopes: list[Scope] = []
        self.begun = asyncio.Event()
        self.cancelled = 0
        self.ended = 0

    @property
    def calls(self) -> int:
        return len(self.scopes)

    def asked(self, name: str, call: int = -1) -> list[bytes]:
        """The lines of a field of the request, by default of the last one."""
        wanted = name.encode()
        return [value for key, value in self.scopes[call]["headers"] if key == wanted]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        self.begun.set()
        told = self.replies[min(self.calls, len(self.replies)) - 1]
        answer = told if isinstance(told, Reply) else told(scope)
        try:
            if answer.gate is not None:
                await answer.gate.wait()
            await self._send(answer, receive, send)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.ended += 1

    async def _send(self, answer: Reply, receive: Receive, send: Send) -> None:
        await receive()
        if answer.error is not None and answer.parts is None:
            raise answer.error
        *messages, last = answer.messages()
        for message in messages:
            await send(message)
        if answer.pause is not None:
            await answer.pause.wait()
        await send(last)
        if answer.error is not None:
            raise answer.error


@dataclass
class Answer:
    """What a client got."""

    messages: list[Message]

    @property
    def status(self) -> int:
        starts = [m["status"] for m in self.messages if m["type"] == "http.response.start"]
        assert len(starts) == 1, starts
        status: int = starts[0]
        return status

    @property
    def headers(self) -> Lines:
        found = [m["headers"] for m in self.messages if m["type"] == "http.response.start"]
        return [(bytes(name), bytes(value)) for name, value in found[0]]

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages)

    def all(self, name: str) -> list[str]:
        wanted = name.encode()
        return [value.decode("latin-1") for key, value in self.headers if key == wanted]

    def __getitem__(self, name: str) -> str | None:
        """The only line of a field, if it is there."""
        found = self.all(name)
        assert len(found) <= 1, found
        return found[0] if found else None

    @property
    def cache(self) -> str:
        """What Cache-Status says of us."""
        return self.all("cache-status")[-1].removeprefix("cachekit; ")


def scope_of(
    url: str = "/", method: str = "GET", headers: Iterable[tuple[bytes, bytes]] = (), **more: Any
) -> Scope:
    """A request, as servers have it."""
    path, _, query = url.partition("?")
    lines = list(headers)
    if not any(name == b"host" for name, _ in lines):
        lines.insert(0, (b"host", b"test"))
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": lines,
        **more,
    }


class Client:
    """Asks an application, without a socket."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def ask(
        self, url: str = "/", method: str = "GET", body: bytes = b"", **fields: str | Sequence[str]
    ) -> Answer:
        return await self.send(scope_of(url, method, lines_of(fields)), body)

    async def send(
        self, scope: Scope, body: bytes = b"", gone: asyncio.Event | None = None
    ) -> Answer:
        """One request; `gone` is set when the client goes."""
        gone = gone or asyncio.Event()
        incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        got: list[Message] = []

        async def receive() -> Message:
            if incoming:
                return incoming.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if gone.is_set():
                raise OSError("the client has gone")
            got.append(message)

        await self.app(scope, receive, send)
        return Answer(got)


class Site:
    """A client, the response cache, the origin behind it, the store and the time."""

    def __init__(self, origin: Origin, cache: Cache, clock: FakeClock, **options: Any) -> None:
        self.origin = origin
        self.cache = cache
        self.clock = clock
        self.cached = ResponseCache(origin, cache, clock=clock, **options)
        self.client = Client(self.cached)
        self.ask = self.client.ask

    async def asks(self, count: int) -> list[Answer]:
        """So many at once."""
        return await asyncio.gather(*(self.ask() for _ in range(count)))


class Sites:
    """Makes sites on one kind of store."""

    def __init__(self, kind: str) -> None:
        self.clock = FakeClock()
        self.store = SlowStore(Shelf(self.clock)) if kind == "far" else None
        self.cache = Cache(self.store, namespace="http", clock=self.clock)

    def __call__(self, *replies: Reply | Answers, **options: Any) -> Site:
        return Site(Origin(*replies), self.cache, self.clock, **options)


async def until(holds: Callable[[], bool]) -> None:
    """Let others run until that is so."""
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come to that")


async def rest() -> None:
    """Let all that can go on without time go on."""
    for _ in range(50):
        await asyncio.sleep(0)
