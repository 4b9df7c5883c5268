"""Applications in plain ASGI that do one thing each."""

from collections.abc import Awaitable, Callable

from cachekit.http.exchange import Receive, Scope, Send

FRESH = [(b"cache-control", b"max-age=60")]
Lines = list[tuple[bytes, bytes]]
Handler = Callable[["Request"], Awaitable[None]]


class Request:
    """One request, and what is sent to it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.path: str = scope["path"]
        self.receive = receive
        self.send = send

    def field(self, name: bytes) -> bytes:
        found: bytes = dict(self.scope["headers"]).get(name, b"")
        return found

    async def start(self, lines: Lines = FRESH, status: int = 200, length: int = -1) -> None:
        own = [] if length < 0 else [(b"content-length", b"%d" % length)]
        await self.send(
            {"type": "http.response.start", "status": status, "headers": [*lines, *own]}
        )

    async def chunk(self, body: bytes) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": True})

    async def last(self, body: bytes = b"") -> None:
        await self.send({"type": "http.response.body", "body": body})

    async def say(self, body: bytes, lines: Lines = FRESH, status: int = 200) -> None:
        """A whole response of known length."""
        await self.start(lines, status, len(body))
        await self.last(body)

    async def until_gone(self) -> None:
        """Until the client has gone."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


class Origin:
    """An application of one handler, which counts its runs, by path."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.paths: list[str] = []
        self.ended: list[str] = []
        """Paths whose run has ended, and how, if not well."""

    @property
    def runs(self) -> int:
        return len(self.paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise AssertionError(scope["type"])
        request = Request(scope, receive, send)
        self.paths.append(request.path)
        try:
            await self.handler(request)
        except BaseException as error:
            self.ended.append(f"{request.path} {type(error).__name__}")
            raise
        self.ended.append(request.path)
