"""Conditional requests for endpoints that know their own version (RFC 9110 13)."""

from collections.abc import Iterator
from datetime import datetime
from time import time
from typing import Annotated, Any, Final, NoReturn

from fastapi import Depends, HTTPException, Request, Response
from starlette.datastructures import Headers as RawHeaders

from cachekit import ConfigurationError
from cachekit.fastapi.tagging import Part, etag_of
from cachekit.http.conditions import Validators, Verdict, evaluate, headers_of_304
from cachekit.http.dates import format_date
from cachekit.http.etags import ETag
from cachekit.http.fields import Headers, first

READS: Final = frozenset({"GET", "HEAD"})
_OLD: Final = "It has changed since you read it. Read it again, and decide anew."
_BLIND: Final = "Send If-Match with the ETag of what you read, so that no other change is lost."

CONDITIONAL_READ: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Not modified since the answer that the request names"},
}
"""For the docs of an endpoint that reads: `responses=CONDITIONAL_READ`."""

CONDITIONAL_UPDATE: Final[dict[int | str, dict[str, Any]]] = {
    412: {"description": "It is not what the request says that it must be"},
    428: {"description": "The request must say of which state it was made: If-Match"},
}
"""For the docs of an endpoint that changes something: `responses=CONDITIONAL_UPDATE`."""


class Conditional:
    """The conditions of one request. A parameter of an endpoint: `conditions: Conditions`.

    Call `check` once it is known that the answer would be a success, so after 404, and before the
    work: it ends the request where the work need not be done. All dependencies of the endpoint have
    run by then, so nobody learns of a version who may not read it.
    """

    def __init__(self, request: Request, response: Response) -> None:
        self._method = request.method
        self._headers: Headers = request.headers.raw
        self._response = response
        self._url = _url_of(request)

    def etag(self, *version: Part, weak: bool = False) -> ETag:
        """The tag of one state of what is under this URL; of another URL it is another one.

        `version`: all that makes a difference to the answer. Where what is changed is read under
        another URL, or with another query: `etag_of` with a name of its own.
        """
        return etag_of(self._url, *version, weak=weak)

    def check(
        self,
        etag: ETag | None = None,
        *,
        last_modified: datetime | float | None = None,
        required: bool = False,
    ) -> None:
        """Go on if the request's conditions hold for the state that has these validators.

        Else the request ends: 304 for `GET` and `HEAD`, with the fields that were set on the
        `Response` so far; 412 for what does not hold. To an answer that reads the validators are
        added.

        - `last_modified`: an aware datetime, or seconds since the epoch. A reader is not told of a
          change in this very second: another one in it would have the same date.
        - `required`: 428 where a change does not say of which state it was made (RFC 6585 3).

        A change must still be conditional on the version that was checked, in its transaction:
        `UPDATE … WHERE version = …`. Two requests can pass here at once.
        """
        modified = _seconds(last_modified)
        if self._method in READS:
            modified = _settled(modified, time())
        elif required:
            self._require()
        state = Validators(etag, modified)
        self._evaluate(state)
        if self._method in READS:
            self._say(state)

    def check_absent(self) -> None:
        """The same where there is nothing under this URL: `If-None-Match: *` holds, `If-Match`
        does not."""
        self._evaluate(None)

    def stamp(
        self, etag: ETag | None = None, *, last_modified: datetime | float | None = None
    ) -> None:
        """Say in the answer to a change which state it has made."""
        self._say(Validators(etag, _seconds(last_modified)))

    def _require(self) -> None:
        if first(self._headers, b"if-match") or first(self._headers, b"if-unmodified-since"):
            return
        if first(self._headers, b"if-none-match") == b"*":  # it says that there is nothing yet
            return
        raise HTTPException(428, _BLIND, headers={"Cache-Control": "no-store"})

    def _evaluate(self, state: Validators | None) -> None:
        verdict = evaluate(self._method, self._headers, state)
        if verdict is Verdict.FAILED:
            raise HTTPException(412, _OLD)
        if verdict is Verdict.NOT_MODIFIED and state is not None:
            self._end_unmodified(state)

    def _end_unmodified(self, state: Validators) -> NoReturn:
        answer = [*self._response.headers.raw, *_fields(state)]
        raise HTTPException(304, headers=RawHeaders(raw=headers_of_304(answer)))

    def _say(self, state: Validators) -> None:
        for name, value in _fields(state):
            self._response.headers[name.decode()] = value.decode("latin-1")


Conditions = Annotated[Conditional, Depends(Conditional)]
"""The conditions of the request, as a parameter of an endpoint or of a dependency."""


def _fields(state: Validators) -> Iterator[tuple[bytes, bytes]]:
    if state.etag is not None:
        yield b"etag", bytes(state.etag)
    if state.last_modified is not None:
        yield b"last-modified", format_date(state.last_modified)


def _settled(modified: float | None, now: float) -> float | None:
    """A date as a validator: not one in whose second there may still be a change (8.8.2.2)."""
    return modified if modified is not None and modified < now // 1 else None


def _seconds(moment: datetime | float | None) -> float | None:
    """Whole seconds since the epoch: a date of HTTP has no fraction."""
    if not isinstance(moment, datetime):
        return None if moment is None else float(moment // 1)
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"last_modified={moment!r} is of no time zone: write moment.replace(tzinfo=UTC), "
            "if that is what it is"
        )
    return moment.timestamp() // 1


def _url_of(request: Request) -> str:
    scope = request.scope
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    host = first(request.headers.raw, b"host") or b""
    return f"//{host.lower().decode('latin-1')}{path.decode('latin-1')}?{query.decode('latin-1')}"
