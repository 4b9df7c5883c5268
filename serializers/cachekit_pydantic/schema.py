"""What identifies a schema: the same in every process, other when what is read or written is."""

import hashlib
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Final, cast

from cachekit_pydantic.graph import Node, describe

Schema = dict[str, Any]
Look = tuple[str, list[Any]]
"""What a value is, and the values it holds."""

_UNSEEN: Final = {
    *("ref", "metadata", "computed_fields", "slots"),
    *("model_name", "dataclass_name", "custom_error_message"),
}
"""Keys of a schema that say nothing about the bytes; a `ref` holds an address."""

_EXTRA: Final = ("extra_behavior", "extra_fields_behavior")
_LEAVES: Final = (str, bytes, float, bool, type(None))


def fingerprint_of(schema: Any) -> bytes:
    """8 bytes that identify `schema`, a core schema of pydantic.

    It is walked as what it is, Python data, with classes and functions by name and members of
    enums by name and value. So what pydantic adds to its schemas is in it, too.
    """
    text = describe(_Walk().nodes(schema))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()


class _Walk:
    """The graph of a schema, each of its references replaced by what is referred to."""

    def __init__(self) -> None:
        self._definitions: dict[str, Schema] = {}
        self._numbers: dict[int, int] = {}
        self._values: list[Any] = []  # held, or an id could be given to another one

    def nodes(self, schema: Any) -> list[Node]:
        """One for each part of `schema`, its own first."""
        self._number(schema)
        nodes: list[Node] = []
        for value in self._values:
            label, parts = _look(value)
            nodes.append(Node(label, tuple(map(self._number, parts))))
        return nodes

    def _number(self, value: Any) -> int:
        value = self._resolved(value)
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._values)
            self._values.append(value)
        return self._numbers[id(value)]

    def _resolved(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        schema = cast("Schema", value)
        if schema.get("type") == "definitions" and "definitions" in schema:
            self._definitions.update((part["ref"], part) for part in schema["definitions"])
            return self._resolved(schema["schema"])
        if schema.get("type") == "definition-ref" and schema.get("schema_ref") in self._definitions:
            target = self._definitions[schema["schema_ref"]]
            own = schema.get("serialization")
            return {"schema": target, "serialization": own} if own else self._resolved(target)
        return schema


def _look(value: Any) -> Look:
    for kinds, look in _LOOKS:
        if isinstance(value, kinds):
            return look(value)
    held: object = getattr(value, "__dict__", None)
    return f"a {_name(cast('Any', type(value)))}", [held] if held else []


def _dict(value: dict[Any, Any]) -> Look:
    if isinstance(value.get("type"), str):
        value = {key: _unnamed(key, part) for key, part in value.items() if key not in _UNSEEN}
    told = {_look(key)[0]: part for key, part in value.items() if not _is_default(key, part)}
    return f"dict {sorted(told)}", [told[key] for key in sorted(told)]


def _is_default(key: Any, part: Any) -> bool:
    """Versions of pydantic differ in whether they spell these out."""
    return part is False or (key in _EXTRA and part == "ignore")


def _unnamed(key: str, part: Any) -> Any:
    if key != "config" or not isinstance(part, dict):
        return part
    config = cast("Schema", part)
    return {name: setting for name, setting in config.items() if name != "title"}


def _sequence(value: Iterable[Any]) -> Look:
    return "list", list(value)


def _set(value: Iterable[Any]) -> Look:
    return f"set {sorted(_look(part)[0] for part in value)}", []


def _member(value: Enum) -> Look:
    return f"{_name(type(value))}.{value.name}", [value.value]


def _leaf(value: Any) -> Look:
    return f"{type(value).__name__} {value!r}", []


def _number(value: Any) -> Look:
    return f"number {value}", []


def _partial(value: "partial[Any]") -> Look:
    return "partial", [value.func, value.args, value.keywords]


def _pattern(value: "re.Pattern[Any]") -> Look:
    return f"pattern {value.pattern!r} {value.flags}", []


def _named(value: Any) -> Look:
    return _name(value), []


def _name(value: Any) -> str:
    """Without type arguments: those of a generic model tell descriptions, too."""
    return str(value.__qualname__).partition("[")[0]


_LOOKS: Final[list[tuple[Any, Callable[[Any], Look]]]] = [
    (Enum, _member),
    (_LEAVES, _leaf),
    ((int, Decimal), _number),
    (dict, _dict),
    ((list, tuple), _sequence),
    ((set, frozenset), _set),
    (partial, _partial),
    (re.Pattern, _pattern),
    ((type, FunctionType, BuiltinFunctionType, MethodType), _named),
]
