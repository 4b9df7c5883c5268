"""The serializer: straight through orjson's C code, then a look at the types it saw."""

from math import isfinite
from types import NoneType
from typing import Any, Final, cast

import orjson

from cachekit.errors import UnreadableError
from cachekit_orjson.refusal import refusal

_SCALARS: Final = frozenset({NoneType, bool, int, float, str})
_CARRIED: Final = _SCALARS | {list, dict}


class OrjsonSerializer:
    """What JSON can say comes back as it was; everything else is an `EncodeError`.

    Carried are None, bool, int from -2**63 to 2**64 - 1, finite float, str without lone
    surrogates, list, and dict with keys that are str, up to 254 levels of them in each other.
    No class but these, and no subclass of them: a tuple would come back as a list, an enum as its
    value, NaN as None. One object in two places comes back as two.
    """

    id: str = "orjson"
    fingerprint: bytes = b""

    def dumps(self, value: Any) -> bytes:
        """Raises `EncodeError` that names the type it cannot carry, and says what can."""
        try:
            data = orjson.dumps(value)
            faithful = _is_carried(value)
        except Exception as error:
            raise refusal(value, error) from error
        if not faithful:
            raise refusal(value)
        return data

    def loads(self, data: bytes) -> Any:
        """Raises `UnreadableError` for anything but JSON, and beyond 1024 levels of it."""
        try:
            return orjson.loads(data)
        except Exception as error:
            raise UnreadableError(f"not the JSON of a value: {error}") from error


def _is_carried(value: Any) -> bool:
    """Whether `value`, of which orjson made bytes, has nothing in it that they do not tell.

    Level by level, because the types of a whole level are seen by C code. orjson's own options
    that pass on what it does not know would leave tuples, enums, UUIDs and NaN to be looked for.
    """
    level = [value]
    while (kinds := set(map(type, level))) <= _CARRIED:
        if float in kinds and not all(map(isfinite, _floats(level))):
            return False
        if kinds <= _SCALARS:
            return True
        level = _below(level)
    return False


def _floats(level: list[Any]) -> list[float]:
    return [part for part in level if type(part) is float]


def _below(level: list[Any]) -> list[Any]:
    """What is in the lists and dicts of a level; keys are not, orjson takes none but str."""
    below: list[Any] = []
    for part in level:
        kind = cast("Any", type(part))
        if kind is dict:
            below += part.values()
        elif kind is list:
            below += part
    return below
