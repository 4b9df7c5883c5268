"""Unions that hold themselves: what pydantic tries for them doubles with each level of nesting.

It tries all choices of a union that has no discriminator, and each of them to the end. Where the
choices hold the union again, a few hundred bytes are the work of years.
"""

import re
from collections.abc import Iterator
from math import log
from typing import Any, Final, cast

Schema = dict[str, Any]

_BUDGET: Final = 2**20
"""So many tries for each byte, times the number of bytes: some seconds at worst."""

_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_AS_LISTS: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")


_OBJECTS: Final = frozenset({"model", "dataclass", "typed-dict", "dict", "model-fields"})
_ARRAYS: Final = frozenset({"list", "tuple", "set", "frozenset", "deque", "named-tuple", "call"})
_SAME_JSON: Final = "schema", "steps", "lax_schema", "strict_schema", "json_schema", "choices"
"""Keys of a schema that hold what is read from the same place."""


class TooDeepError(ValueError):
    """Reading it would take longer than anybody waits."""


def choices_of(schema: Any) -> int:
    """How many choices a union in `schema` has that lead back to it; 1 if there is none such."""
    walk = _Walk(schema)
    return max([1, *map(walk.choices_on_circles, walk.unions)])


def check_depth(data: bytes, choices: int) -> None:
    """Raises `TooDeepError` if reading `data`, by a schema of so many `choices`, takes too long."""
    if choices > 1 and is_deeper(data, int(log(max(1, _BUDGET / (len(data) + 1)), choices))):
        raise TooDeepError("nested too deep for a union whose choices hold it again")


def is_deeper(data: bytes, levels: int) -> bool:
    """Whether the JSON in `data` has more levels of arrays and objects, `levels` being at least 1.

    What is no JSON may be deeper than it is.
    """
    if not levels:
        return True
    brackets = _TEXT.sub(b"", data).translate(_AS_LISTS, _NO_BRACKETS)
    for _ in range(levels):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


class _Walk:
    """Over all that a core schema holds."""

    def __init__(self, schema: Any) -> None:
        self._definitions: dict[str, Schema] = {}
        self.unions: list[Schema] = []
        for part in self._below(schema):
            if isinstance(part.get("ref"), str):
                self._definitions[part["ref"]] = part
            if part.get("type") == "union" and isinstance(part.get("choices"), list):
                self.unions.append(part)

    def choices_on_circles(self, union: Schema) -> int:
        """How many of its choices lead back to it, of those that are read from the same JSON."""
        circles = [
            choice
            for choice in union["choices"]
            if any(part is union for part in self._below(choice))
        ]
        kinds = [kind for choice in circles for kind in self._kinds(choice)]
        return max(map(kinds.count, kinds), default=0)

    def _kinds(self, choice: Any) -> set[str]:
        """Whether it is read from objects or from arrays of JSON."""
        left, kinds, seen = [choice], set[str](), set[int]()
        while left:
            part = left.pop()
            if isinstance(part, list | tuple):
                left += cast("list[Any]", part)
            if not isinstance(part, dict) or id(cast("Schema", part)) in seen:
                continue
            schema = cast("Schema", part)
            seen.add(id(schema))
            kind = schema.get("type")
            if kind in _OBJECTS and not schema.get("root_model"):
                kinds.add("object")
            elif kind in _ARRAYS:
                kinds.add("array")
            else:
                left += [schema[key] for key in _SAME_JSON if key in schema]
                left.append(self._referred(schema))
        return kinds

    def _below(self, start: Any) -> Iterator[Schema]:
        left, seen = [start], set[int]()
        while left:
            part = left.pop()
            if not isinstance(part, list | tuple | dict) or id(cast("Any", part)) in seen:
                continue
            seen.add(id(cast("Any", part)))
            if not isinstance(part, dict):
                left += cast("list[Any]", part)
                continue
            schema = cast("Schema", part)
            yield schema
            left += schema.values()
            left.append(self._referred(schema))

    def _referred(self, schema: Schema) -> Schema | None:
        # A field may have any name: this one, too.
        name = schema.get("schema_ref")
        return self._definitions.get(name) if isinstance(name, str) else None
