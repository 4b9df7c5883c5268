"""What identifies a schema: the same in every process, other when what is read or written is."""

import hashlib
from typing import Any, cast

from cachekit_pydantic.graph import Node, describe
from cachekit_pydantic.looks import look

Schema = dict[str, Any]


def fingerprint_of(schema: Any) -> bytes:
    """8 bytes that identify `schema`, a core schema of pydantic.

    It is walked as what it is, Python data, with classes and functions by name and members of
    enums by name and value, values by what they are equal by, and any other object by its class.
    So what pydantic adds to its schemas is in it, too, and nothing that a process keeps.
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
            label, parts = look(value)
            nodes.append(Node(label, tuple(map(self._number, parts))))
        return nodes

    def _number(self, value: Any) -> int:
        value = self._resolved(value)
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._values)
            self._values.append(value)
        return self._numbers[id(value)]

    def _resolved(self, value: Any) -> Any:
        if not issubclass(type(value), dict):  # isinstance() asks the value itself
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
