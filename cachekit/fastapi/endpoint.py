"""One cached endpoint: what it is run with, and what becomes of its result."""

import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from cachekit import MISSING, current_load
from cachekit.fastapi.keeping import kept
from cachekit.fastapi.recording import Recorded, replay
from cachekit.fastapi.varying import Varying

log: Final = logging.getLogger("cachekit")


_SAME_FOR_ALL: Final = (404, 410)
"""Errors that say nothing of who asks, or how: others (304, 403, 412, 429) do."""


class _Raised(NamedTuple):
    """What the caller of a load is to be told, and nobody else."""

    error: HTTPException


class Endpoint:
    """An endpoint between FastAPI, which knows its own parameters, and the cache."""

    def __init__(self, function: Callable[..., Any], varying: Varying) -> None:
        self.function = function
        self.is_async = inspect.iscoroutinefunction(function)
        self._varying = varying
        self._response = varying.parameters.response
        self._complained = False

    def load(self) -> Callable[..., Any]:
        """The function that the cache calls: by name, and without the response."""
        load = self._awaiting() if self.is_async else self._blocking()
        setattr(load, "__signature__", self._varying.signature())  # noqa: B010
        return load

    def _awaiting(self) -> Callable[..., Any]:
        @functools.wraps(self.function)
        async def load(**arguments: Any) -> Any:
            response = Recorded()
            try:
                value = await self.function(**self._given(arguments, response))
            except HTTPException as error:
                return self._raised(error)
            return self._result(value, response)

        return load

    def _blocking(self) -> Callable[..., Any]:
        @functools.wraps(self.function)
        def load(**arguments: Any) -> Any:
            response = Recorded()
            try:
                value = self.function(**self._given(arguments, response))
            except HTTPException as error:
                return self._raised(error)
            return self._result(value, response)

        return load

    def _given(self, arguments: Mapping[str, Any], response: Recorded) -> dict[str, Any]:
        """The endpoint's own arguments, and a response for this run alone."""
        given = self._varying.given(arguments)
        return given if self._response is None else {**given, self._response: response}

    def _raised(self, error: HTTPException) -> _Raised:
        """An answer for the caller alone, where it must not be shared or lose to an old value."""
        load, status = current_load(), error.status_code
        shared = status in _SAME_FOR_ALL or status >= 500
        private = not shared or "set-cookie" in map(str.lower, error.headers or {})
        if not private and (status >= 500 or load.old is MISSING):
            raise error
        load.skip(private=True)
        return _Raised(error)

    def _result(self, value: Any, response: Recorded) -> Any:
        if isinstance(value, Response):
            self._is_private(f"returned a {type(value).__name__}")
        elif response.sets_cookie:
            self._is_private("set a cookie")
        return self.to_keep(value, response)

    def _is_private(self, why: str) -> None:
        current_load().skip(private=True)
        if not self._complained:
            self._complained = True
            log.warning(
                "%s %s: such an answer is for its caller alone and is not kept; ResponseCache "
                "keeps whole responses, and a dependency can set cookies for everyone",
                self._varying.parameters.title,
                why,
            )

    def seen(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The caller's response, if it gave one, and the arguments as keys see them."""
        if args:
            kwargs = self._varying.parameters.signature.bind(*args, **kwargs).arguments
        seen = self._varying.seen(kwargs)
        return (None if self._response is None else seen.pop(self._response, None)), seen

    def answer(self, found: Any, response: Any) -> Any:
        """What the caller gets of what was found; what was done beside it is done to `response`."""
        if isinstance(found, _Raised):
            raise found.error
        if self._response is None or found is MISSING:
            return found
        value, *changes = found
        if isinstance(response, Response):
            replay(changes, response)
        return value

    def to_keep(self, value: Any, response: Recorded) -> Any:
        """What the cache is given for `value`."""
        return value if self._response is None else kept(value, response)
