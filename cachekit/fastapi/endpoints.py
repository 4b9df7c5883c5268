"""`cached` for endpoints: a result of one user never reaches another; headers are kept, too."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Unpack, cast

from starlette.responses import Response

from cachekit import Cache, ConfigurationError, Options
from cachekit.cached import Decorator
from cachekit.call import several
from cachekit.fastapi.endpoint import Endpoint
from cachekit.fastapi.keeping import options_for_kept
from cachekit.fastapi.parameters import parameters_of, returned_by
from cachekit.fastapi.varying import Varying, VaryOn, check_key, varying
from cachekit.fastapi.wrapping import wrapped
from cachekit.refreshing import RefreshScope


class EndpointOptions(Options, total=False):
    """How the results of an endpoint are named, loaded and kept."""

    key: str
    """A template of the parameters, `"product:{product_id}"`. Without it, the key is the
    endpoint's name and all of its arguments that count."""
    tags: Iterable[str]
    """Names, or templates of what the key uses, for `invalidate(Tag(...))`."""
    name: str | None
    """Instead of where the endpoint is defined."""
    refresh_scope: RefreshScope | None
    """A function that returns a context manager of arguments, by name, in place of those that the
    key leaves out: a session, say."""


def cached(
    cache: Cache,
    /,
    *,
    vary_on: VaryOn = (),
    ignore: Iterable[str] = (),
    **options: Unpack[EndpointOptions],
) -> Decorator:
    """Cache what an endpoint returns. Write it below `@app.get(...)`.

    A hit does not run the endpoint; its dependencies run for every request. Each parameter that may
    be of one user alone (from `Depends`, `Security`, `Header`, `Cookie`, a `Request`, …) is named:

    - `vary_on`: the result depends on it: `["lang"]`, or `{"user": lambda user: user.id}` for what
      of it counts.
    - `ignore`: everyone gets the same, whatever it is: a session of the database.

    Or else a `ConfigurationError` says what to write, when the module is imported. All other
    parameters count, unless a `key=` leaves them out.

    What the endpoint does to its injected `Response` (headers, status) is kept with the value. An
    answer that sets a cookie, and a `Response` that is returned, are for their caller alone and
    not kept. No `HTTPException` is kept; one below 500 is an answer, which an old value that
    `stale_if_error` allows does not replace.

    `options`: as for `Cache.cached`; so are the methods that the endpoint gets.
    """

    def wrap(function: Any) -> Any:
        _check_function(function)
        _check_result(function)
        says = varying(parameters_of(function), vary_on, ignore)
        endpoint = Endpoint(function, says)
        told = _told(cache, function, says, vary_on, options)
        return wrapped(endpoint, cache.cached(**told, ignore=says.left_out)(endpoint.load()))

    return cast("Decorator", wrap)


def _told(
    cache: Cache,
    function: Callable[..., Any],
    says: Varying,
    vary_on: VaryOn,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """`options` as the cache takes them for what an endpoint loads."""
    told = dict(options)
    if "key" in told:
        check_key(says.parameters.title, told["key"], vary_on)
        told["key"] = says.template(told["key"])
    if "tags" in told:
        told["tags"] = [says.template(tag) for tag in several("tags", told["tags"])]
    if says.parameters.response is None:
        return told
    return options_for_kept(cache, told, returned_by(function))


def _check_function(function: Any) -> None:
    if not inspect.isfunction(function):
        raise TypeError(f"cached() decorates the functions of endpoints, not {function!r}")
    first = next(iter(inspect.signature(function).parameters), "")
    parent = function.__qualname__.rpartition(".")[0]
    if first in _SELVES and parent and not parent.endswith("<locals>"):
        raise ConfigurationError(
            f"{function.__qualname__} is a method: write @cache.cached above it, and call it from "
            "an endpoint"
        )


_SELVES: Final = ("self", "cls")


def _check_result(function: Callable[..., Any]) -> None:
    returned = returned_by(function)
    if isinstance(returned, type) and issubclass(returned, Response):
        raise ConfigurationError(
            f"{function.__module__}.{function.__qualname__} returns a {returned.__name__}: cached "
            "keeps values; return one and let FastAPI make the response of it, or cache whole "
            "responses with ResponseCache"
        )
