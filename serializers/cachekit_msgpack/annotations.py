"""What a field is annotated with, as text that is the same in every process."""

from collections.abc import Iterable
from types import NoneType, UnionType
from typing import Annotated, Any, ForwardRef, Literal, Union, cast, get_args, get_origin


def describe(annotation: Any) -> str:
    """Types by name, without what `Annotated` adds: that may show addresses."""
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    if isinstance(annotation, list):
        return f"[{_describe_all(cast('Any', annotation))}]"
    if annotation is None or annotation is NoneType:
        return "None"
    origin, arguments = get_origin(annotation), get_args(annotation)
    return _name(annotation) if origin is None else _generic(origin, arguments)


def _generic(origin: Any, arguments: tuple[Any, ...]) -> str:
    if origin is Annotated:
        return describe(arguments[0])
    if origin is Union or origin is UnionType:
        return " | ".join(map(describe, arguments))
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    return f"{_name(origin)}[{_describe_all(arguments)}]"


def _describe_all(annotations: Iterable[Any]) -> str:
    return ", ".join(map(describe, annotations))


def _name(annotation: Any) -> str:
    for attribute in ("__qualname__", "__name__"):
        name = getattr(annotation, attribute, None)
        if name:
            return str(name)
    return type(annotation).__qualname__
