"""Plays scripts: a client without sockets, the response cache, and an origin behind it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cachekit import Cache
from cachekit.http import ResponseCache
from cachekit.http.fields import lines
from cachekit.http.stored import StoredSerializer
from cachekit.testing import FakeClock, ReferenceBackend
from cachekit_memory import MemoryBackend
from tests.http.conformance.script import At, Fields, Script, Seen, Step, Value

Raw = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Answered:
    """What the client got."""

    status: int = 0
    headers: Raw = field(default_factory=Raw)
    body: bytes = b""
    complete: bool = False

    def number(self, name: bytes) -> int | None:
        found = lines(self.headers, name)
        return int(found[0]) if found else None


class Origin:
    """An application that goes by the script: it answers a request by its number.

    It also sends what servers behind a proxy do: Date, and fields of the connection.
    """

    def __init__(self, script: Script, clock: FakeClock) -> None:
        self.script = script
        self.clock = clock
        self.heard: dict[int, list[Raw]] = {}
        self.methods: dict[int, list[str]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        sent: Raw = list(scope["headers"])
        number = int(lines(sent, b"req-num")[0])
        step = self.script.steps[number]
        self.heard.setdefault(number, []).append(sent)
        self.methods.setdefault(number, []).append(scope["method"])
        while (await receive()).get("more_body"):
            pass
        self.clock.advance(step.slow)
        if step.fails:
            raise ConnectionError("the origin has closed the connection")
        await self._answer(step, number, sent, scope["method"], send)

    async def _answer(self, step: Step, number: int, sent: Raw, method: str, send: Any) -> None:
        status = self._status(step, number, sent)
        if step.again and len(self.heard[number]) > 1:
            status = step.again
        body = (step.says or self.script.name).encode()
        answers = raw(step.answers, self.clock.time())
        added: Raw = [
            (b"connection", b"keep-alive"),
            (b"keep-alive", b"timeout=5"),
            (b"origin-count", b"%d" % number),
        ]
        for name, value in raw(_USUAL, self.clock.time()):
            if not lines(answers, name):
                added.append((name, value))
        await send({"type": "http.response.start", "status": status, "headers": answers + added})
        if method == "HEAD" or status in (204, 304):
            body = b""
        half = len(body) // 2
        await send({"type": "http.response.body", "body": body[:half], "more_body": True})
        await send({"type": "http.response.body", "body": body[half:], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _status(self, step: Step, number: int, sent: Raw) -> int:
        """304 where that is what the step is about, and it was asked for as it should be."""
        asked = {Seen.BY_ETAG: ("if-none-match", "etag")}
        asked[Seen.BY_DATE] = ("if-modified-since", "last-modified")
        if step.seen not in asked:
            return step.status
        condition, validator = asked[step.seen]
        known = [
            value
            for before in self.script.steps[:number]
            for value in lines(raw(before.answers, self.clock.time()), validator.encode())
        ]
        given = lines(sent, condition.encode())
        return 304 if given and (given[0] in known or step.seen is Seen.BY_DATE) else 599


_USUAL: Fields = {"date": At(0), "content-type": "text/plain"}


def raw(fields: Fields, now: float) -> Raw:
    """Fields as ASGI has them."""
    found: Raw = []
    for name, said in fields.items():
        values: Sequence[Value] = [said] if isinstance(said, (str, At)) else said
        found += [(name.encode(), text(value, now).encode("latin-1")) for value in values]
    return found


def text(value: Value, now: float) -> str:
    return value if isinstance(value, str) else value.text(now)


NOTHING: Fields = {}


class Player:
    """One script, in front of a cache of its own; `always`: what each request has besides."""

    def __init__(
        self, script: Script, *, store: bool, options: dict[str, Any], always: Fields = NOTHING
    ) -> None:
        self.clock = FakeClock()
        self.origin = Origin(script, self.clock)
        backend = ReferenceBackend(self.clock) if store else MemoryBackend(clock=self.clock)
        plain = StoredSerializer()  # one that is named would be looked for among what is installed
        self.cache = Cache(backend, namespace="http", clock=self.clock, serializer=plain)
        self.app = ResponseCache(self.origin, self.cache, clock=self.clock, **options)
        self.script = script
        self.always = always

    async def play(self) -> None:
        async with self.cache:
            for number, step in enumerate(self.script.steps):
                answered = await self.ask(number, step)
                self.check(number, step, answered)
                if step.wait:
                    await all_quiet()
                self.clock.advance(step.wait or 0.01)
            await all_quiet()

    async def ask(self, number: int, step: Step) -> Answered:
        path = "/" + "".join(c if c.isalnum() else "-" for c in self.script.name) + step.path
        plain, _, query = path.partition("?")
        headers: Raw = [
            (b"host", step.host.encode()),
            (b"user-agent", b"a client"),
            (b"test-id", self.script.name.encode()),
            (b"req-num", b"%d" % number),
            *raw(self.always, self.clock.time()),
            *raw(step.sends, self.clock.time()),
        ]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": step.method,
            "path": plain,
            "raw_path": plain.encode(),
            "query_string": query.encode(),
            "headers": headers,
            "state": {},
        }
        return await answer_of(self.app, scope)

    def check(self, number: int, step: Step, answered: Answered) -> None:
        at = f"step {number + 1}"
        now = self.clock.time()
        count = answered.number(b"origin-count")
        if step.seen is Seen.CACHE:
            assert count is not None, f"{at}: {answered}"
            assert count < number, f"{at}: not from the cache: {answered}"
        elif step.seen is Seen.ORIGIN:
            assert self.origin.heard.get(number), f"{at}: the origin was not asked: {answered}"
            assert count in (None, number), f"{at}: an old answer: {answered}"
        elif step.seen is not Seen.ANYWHERE:
            assert self.origin.heard.get(number), f"{at}: the origin was not asked: {answered}"
            assert answered.status != 599, f"{at}: asked without validator"
        if step.gets is not None:
            assert answered.status == step.gets, f"{at}: {answered}"
        for name, value in raw(step.has, now):
            found = lines(answered.headers, name)
            assert value in found, f"{at}: {name!r} is {found}, not {value!r}"
        for lacking in step.lacks:
            assert not lines(answered.headers, lacking.encode()), f"{at}: {answered}"
        if step.body is not None:
            assert answered.body == step.body.encode(), f"{at}: {answered}"
        if step.older is not None:
            age = answered.number(b"age")
            assert (age or 0) >= step.older, f"{at}: Age is {age}"
        self._check_heard(at, number, step, now)

    def _check_heard(self, at: str, number: int, step: Step, now: float) -> None:
        heard: Raw = [line for each in self.origin.heard.get(number, []) for line in each]
        for name, value in raw(step.saw, now):
            assert value in lines(heard, name), f"{at}: the origin saw {lines(heard, name)}"
        for unwanted in step.saw_not:
            assert not lines(heard, unwanted.encode()), f"{at}: the origin saw {unwanted}"


async def answer_of(app: Any, scope: Any) -> Answered:
    """What a server would send; it is as strict as servers are."""
    answered = Answered()
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        assert not answered.complete
        if message["type"] == "http.response.start":
            assert answered.status == 0
            answered.status, answered.headers = message["status"], list(message["headers"])
        else:
            assert answered.status
            assert message["type"] == "http.response.body"
            answered.body += message.get("body", b"")
            answered.complete = not message.get("more_body", False)

    try:
        await app(scope, receive, send)
    except ConnectionError:
        assert not answered.status
        return Answered(500, [], b"", complete=True)
    check_length(scope["method"], answered)
    return answered


def check_length(method: str, answered: Answered) -> None:
    """The body is as long as the head says."""
    assert answered.complete
    said: Sequence[bytes] = lines(answered.headers, b"content-length")
    assert len(said) <= 1
    if method == "HEAD" or answered.status in (204, 304):
        assert not answered.body
    elif said:
        assert int(said[0]) == len(answered.body), answered


async def all_quiet() -> None:
    """Until nothing goes on behind that does not wait for something outside."""
    for _ in range(50):
        await asyncio.sleep(0)
