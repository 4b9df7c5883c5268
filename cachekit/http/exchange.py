"""One run of the application: what it sends is passed on, or kept, or both.

The application runs in a task of its own, since others may wait for its answer when the client that
asked for it has gone, and since it may go on after its answer (background tasks).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeAlias

from cachekit.http.fields import Headers

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

log: Final = logging.getLogger("cachekit")

START: Final = "http.response.start"
BODY: Final = "http.response.body"
DEBUG: Final = "http.response.debug"
"""What Starlette tells its test client of a template; it is no part of the response."""


class ClientGoneError(OSError):
    """Nobody takes what the application sends any longer."""


class Exchange:
    """One request to the application and its answer, which is kept until `let_go`.

    While it is kept, what the application sends is gathered, however slow the client is. Once it
    is not, it is the client's alone: the application waits until the client takes what it sends,
    and hears when the client goes.
    """

    def __init__(self, receive: Receive | None, limit: int) -> None:
        self.head: Message | None = None
        self.body = bytearray()
        self.complete = False
        self.kept = True
        self._receive = receive
        self._limit = limit
        self._queue: deque[Message] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._free = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._asked = False
        self._told = False

    @property
    def has_client(self) -> bool:
        """Whether somebody takes what it sends."""
        return self._receive is not None

    def start(self, app: App, scope: Scope, runs: set[asyncio.Task[None]]) -> None:
        """Have the application answer; it is among `runs` until it has ended."""
        self._task = asyncio.get_running_loop().create_task(self._run(app, scope))
        runs.add(self._task)  # the loop alone would let it be collected as garbage
        self._task.add_done_callback(runs.discard)
        self._task.add_done_callback(self._tell)

    async def _run(self, app: App, scope: Scope) -> None:
        try:
            await app(scope, self._hear, self._take)
        finally:
            self._free.set()
            self._news.set()

    def _tell(self, task: asyncio.Task[None]) -> None:
        """Log what it raised after its answer, if nobody waits for its end."""
        error = None if task.cancelled() else task.exception()
        if error is not None and self.complete and not (self.has_client or self._told):
            log.error("the application failed after its answer", exc_info=error)

    async def until(self, reached: Callable[["Exchange"], bool]) -> None:
        """Wait until that is so, or the application has ended; raises what it raised."""
        while not reached(self):
            if self._task is None or self._task.done():
                return self._raise()
            self._news.clear()
            await self._news.wait()
        return None

    def _raise(self) -> None:
        if self._task is not None and not self._task.cancelled():
            error = self._task.exception()
            if error is not None:
                self._told = True
                raise error

    async def next(self) -> Message | None:
        """What is to be sent next, when it is there; `None`: that was all."""
        await self.until(lambda it: bool(it._queue))
        if not self._queue:
            return None
        message = self._queue.popleft()
        if not self._queue:
            self._room.set()
        return message

    def let_go(self) -> None:
        """It is not to be kept: what comes is for the client, if there is one."""
        self.kept = False
        self.body.clear()
        self._free.set()
        self._news.set()
        if not self.has_client:
            self.stop()

    def leave(self) -> None:
        """The client takes no more. What is kept goes on, for those who wait for it."""
        self._receive = None
        self._queue.clear()
        self._room.set()
        if not self.kept:
            self.stop()

    def give_up(self) -> Receive | None:
        """It is not what was asked for; what the client is heard by is for another exchange."""
        receive = self._receive
        self.leave()
        self.let_go()
        return receive

    def stop(self) -> None:
        """Nobody wants the answer: the application is cancelled, unless it has given it."""
        if self._task is not None and not self.complete:
            self._task.cancel()

    async def ended(self) -> None:
        """Wait until the application has ended, with all that it does after its answer."""
        if self._task is not None:
            await asyncio.wait([self._task])
            self._raise()

    async def _hear(self) -> Message:
        """The application's `receive`: a request without a body, and later the real client."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._free.wait()
        if self._receive is not None and not self.complete:
            return await self._receive()
        return {"type": "http.disconnect"}

    async def _take(self, message: Message) -> None:
        """The application's `send`."""
        message = _settled(message)
        self._note(message)
        if self.has_client:
            self._queue.append(message)
        self._news.set()
        if not self.kept and not self.complete:
            await self._until_taken()

    def _note(self, message: Message) -> None:
        kind = message["type"]
        if kind == START:
            self.head = message
        elif kind == BODY and self.kept:
            self.body += message.get("body", b"")
            if len(self.body) > self._limit:
                self.let_go()
        elif kind not in (START, BODY, DEBUG):  # what is sent past us: files, trailers, hints
            self.let_go()
        self.complete |= kind == BODY and not message.get("more_body", False)
        if self.complete:
            self._free.set()

    async def _until_taken(self) -> None:
        while self._queue and self.has_client:
            self._room.clear()
            await self._room.wait()
        if not self.has_client:
            raise ClientGoneError("the client has gone")


def _settled(message: Message) -> Message:
    """One that stays as it is until its client takes it, whatever the application does with it."""
    if message["type"] == START:
        return {**message, "headers": _plain(message.get("headers", ()))}
    body = message.get("body", b"")
    return message if isinstance(body, bytes) else {**message, "body": bytes(body)}


def _plain(headers: Iterable[Iterable[bytes]]) -> Headers:
    """As they ought to be: servers forgive upper case, and a Set-Cookie is to be seen."""
    return [(bytes(name).lower(), bytes(value)) for name, value in headers]
