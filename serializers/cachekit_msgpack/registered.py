"""Classes whose values are carried because the user said so, under a tag."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, Flag
from operator import attrgetter
from types import BuiltinFunctionType
from typing import Any, Final, NamedTuple, TypeAlias, cast

from cachekit.errors import ConfigurationError, EncodeError, shown
from cachekit_msgpack.annotations import describe
from cachekit_msgpack.containers import REGISTERED, mark

_MARK: Final = mark(REGISTERED)
Types: TypeAlias = Iterable[type[Any]] | Mapping[str, type[Any]]


class Form(NamedTuple):
    """How values of a class become a state and come back, and what would change that."""

    schema: list[str]
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


class Registry:
    """The classes by tag, and what identifies all their fields."""

    def __init__(self, types: Types) -> None:
        self.writers: dict[type[Any], Callable[[Any], list[Any]]] = {}
        self._forms: dict[str, Form] = {}
        for tag, kind in _tagged(types):
            self._register(tag, kind)
        self.fingerprint = _digest(self._forms)

    def read(self, parts: list[Any]) -> Any:
        """What the array `parts` holds: mark, tag, state."""
        _, tag, state = parts
        form = self._forms.get(tag)
        if form is None:
            raise ValueError(f"a {tag!r} is in it, and no such class is registered")
        return form.read(state)

    def _register(self, tag: str, kind: type[Any]) -> None:
        form = form_of(kind)
        if kind in self.writers or tag in self._forms:
            raise ConfigurationError(
                f"types= has {tag!r} or {kind.__qualname__} twice; name each class once, and "
                "those of equal names with tags: types={'tag': Class}"
            )
        self._forms[tag] = form
        self.writers[kind] = lambda value: [_MARK, tag, form.write(value)]


def _tagged(types: Types) -> Iterable[tuple[str, type[Any]]]:
    if isinstance(types, Mapping):
        return cast("Mapping[str, type[Any]]", types).items()
    return [(getattr(kind, "__qualname__", ""), kind) for kind in types]


def _digest(forms: Mapping[str, Form]) -> bytes:
    if not forms:
        return b""
    text = "\n".join(f"{tag}: {', '.join(form.schema)}" for tag, form in sorted(forms.items()))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def form_of(kind: Any) -> Form:
    """Raises `ConfigurationError` for a class that has no fields, or is more than its fields."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _flag(kind) if issubclass(kind, Flag) else _enum(kind)
    if is_namedtuple(kind):
        return _namedtuple(kind)
    fields = fields_of(kind) if isinstance(kind, type) else None
    if fields is None or _base_with_content(cast("Any", kind)) is not object:
        raise ConfigurationError(
            f"types= takes enums, dataclasses, namedtuples, attrs classes and pydantic models "
            f"without a builtin base that has content, not {shown(kind)}"
        )
    return _object(kind, fields)


def is_namedtuple(kind: Any) -> bool:
    """Whether it is a class of `collections.namedtuple` or `typing.NamedTuple`."""
    return (
        isinstance(kind, type) and issubclass(kind, tuple) and hasattr(cast("Any", kind), "_fields")
    )


def fields_of(kind: Any) -> list[tuple[str, Any]] | None:
    """The fields of a dataclass, an attrs class or a pydantic model, with their annotations."""
    if dataclasses.is_dataclass(kind):
        return [(field.name, field.type) for field in dataclasses.fields(kind)]
    if hasattr(kind, "__attrs_attrs__"):
        return [(field.name, field.type) for field in kind.__attrs_attrs__]
    if hasattr(kind, "model_fields") and hasattr(kind, "__private_attributes__"):
        private = [(name, None) for name in kind.__private_attributes__]
        return [(name, field.annotation) for name, field in kind.model_fields.items()] + private
    return None


def _base_with_content(kind: type[Any]) -> type[Any]:
    """The nearest base that is written in C: `object`, for what is all attributes."""
    made = [base for base in kind.__mro__ if type(vars(base).get("__new__")) is BuiltinFunctionType]
    return made[0]


def _enum(kind: type[Enum]) -> Form:
    def write(member: Enum) -> str:
        if kind.__members__.get(member.name) is not member:
            raise EncodeError(f"{member!r} is no named member of {kind.__qualname__}")
        return member.name

    schema = [f"{name} = {_literal(member.value)}" for name, member in kind.__members__.items()]
    return Form(schema, write, kind.__members__.__getitem__)


def _flag(kind: type[Flag]) -> Form:
    schema = [f"{name} = {member.value}" for name, member in kind.__members__.items()]
    return Form(schema, attrgetter("value"), kind)


def _literal(value: Any) -> str:
    return repr(value) if type(value) in (int, str) else type(value).__qualname__


def _namedtuple(kind: Any) -> Form:
    names: tuple[str, ...] = kind._fields
    annotations = getattr(kind, "__annotations__", {})

    def write(value: Any) -> list[Any]:
        if getattr(value, "__dict__", None):
            raise EncodeError(f"a {kind.__qualname__} with attributes of its own would lose them")
        return list(value)

    def read(state: list[Any]) -> Any:
        if len(state) != len(names):
            raise ValueError(f"{len(state)} items for the {len(names)} of {kind.__qualname__}")
        return cast("Any", tuple).__new__(kind, state)

    return Form([f"{name}: {describe(annotations.get(name))}" for name in names], write, read)


def _object(kind: Any, fields: list[tuple[str, Any]]) -> Form:
    def read(state: Any) -> Any:
        made = object.__new__(kind)
        if state is not None:
            _restore(made, state)
        return made

    return Form([f"{name}: {describe(annotation)}" for name, annotation in fields], _state, read)


def _state(value: Any) -> Any:
    """What `pickle` would store, without the type arguments that `Class[int](...)` leaves."""
    state = value.__getstate__()
    if type(state) is dict and "__orig_class__" in state:
        attributes = cast("dict[str, Any]", state)
        return {name: part for name, part in attributes.items() if name != "__orig_class__"}
    return cast("Any", state)


def _restore(made: Any, state: Any) -> None:
    """As `pickle` does it: nothing is validated, and `__init__` is not called."""
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    kind = cast("Any", type(state))
    attributes, slots = state if kind is tuple else (state, None)
    if attributes:
        made.__dict__.update(attributes)
    for name, part in cast("dict[str, Any]", slots or {}).items():
        object.__setattr__(made, name, part)
