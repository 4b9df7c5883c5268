"""A core schema for bytes from anywhere: whoever reads by it stops at the first thing wrong.

pydantic collects an error for each item, key and member that is wrong: a megabyte of them takes a
gigabyte and seconds, in which nothing else runs.
"""

from collections.abc import Callable
from typing import Any, Final, cast

from pydantic_core import PydanticCustomError, PydanticUseDefault

from cachekit_pydantic.imports import refuse_imports

Schema = dict[str, Any]

_INNER: Final = (
    *("schema", "items_schema", "keys_schema", "values_schema", "extras_schema"),
    *("extras_keys_schema", "fields", "choices", "steps", "lax_schema", "strict_schema"),
    *("json_schema", "python_schema", "arguments_schema", "var_args_schema"),
    *("var_kwargs_schema", "definitions"),
)
"""Keys of a schema that hold schemas. A default, and what else it may hold, looks like one."""

_CONTAINERS: Final = frozenset(
    {
        *("list", "tuple", "set", "frozenset", "dict"),
        *("deque", "frozendict", "ordered-dict", "counter"),
    }
)
_OWN_CONFIG: Final = ("model", "dataclass")
"""Those that do not look at the config of what they are in."""

_FIELDS: Final = ("model-fields", "typed-dict", "dataclass-args")
_EXTRAS: Final[tuple[str, ...]] = ("extras_schema", "extras_keys_schema")
_WRONG: Final = PydanticCustomError("extra", "A member that no field is for is wrong")


def bounded(schema: Any) -> Any:
    """A copy of `schema` that takes the same, and gives few errors for what it does not take.

    A named tuple is read from an array only, which is how pydantic writes it. Raises
    `ConfigurationError` if reading would import what the bytes name.
    """
    root: Schema = {"schema": schema}
    left: list[tuple[Schema, str]] = [(root, "ignore")]
    while left:
        outer, extra = left.pop()
        refuse_imports(outer)
        extra = _extra_of(outer, extra)
        inner = _limited(outer, extra)
        for key in _inner_keys(inner):
            copies: list[Schema] = []
            inner[key] = _copied(inner[key], copies)
            left += [(copy, extra) for copy in copies]
    return root["schema"]


def _inner_keys(schema: Schema) -> list[str]:
    return [key for key in _INNER if key in schema]


def _copied(part: Any, copies: list[Schema]) -> Any:
    """`part` with copies of the schemas in it, which are added to `copies`."""
    if isinstance(part, list | tuple):
        parts = [_copied(inner, copies) for inner in cast("list[Any]", part)]
        return parts if isinstance(part, list) else tuple(parts)
    if not isinstance(part, dict):
        return part
    copy = dict(cast("Schema", part))
    if isinstance(copy.get("type"), str):
        copies.append(copy)
        return copy
    return {name: _copied(inner, copies) for name, inner in copy.items()}


def _extra_of(schema: Schema, outer: str) -> str:
    """What becomes of members that no field is for."""
    default = "ignore" if schema.get("type") in _OWN_CONFIG else outer
    config: Schema = schema.get("config") or {}
    return str(config.get("extra_fields_behavior") or default)


def _limited(schema: Schema, extra: str) -> Schema:
    """Make `schema` give few errors; returns the one that now is what it was."""
    kind = schema.get("type")
    if kind in _CONTAINERS:
        schema["fail_fast"] = True
    elif kind in _FIELDS:
        return _limit_fields(schema, schema.get("extra_behavior") or extra)
    elif kind in ("named-tuple", "call"):
        return _limit_named_tuple(schema)
    return schema


def _limit_fields(schema: Schema, extra: str) -> Schema:
    if extra == "forbid" and schema["type"] == "dataclass-args":
        names = {field["name"] for field in schema["fields"]}
        return _checked({**schema, "extra_behavior": "allow"}, _arguments_of(names), schema)
    if extra == "forbid":
        inner = {**schema, "extra_behavior": "allow", "extras_schema": _STOP}
        return _stopped(inner, _without_extra, schema)
    extras: Schema = {key: _or_stop(schema[key]) for key in _EXTRAS if key in schema}
    return _stopped({**schema, **extras}, _no_wrong, schema) if extras else schema


def _arguments_of(names: set[str]) -> Callable[[Any], Any]:
    def check(made: tuple[Schema, Any]) -> Any:
        if made[0].keys() - names:
            raise _WRONG
        return made

    return check


def _or_stop(schema: Schema) -> Schema:
    return {"type": "union", "mode": "left_to_right", "choices": [schema, _STOP]}


def _stop(member: Any) -> Any:
    """The one error that is not collected: the next default outwards is taken, which is `_WRONG`.

    It must not leave `_stopped`: out there the default of a field would be taken.
    """
    raise PydanticUseDefault


def _no_wrong(made: Any) -> Any:
    if made is _WRONG:
        raise _WRONG
    return made


def _without_extra(made: Any) -> Any:
    """Models that forbid members keep `None` of them, not an empty dict."""
    made = _no_wrong(made)
    return (made[0], None, made[2]) if issubclass(type(made), tuple) else made


_STOP: Final[Schema] = {
    "type": "function-plain",
    "function": {"type": "no-info", "function": _stop},
}


def _stopped(inner: Schema, check: Callable[[Any], Any], schema: Schema) -> Schema:
    """Make `schema` one that gives one error if `inner` was stopped."""
    default = {"type": "default", "schema": inner, "default": _WRONG, "validate_default": False}
    _checked(default, check, schema)
    if "ref" in inner:
        schema["ref"] = inner.pop("ref")
    return inner


def _checked(inner: Schema, check: Callable[[Any], Any], schema: Schema) -> Schema:
    """Make `schema` one that has a `check` of what `inner` makes."""
    schema.clear()
    function = {"type": "no-info", "function": check}
    schema.update({"type": "function-after", "schema": inner, "function": function})
    if "ref" in inner:
        schema["ref"] = inner.pop("ref")
    return inner


def _limit_named_tuple(schema: Schema) -> Schema:
    kind: Any = schema.get("cls") or schema["function"]
    if tuple not in getattr(kind, "__mro__", ()):  # it may be any function that is called
        return schema
    fields = schema.get("fields") or schema["arguments_schema"]["arguments_schema"]
    inner: Schema = {"type": "tuple", "items_schema": [field["schema"] for field in fields]}
    if "ref" in schema:
        inner["ref"] = schema["ref"]
    return _checked({**inner, "fail_fast": True}, lambda parts: kind(*parts), schema)
