"""From a type to what pydantic makes of it: the one public piece of pydantic that is used."""

from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import PydanticUserError

from cachekit.errors import ConfigurationError

_CONFIG: Final = ConfigDict(
    ser_json_inf_nan="constants", ser_json_bytes="base64", val_json_bytes="base64"
)
_UNDEFINED: Final = frozenset({"class-not-fully-defined", "undefined-annotation"})


def adapter_of(annotation: Any) -> TypeAdapter[Any]:
    """One that is complete.

    Raises `NameError` if a class that it names is not defined yet, and `ConfigurationError` if
    pydantic can do nothing with it, now or later.
    """
    try:
        return _complete(annotation)
    except NameError:
        raise
    except Exception as error:
        if isinstance(error, PydanticUserError) and error.code in _UNDEFINED:
            raise NameError(str(error)) from error
        raise ConfigurationError(
            f"type={show(annotation)} is nothing that pydantic understands ({_first_line(error)}); "
            "give a model, a dataclass, a TypedDict or what is built of such, or take "
            "serializer=MsgpackSerializer(types=[...])"
        ) from error


def _complete(annotation: Any) -> TypeAdapter[Any]:
    adapter = _made(annotation)
    if not adapter.pydantic_complete:
        adapter.rebuild(raise_errors=True)
    return adapter


def _made(annotation: Any) -> TypeAdapter[Any]:
    """With a config that loses neither bytes nor infinity, where there is none of its own."""
    try:
        return TypeAdapter(annotation, config=_CONFIG)
    except PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            raise
    return TypeAdapter(annotation)


def show(annotation: Any) -> str:
    """It as it is written in code, or nearly so."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__qualname__
    return repr(annotation).replace("typing.", "")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
