"""What FastAPI puts into each parameter of an endpoint, and whether it may be of one user alone."""

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import Parameter
from types import SimpleNamespace
from typing import Annotated, Any, Final, ForwardRef, get_args, get_origin

from fastapi import params
from fastapi.security import SecurityScopes
from starlette.background import BackgroundTasks
from starlette.datastructures import UploadFile
from starlette.requests import HTTPConnection
from starlette.responses import Response

from cachekit.errors import ConfigurationError

_MARKERS: Final = (params.Depends, params.Header, params.Cookie)
_NAMELESS: Final[tuple[type[Any], ...]] = (
    HTTPConnection,
    BackgroundTasks,
    SecurityScopes,
    UploadFile,
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Those of one endpoint.

    `told`: which of them may be of one user alone, and what they come from: `"Depends"`,
    `"Cookie"`, `"Request"`. Those in `nameless` have no identity that a key could be made of.
    `response` is the one that FastAPI puts its `Response` into.
    """

    title: str
    signature: inspect.Signature
    told: Mapping[str, str]
    nameless: frozenset[str]
    response: str | None

    @property
    def names(self) -> list[str]:
        """All that can count, or be left out."""
        return [name for name in self.signature.parameters if name != self.response]


def parameters_of(function: Callable[..., Any]) -> Parameters:
    """Those of `function`; a `ConfigurationError` for what no endpoint has, or is not defined."""
    title = f"{function.__module__}.{function.__qualname__}"
    signature = inspect.signature(function)
    told, nameless, response = dict[str, str](), set[str](), None
    for name, parameter in signature.parameters.items():
        _check_kind(title, parameter)
        source = _source(function, title, parameter)
        if isinstance(source, str):
            told[name] = source
        elif source is not None and issubclass(source, Response):
            response = name
        elif source is not None:
            told[name] = source.__name__
            nameless.add(name)
    return Parameters(title, signature, told, frozenset(nameless), response)


def returned_by(function: Callable[..., Any]) -> Any:
    """What `function` is annotated to return, or `Parameter.empty`."""
    annotation = inspect.signature(function).return_annotation
    if annotation is Parameter.empty:
        return annotation
    title = f"{function.__module__}.{function.__qualname__}"
    return _resolved(function, annotation, f"what {title} returns")


def _check_kind(title: str, parameter: Parameter) -> None:
    if parameter.kind not in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
        raise ConfigurationError(
            f"{title}: FastAPI gives an endpoint its arguments by name, which {str(parameter)!r} "
            "does not take; for a function that is no endpoint there is @cache.cached"
        )


def _source(
    function: Callable[..., Any], title: str, parameter: Parameter
) -> str | type[Any] | None:
    """What a parameter is filled from: a marker by its name, or a special class; else `None`."""
    if isinstance(parameter.default, _MARKERS):  # whatever its annotation is
        return type(parameter.default).__name__
    annotation = parameter.annotation
    if annotation is Parameter.empty:
        return None
    if not isinstance(annotation, str) and (marker := _marker(annotation)):
        return marker
    what = f"the parameter {parameter.name!r} of {title}"
    annotation = _resolved(function, annotation, what)
    return _marker(annotation) or _special(annotation)


def _marker(annotation: Any) -> str | None:
    found = (type(part).__name__ for part in _parts(annotation) if isinstance(part, _MARKERS))
    return next(found, None)


def _special(annotation: Any) -> type[Any] | None:
    kinds: list[type[Any]] = [part for part in _parts(annotation) if isinstance(part, type)]
    return next(filter(_is_special, kinds), None)


def _is_special(kind: type[Any]) -> bool:
    return issubclass(kind, (*_NAMELESS, Response))


def _parts(annotation: Any) -> Iterator[Any]:
    """All that an annotation is made of, the metadata of `Annotated` too."""
    left, seen = [annotation], dict[int, Any]()
    while left:
        part = left.pop()
        if id(part) in seen:  # a `type` statement may come up in what it stands for
            continue
        seen[id(part)] = part
        yield part
        if get_origin(part) is not typing.Literal:
            left += get_args(part)
        if hasattr(part, "__value__"):  # a `type` statement
            left.append(part.__value__)
        if isinstance(get_origin(part), type) and get_origin(part) is not Annotated:
            left.append(get_origin(part))


def _resolved(function: Callable[..., Any], annotation: Any, what: str) -> Any:
    """`annotation`, with the names in it looked up where `function` is defined."""
    names = getattr(inspect.unwrap(function), "__globals__", {})
    alone: Any = SimpleNamespace(__annotations__={"it": annotation})
    try:
        found = typing.get_type_hints(alone, names, include_extras=True)["it"]
    except NameError as error:
        raise ConfigurationError(
            f"{what} is annotated as {_text(annotation)}, and {error}: define or import it above "
            "the endpoint, at module level and not only for type-checkers, so that it can be seen "
            "whether it is of one user"
        ) from None
    except Exception as error:  # whatever the text of an annotation raises
        if isinstance(annotation, str):
            raise ConfigurationError(f"{what} is annotated as {annotation!r}: {error}") from error
        return annotation
    return found


def _text(annotation: Any) -> str:
    return repr(annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else annotation)
