"""What becomes of an invalidation that did not arrive, once the change itself is made."""

import logging
from types import TracebackType
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from cachekit import InvalidationError

log: Final = logging.getLogger("cachekit.fastapi")

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110 9.2.1)."""

MADE: Final = "The change was made. For a while, answers may still show what was there before it."
FAILED: Final = "The cache could not be changed. Nothing is lost: try again."


class MayBeStale(BaseModel):
    """The change was made; for a while, answers may still show what was there before it."""

    detail: str = MADE


MAY_BE_STALE: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": MayBeStale, "description": "Changed; for a while, answers may be older"}
}
"""For the docs of an endpoint that invalidates: `responses=MAY_BE_STALE`."""


def add_exception_handlers(app: FastAPI) -> None:
    """Have `app` answer an `InvalidationError` that an endpoint let through.

    See `answer_invalidation_error`.
    """
    app.add_exception_handler(InvalidationError, answer_invalidation_error)


async def answer_invalidation_error(request: Request, error: Exception) -> JSONResponse:
    """An exception handler for `InvalidationError`, raised after a commit.

    202: the request succeeded, and not all of its effects can be seen. An error status would lie,
    clients would repeat what was done already, and caches on the way would keep what they had of
    this URL (RFC 9111 4.4). A method that changes nothing has nothing to report as done: 503.

    Each case is a warning in the log, with what was not reached; the client is told no keys.
    """
    status, detail = (503, FAILED) if request.method in SAFE else (202, MADE)
    log.warning("%s %r is answered with %d: %s", request.method, request.url.path, status, error)
    return JSONResponse({"detail": detail}, status, {"Cache-Control": "no-store"})


class committed:
    """A block that forgets, after a commit: an `InvalidationError` is logged, and does no more.

    >>> with committed("price of 7 changed"):
    ...     pass  # await cache.emit(PriceChanged(7))

    A plain `with`, around what awaits too. What stands behind the error in the block is left out,
    so only what forgets belongs into it. `what`: said in the log, nothing that is secret.
    """

    def __init__(self, what: str = "the change") -> None:
        self._what = what

    def __enter__(self) -> None:
        """Nothing is done before the block."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not isinstance(error, InvalidationError):
            return False
        log.warning("%s: it is committed, but %s", self._what, error)
        return True
