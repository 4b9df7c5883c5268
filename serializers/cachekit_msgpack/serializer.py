"""The serializer: straight through msgpack's C code, with a hook for what msgpack does not know."""

from collections.abc import Callable
from typing import Any, Final, cast

from cachekit.errors import EncodeError, UnreadableError
from cachekit_msgpack import containers, scalars
from cachekit_msgpack.codec import TOO_DEEP, ext, pack, unpacking
from cachekit_msgpack.refusal import refusal
from cachekit_msgpack.registered import Registry, Types

_NATIVE: Final = frozenset({int, str, bytes, float, bool, list, dict, bytearray})

_HINT: Final = containers.HINT
_read: Final = unpacking(scalars.read)


class MsgpackSerializer:
    """Builtin values come back with the types they had, and so do those of registered classes.

    `types` are enums, dataclasses, namedtuples, attrs classes and pydantic models. The bytes hold
    a tag for each, its qualified name unless you give another: `types={"tag": Class}`. Only what
    is registered is ever made of bytes, by its state as `pickle` takes it (`__getstate__`,
    `__setstate__`, else all attributes): neither validated nor passed through `__init__`.

    Carried are None, bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set,
    frozenset, range, Decimal, Fraction, date, time, datetime, timedelta, timezone, ZoneInfo, UUID,
    pathlib's paths, IP addresses, deque, OrderedDict, Counter, and defaultdict of a builtin type.
    A subclass of one of them is an error, unless registered. One object in two places comes back
    as two; what holds itself, or is nested deeper than msgpack reads (511 levels in all its
    versions), is an error.
    """

    id: str = "msgpack"

    def __init__(self, types: Types = ()) -> None:
        registry = Registry(types)
        self.fingerprint: Final = registry.fingerprint
        self._writers = {**scalars.WRITERS, **containers.WRITERS, **registry.writers}
        readers = {**containers.READERS, containers.REGISTERED: registry.read}
        self._marks = {number: Mark(read) for number, read in readers.items()}

    def dumps(self, value: Any) -> bytes:
        """Raises `EncodeError` that names the type it cannot carry, and says what to do."""
        try:
            return self._dumps(value)
        except EncodeError:
            raise
        except Exception as error:
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            raise EncodeError(f"a {kind} cannot be turned into msgpack: {_why(error)}") from error

    def loads(self, data: bytes) -> Any:
        """Raises `UnreadableError` for anything but what `dumps` makes of registered types."""
        try:
            if _HINT in data:
                return _Reading(self._marks).read(data)
            return _read(data)
        except Exception as error:
            raise UnreadableError(f"not the msgpack of a value: {_why(error)}") from error

    def _dumps(self, value: Any) -> bytes:
        errors = None
        try:
            data = pack(value, self._write, errors)
        except UnicodeEncodeError:
            errors = "surrogatepass"
            data = pack(value, self._write, errors)
        if type(value) is bytes or not (_BIN8 in data or _BIN16 in data or _BIN32 in data):
            return data
        return pack(_exposed(value), self._write_exposed, errors)

    def _write(self, value: Any) -> Any:
        writer = self._writers.get(cast("Any", type(value)))
        if writer is None:
            raise refusal(value, self._writers.keys() | _NATIVE)
        return writer(value)

    def _write_exposed(self, value: Any) -> Any:
        return _exposed(value.container if type(value) is _Later else self._write(value))


class Mark:
    """What an array begins with if it is no list: how to read it."""

    __slots__ = ("read",)

    def __init__(self, read: Callable[[list[Any]], Any]) -> None:
        self.read = read


class _Reading:
    """Reads bytes that may hold marks, each of them the first of its array."""

    def __init__(self, marks: dict[int, Mark]) -> None:
        self._marks = marks
        self._unplaced = 0

    def read(self, data: bytes) -> Any:
        value = unpacking(self._ext, self._array)(data)
        if self._unplaced:
            raise ValueError("a mark outside the head of an array")
        return value

    def _ext(self, code: int, data: bytes) -> Any:
        if code != containers.MARK:
            return scalars.read(code, data)
        self._unplaced += 1
        return self._marks[data[0]]

    def _array(self, parts: list[Any]) -> Any:
        if not parts or type(parts[0]) is not Mark:
            return parts
        self._unplaced -= 1
        return parts[0].read(parts)


_BIN8, _BIN16, _BIN32 = 0xC4, 0xC5, 0xC6
"""Where there are bytes in msgpack there is one of these. Not the other way round."""


class _Later:
    """A list or dict in a place where msgpack asks for it, instead of walking into it."""

    __slots__ = ("container",)

    def __init__(self, container: Any) -> None:
        self.container = container


def _exposed(value: Any) -> Any:
    """`value`, one level of it, with bytearrays as ext values: msgpack takes them for bytes."""
    kind = cast("Any", type(value))
    if kind is list:
        return [_part(part) for part in value]
    if kind is dict:
        return {_part(key): _part(part) for key, part in value.items()}
    return _part(value)


def _part(value: Any) -> Any:
    kind = cast("Any", type(value))
    if kind is list or kind is dict:
        return _Later(value)
    if kind is bytearray:
        return ext(scalars.BYTEARRAY, bytes(value))
    if kind is memoryview:
        raise EncodeError("a memoryview would come back as bytes: cache bytes(value)")
    return value


def _why(error: Exception) -> str:
    if isinstance(error, (TOO_DEEP, RecursionError)) or "recursion limit" in str(error):
        return "it is nested too deep, or in a circle"
    return str(error) or type(error).__name__
