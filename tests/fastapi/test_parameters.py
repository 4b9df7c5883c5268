"""Which parameters of an endpoint have to be named, and what is said of one that is not."""

# mypy: disable-error-code="empty-body"

from collections.abc import Callable
from typing import Annotated, Any, Optional

import pytest
from fastapi import (
    BackgroundTasks,
    Body,
    Cookie,
    Depends,
    File,
    Form,
    Header,
    Path,
    Query,
    Request,
    Response,
    Security,
    UploadFile,
    WebSocket,
)
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from cachekit import Cache, ConfigurationError
from cachekit.fastapi import cached
from tests.fastapi import later

CACHE = Cache()


class User(BaseModel):
    id: int


class Trace(BaseModel):
    trace: str


class Pages:
    """A dependency that is a class."""

    def __init__(self, page: int = 0) -> None:
        self.page = page


class OwnRequest(Request):
    pass


def get_user() -> User:
    return User(id=1)


CurrentUser = Annotated[User, Depends(get_user)]
bearer = HTTPBearer()


async def by_depends(it: Annotated[User, Depends(get_user)]) -> int: ...
async def by_alias(it: CurrentUser) -> int: ...
async def by_default(it: User = Depends(get_user)) -> int: ...  # noqa: B008
async def by_class(it: Annotated[Pages, Depends()]) -> int: ...
async def by_class_default(it: Pages = Depends()) -> int: ...  # noqa: B008
async def by_security(it: Annotated[User, Security(get_user, scopes=["a"])]) -> int: ...
async def by_scheme(it: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> int: ...
async def by_key(it: str = Security(APIKeyHeader(name="x-api-key"))) -> int: ...
async def by_request(it: Request) -> int: ...
async def by_own_request(it: OwnRequest) -> int: ...
async def by_connection(it: HTTPConnection) -> int: ...
async def by_websocket(it: WebSocket) -> int: ...
async def by_header(it: Annotated[str, Header()]) -> int: ...
async def by_default_header(it: str = Header("en")) -> int: ...
async def by_header_model(it: Annotated[Trace, Header()]) -> int: ...
async def by_cookie(it: Annotated[Optional[str], Cookie()] = None) -> int: ...  # noqa: UP045
async def by_cookie_model(it: Annotated[Trace, Cookie()]) -> int: ...
async def by_several(it: Annotated[str, Query(), Header()]) -> int: ...
async def by_nested(it: Annotated[str, Header()] | None = None) -> int: ...
async def by_tasks(it: BackgroundTasks) -> int: ...
async def by_scopes(it: SecurityScopes) -> int: ...
async def by_upload(it: UploadFile) -> int: ...
async def by_uploads(it: Annotated[list[UploadFile], File()]) -> int: ...
def by_plain_def(it: Request) -> int: ...


TOLD: list[tuple[Callable[..., Any], str]] = [
    (by_depends, "Depends"),
    (by_alias, "Depends"),
    (by_default, "Depends"),
    (by_class, "Depends"),
    (by_class_default, "Depends"),
    (by_security, "Security"),
    (by_scheme, "Depends"),
    (by_key, "Security"),
    (by_request, "Request"),
    (by_own_request, "OwnRequest"),
    (by_connection, "HTTPConnection"),
    (by_websocket, "WebSocket"),
    (by_header, "Header"),
    (by_default_header, "Header"),
    (by_header_model, "Header"),
    (by_cookie, "Cookie"),
    (by_cookie_model, "Cookie"),
    (by_several, "Header"),
    (by_nested, "Header"),
    (by_tasks, "BackgroundTasks"),
    (by_scopes, "SecurityScopes"),
    (by_upload, "UploadFile"),
    (by_uploads, "UploadFile"),
    (by_plain_def, "Request"),
    (later.by_text, "Depends"),
    (later.by_text_of_request, "Request"),
    (later.of_a_type_for_checkers, "Depends"),
    (later.with_a_name_for_checkers, "Depends"),
]
names = pytest.mark.parametrize(("function", "source"), TOLD, ids=[f.__name__ for f, _ in TOLD])


@names
def test_what_may_be_of_one_user_must_be_named(function: Callable[..., Any], source: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        cached(CACHE)(function)
    message = str(caught.value)
    assert f"{function.__module__}.{function.__qualname__}" in message
    assert f"'it' (from {source})" in message
    assert "vary_on=['it']" in message
    assert "ignore=['it']" in message


@names
def test_once_it_is_named_it_is_cached(function: Callable[..., Any], source: str) -> None:
    cached(Cache(), ignore=["it"])(function)
    cached(Cache(), vary_on={"it": str})(function)


@names
def test_a_template_as_key_names_nothing(function: Callable[..., Any], source: str) -> None:
    with pytest.raises(ConfigurationError, match="may be of one user alone"):
        cached(CACHE, key="fixed")(function)


async def by_the_url(
    a: int,
    b: Annotated[str, Path()],
    c: Annotated[Trace, Query()],
    d: Trace,
    e: Annotated[int, Body()],
    f: Annotated[str, Form()],
    response: Response,
    g: Optional[str] = None,  # noqa: UP045
    h: int = Query(3),
) -> int: ...


def test_what_the_url_and_the_body_say_counts_without_a_word() -> None:
    function = cached(CACHE)(by_the_url)
    trace, text = Trace(trace="x"), f"{__name__}.Trace(trace='x')"
    key = function.key(1, "b", trace, trace, 2, "f", Response())
    assert key == f"{__name__}.by_the_url(1,'b',{text},{text},2,'f',None,3)"


def test_every_one_that_is_missing_is_in_the_message() -> None:
    async def both(a: Request, b: Annotated[str, Header()], c: int) -> int: ...

    with pytest.raises(ConfigurationError, match=r"'a' \(from Request\), 'b' \(from Header\)"):
        cached(CACHE)(both)
    with pytest.raises(ConfigurationError, match=r": 'b' \(from Header\) may"):
        cached(CACHE, ignore="a")(both)


@pytest.mark.parametrize("argument", ["vary_on", "ignore"])
def test_a_name_that_is_none_is_an_error(argument: str) -> None:
    told: dict[str, Any] = {argument: ["user"]}
    with pytest.raises(ConfigurationError, match=r"='user': there is no such parameter.*\['it'\]"):
        cached(CACHE, **told)(by_depends)


@pytest.mark.parametrize("argument", ["vary_on", "ignore"])
def test_the_response_is_not_to_be_named(argument: str) -> None:
    async def read(response: Response) -> int: ...

    told: dict[str, Any] = {argument: ["response"]}
    with pytest.raises(ConfigurationError, match="kept with the value"):
        cached(CACHE, **told)(read)


def test_a_name_in_both_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="choose"):
        cached(CACHE, vary_on=["it"], ignore=["it"])(by_depends)


@pytest.mark.parametrize("function", [by_request, by_connection, by_tasks, by_upload, by_uploads])
def test_what_has_no_identity_needs_a_function(function: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="say what of it counts"):
        cached(CACHE, vary_on=["it"])(function)


async def awaited(user: User) -> int:
    return user.id


@pytest.mark.parametrize("count", ["id", awaited])
def test_what_of_it_counts_is_said_by_a_plain_function(count: Any) -> None:
    with pytest.raises(ConfigurationError, match="plain function"):
        cached(CACHE, vary_on={"it": count})(by_depends)


def test_a_template_uses_what_results_vary_on() -> None:
    with pytest.raises(ConfigurationError, match=r"leaves out \['it'\]"):
        cached(CACHE, key="fixed", vary_on=["it"])(by_depends)
    cached(CACHE, key="of:{it.id}", vary_on=["it"])(by_depends)


def test_a_key_is_no_function() -> None:
    count: Any = str
    with pytest.raises(ConfigurationError, match="is a template"):
        cached(CACHE, key=count, ignore=["it"])(by_depends)


@pytest.mark.parametrize("function", [later.unknown, later.unknown_response])
def test_an_annotation_that_cannot_be_read_is_an_error(function: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"'Nowhere'.*is not defined.*above the endpoint"):
        cached(CACHE, ignore=["it"])(function)


def gives_response() -> JSONResponse: ...
def gives_stream() -> StreamingResponse: ...


@pytest.mark.parametrize("function", [gives_response, gives_stream, later.gives_response])
def test_an_endpoint_of_responses_is_pointed_to_the_response_cache(
    function: Callable[..., Any],
) -> None:
    with pytest.raises(ConfigurationError, match="ResponseCache"):
        cached(CACHE)(function)


class Views:
    async def read(self, id: int) -> int: ...


async def many(*ids: int) -> int: ...
async def any_(**more: int) -> int: ...
async def by_position(id: int, /) -> int: ...


@pytest.mark.parametrize("function", [Views.read, many, any_, by_position])
def test_what_is_no_endpoint_is_for_the_cache_itself(function: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"@cache\.cached"):
        cached(CACHE)(function)


@pytest.mark.parametrize("thing", [User, Pages(), 3])
def test_what_is_no_function_is_no_endpoint(thing: Any) -> None:
    with pytest.raises(TypeError, match="functions of endpoints"):
        cached(CACHE)(thing)


def test_an_endpoint_is_cached_once() -> None:
    function = cached(CACHE, name="once")(later.plain)
    with pytest.raises(ConfigurationError, match="decorate it once"):
        cached(CACHE, name="twice")(function)
