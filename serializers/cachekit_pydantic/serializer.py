"""The serializer: JSON by annotation, and proof for each value that it comes back as it is."""

from typing import Any, Final

from cachekit.errors import UnreadableError
from cachekit_pydantic.adapter import adapter_of, show
from cachekit_pydantic.branching import check_depth, choices_of
from cachekit_pydantic.refusal import difference, failure, refusal, why
from cachekit_pydantic.sameness import same
from cachekit_pydantic.schema import fingerprint_of


class PydanticSerializer:
    """Values of one type, whatever pydantic takes for a type, as JSON.

    They come back equal, with the types they had: `dumps` reads what it wrote and compares, types
    and all, and raises `EncodeError` if something differs. That is what happens to instances of a
    subclass of the annotated class, to tuples and enums where `Any` is annotated, to
    `UUID | str`, to excluded fields, secrets and validators that change what they made.

    What may differ:
    - an int where float is annotated comes back as the equal float;
    - `Page(...)` where `Page[int]` is annotated, a generic model, comes back as `Page[int]`;
    - a time in UTC, or at a fixed offset, comes back with pydantic's class for that offset
      (without the name that a `timezone` may have); one in another zone is an error;
    - of a model all fields count as set, so `exclude_unset=True` leaves nothing out;
    - a dict may come back in another order where it is a TypedDict: that of its fields;
    - what `cached_property` kept is worked out again;
    - one object in two places comes back as two.

    Where choices of a union hold that union again, pydantic takes twice as long for each level, so
    that only few levels are written and read, fewer the more there is: give it a discriminator.

    The fingerprint sees which functions validate and serialize, by their names, and not what they
    do: for one that is changed, and for each lambda, give the function or the cache a new
    `version=`, or what the old one wrote is read by the new one.

    Reading stops at the first thing that is wrong, and imports nothing: a type with an
    `ImportString` is refused.

    `type` must be complete: as long as a class that it names is not defined, this raises
    `NameError`. `ConfigurationError` means that pydantic does not understand it, or that bytes
    would say what is imported.
    """

    id: str = "pydantic"

    def __init__(self, type: Any = Any) -> None:
        adapter = adapter_of(type)
        self.fingerprint: Final = fingerprint_of(adapter.schema)
        self._type = show(type)
        self._write = adapter.writer.to_json
        self._read = adapter.reader.validate_json
        self._choices = choices_of(adapter.schema)

    def dumps(self, value: Any) -> bytes:
        """Raises `EncodeError` that says what would not come back, where it is, and what to do."""
        try:
            _refuse_iterator(value)
            data = self._write(value, by_alias=False, round_trip=True, warnings="none")
            made = self._made(data)
            if same(made, value):
                return data
            place, what = difference(made, value)
        except Exception as error:
            place, what = failure(error, value)
        # Only here, after what pydantic raised is forgotten: its errors show the value.
        raise refusal(value, self._type, place, what)

    def loads(self, data: bytes) -> Any:
        """Raises `UnreadableError` that shows nothing of `data`."""
        try:
            return self._made(data)
        except Exception as error:
            reason = why(error)
        raise UnreadableError(f"not the JSON of {self._type}: {reason}")

    def _made(self, data: bytes) -> Any:
        check_depth(data, self._choices)
        return self._read(data, by_alias=False, by_name=True)


def _refuse_iterator(value: Any) -> None:
    """Before pydantic reads it to its end."""
    if hasattr(value, "__next__"):
        raise TypeError("an iterator can be read only once")
