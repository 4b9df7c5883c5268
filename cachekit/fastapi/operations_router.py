"""A router for whoever operates a service: what its caches do, and forgetting by hand."""

import asyncio
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, HTTPException, Query, Response
from fastapi.params import Depends as Dependency

from cachekit import Cache, CacheError, ConfigurationError, InvalidationError, UnsupportedError
from cachekit.fastapi.reports import (
    CacheHealth,
    CacheStats,
    EntryReport,
    HealthReport,
    NotForgotten,
    Refused,
    Targets,
    ToForget,
)

DEFAULT: Final = "default"
"""What a cache is called that was given without a name."""

NO_STORE: Final = {"Cache-Control": "no-store"}

_EVENT: Final = re.compile(r"[A-Za-z0-9._~-]+")
_SILENT: Final[dict[str, Any]] = {"model": NotForgotten, "description": "The store did not answer"}
_WRONG: Final[dict[str, Any]] = {"model": Refused, "description": "This cache cannot do that"}
_LOCKED: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "Nobody that is known"},
    403: {"description": "Not for them"},
}


def operations(
    caches: Cache | Mapping[str, Cache],
    *,
    auth: Any,
    events: Mapping[str, type[Any]] | None = None,
) -> APIRouter:
    """A router with what operating `caches` takes: one cache, or several by name.

    - `auth`: `Depends(…)` or `Security(…)`, which lets in who may do this, and raises for others.
      There is no router without it.
    - `events`: what may be emitted, by the name it has in the path. The body of a request is
      validated as that type: a pydantic model, a dataclass.

    `GET /stats`, `GET /health`, `GET /entry?key=…`, `POST /invalidate`, `POST /events/{name}`.
    Its answers are `no-store`.
    """
    desk = _Desk(_named(caches))
    router = APIRouter(
        dependencies=[_checked_auth(auth), Depends(_is_not_stored)],
        tags=["cache operations"],
        responses=_LOCKED,
    )
    router.get("/stats", summary="What each cache did since the start")(desk.stats)
    router.get("/health", summary="Whether the store of each cache answers")(desk.health)
    _add_entry(router, desk)
    _add_invalidate(router, desk)
    for name, event_type in (events or {}).items():
        _add_event(router, desk, name, event_type)
    return router


class _Desk:
    """What the endpoints do."""

    def __init__(self, caches: Mapping[str, Cache]) -> None:
        self._caches = dict(caches)

    @property
    def choice(self) -> Any:
        """The query parameter that names a cache; it may be left out if there is no doubt."""
        names = list(self._caches)
        default = names[0] if len(names) == 1 else DEFAULT if DEFAULT in names else ...
        return Query(default, description="Which cache.", json_schema_extra={"enum": names})

    def cache(self, name: str) -> Cache:
        """The cache of that name, or 404."""
        if name in self._caches:
            return self._caches[name]
        raise _error(404, f"no cache {name!r}; there are: {', '.join(self._caches)}")

    async def stats(self) -> dict[str, CacheStats]:
        """The figures of this process; others have theirs."""
        return {name: _stats(cache) for name, cache in self._caches.items()}

    async def health(self) -> HealthReport:
        """Asks each store for one read.

        200 also when it is `degraded`: the service answers without its store, and who took it for
        dead would take down all instances at once, for one store that all of them share.
        """
        found = await asyncio.gather(*map(_health, self._caches.values()))
        return HealthReport(
            status="ok" if all(health.answers for health in found) else "degraded",
            caches=dict(zip(self._caches, found, strict=True)),
        )

    async def entry(self, name: str, key: str) -> EntryReport:
        cache = self.cache(name)
        with _errors_answered():
            known = await cache.metadata(key)
            if known is not None:
                return EntryReport.of(known)
            if await cache.ping():
                raise _error(404, f"nothing under {key!r}")
        raise _error(503, "the store did not answer")

    async def invalidate(self, name: str, what: ToForget) -> Targets:
        cache = self.cache(name)
        with _errors_answered():
            await cache.invalidate(*what.all())
        return Targets(keys=what.keys, tags=what.tags, prefixes=what.prefixes)

    async def emit(self, name: str, event: Any) -> Targets:
        cache = self.cache(name)
        with _errors_answered():
            return Targets.of(await cache.emit(event))


def _add_entry(router: APIRouter, desk: _Desk) -> None:
    @router.get(
        "/entry",
        summary="What is known of the value under a key",
        responses={400: _WRONG, 404: {"model": Refused}, 503: _SILENT},
    )
    async def read_entry(
        key: Annotated[str, Query(min_length=1)], cache: str = desk.choice
    ) -> EntryReport:
        """Its age, ttl, tags and version, whatever it is; not the value."""
        return await desk.entry(cache, key)


def _add_invalidate(router: APIRouter, desk: _Desk) -> None:
    @router.post(
        "/invalidate",
        summary="Forget by key, tag or prefix",
        responses={400: _WRONG, 404: {"model": Refused}, 503: _SILENT},
    )
    async def invalidate(what: ToForget, cache: str = desk.choice) -> Targets:
        """It is forgotten in all processes once this has answered.

        Not every store can forget by prefix: 400, and tags are the way there.
        """
        return await desk.invalidate(cache, what)


def _add_event(router: APIRouter, desk: _Desk, name: str, event_type: type[Any]) -> None:
    async def emit(event: Any, cache: str = desk.choice) -> Targets:
        return await desk.emit(cache, event)

    if not _EVENT.fullmatch(name):
        raise ConfigurationError(
            f"events={{{name!r}: …}}: an event's name is a part of a path; write it of letters, "
            "digits, '-', '.', '_' and '~'"
        )
    emit.__annotations__["event"] = Annotated[event_type, Body()]
    emit.__doc__ = "Emits it, and answers what was forgotten."
    router.post(
        f"/events/{name}",
        name=f"emit {name}",
        summary=f"Say that {name} has happened",
        responses={400: _WRONG, 404: {"model": Refused}, 503: _SILENT},
    )(emit)


def _named(caches: Cache | Mapping[str, Cache]) -> Mapping[str, Cache]:
    named = {DEFAULT: caches} if isinstance(caches, Cache) else caches
    if not named:
        raise ConfigurationError("operations() has no cache to operate: give it one, or {name: it}")
    return named


def _checked_auth(auth: Any) -> Dependency:
    if isinstance(auth, Dependency) and auth.dependency is not None:
        return auth
    raise TypeError(
        f"operations(auth={auth!r}) would let everybody forget what is cached: write "
        "auth=Depends(require_admin), a function that raises for who may not"
    )


def _is_not_stored(response: Response) -> None:
    response.headers.update(NO_STORE)


def _stats(cache: Cache) -> CacheStats:
    stats = cache.stats()
    return CacheStats(**{name: getattr(stats, name) for name in stats.__slots__})


async def _health(cache: Cache) -> CacheHealth:
    began = perf_counter()
    try:
        answers = await cache.ping()
    except CacheError:  # it was closed, or never can be opened
        answers = False
    return CacheHealth(answers=answers, seconds=perf_counter() - began)


@contextmanager
def _errors_answered() -> Generator[None]:
    """What a cache raises, as an answer."""
    try:
        yield
    except InvalidationError as error:
        message = "the store did not acknowledge; what is named may be served until it expires"
        raise _error(503, {"message": message, "unreached": error.unreached}) from error
    except UnsupportedError as error:
        raise _error(400, f"{error}; keys and tags named beside it are forgotten") from error
    except ConfigurationError as error:
        raise _error(400, str(error)) from error
    except CacheError as error:
        raise _error(503, str(error)) from error


def _error(status: int, detail: Any) -> HTTPException:
    return HTTPException(status, detail, headers=NO_STORE)
