"""From a type to what pydantic makes of it."""

from typing import Any, Final, NamedTuple

from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic_core import CoreConfig, CoreSchema, SchemaSerializer, SchemaValidator

from cachekit.errors import ConfigurationError
from cachekit_pydantic.bounds import bounded

_CONFIG: Final = ConfigDict(
    ser_json_inf_nan="constants", ser_json_bytes="base64", val_json_bytes="base64"
)
_CORE_CONFIG: Final = CoreConfig(
    ser_json_inf_nan="constants", ser_json_bytes="base64", val_json_bytes="base64"
)
"""The same for the core of pydantic."""

_UNDEFINED: Final = frozenset({"class-not-fully-defined", "undefined-annotation"})


class Adapter(NamedTuple):
    """The core schema of a type, what writes its values, and what reads them from anywhere."""

    schema: CoreSchema
    writer: SchemaSerializer
    reader: SchemaValidator


def adapter_of(annotation: Any) -> Adapter:
    """One that is complete.

    Raises `NameError` if a class that it names is not defined yet, and `ConfigurationError` if
    pydantic can do nothing with it, now or later, or if bytes would say what it imports.
    """
    try:
        return _made(annotation)
    except NameError:
        raise
    except ConfigurationError as error:
        raise ConfigurationError(f"{show(annotation)}: {error}") from None
    except Exception as error:
        if isinstance(error, PydanticUserError) and error.code in _UNDEFINED:
            raise NameError(str(error)) from error
        raise ConfigurationError(
            f"{show(annotation)} is nothing that pydantic understands ({_first_line(error)}); "
            "give a model, a dataclass, a TypedDict or what is built of such, or take "
            "serializer=PickleSerializer(keys=[key])"
        ) from error


def _made(annotation: Any) -> Adapter:
    """With a config that loses neither bytes nor infinity, where there is none of its own."""
    try:
        return _completed(TypeAdapter(annotation, config=_CONFIG), _CORE_CONFIG)
    except PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            raise
    return _completed(TypeAdapter(annotation), None)


def _completed(adapter: TypeAdapter[Any], config: CoreConfig | None) -> Adapter:
    if not adapter.pydantic_complete:
        adapter.rebuild(raise_errors=True)
    schema = adapter.core_schema
    return Adapter(schema, adapter.serializer, _reader(bounded(schema), config))


def _reader(schema: CoreSchema, config: CoreConfig | None) -> SchemaValidator:
    """One that does not take what classes have made for themselves: that is not bounded."""
    try:
        return SchemaValidator(schema, config, _use_prebuilt=False)
    except TypeError:  # of a pydantic that has another way
        return SchemaValidator(schema, config)


def show(annotation: Any) -> str:
    """It as it is written in code, or nearly so."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__qualname__
    return repr(annotation).replace("typing.", "")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
