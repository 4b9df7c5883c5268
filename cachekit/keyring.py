"""Secret keys in their order: the first is used, all of them are known."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from cachekit.errors import ConfigurationError, ForeignError

ID_SIZE: Final = 4
"""How many bytes name a key in what is stored."""

_ONE_KEY: Final = (str, bytes, bytearray, memoryview)


@dataclass(frozen=True, slots=True)
class Key:
    """A secret, and what names it in stored bytes. Its `repr` does not show the secret."""

    id: bytes
    secret: bytes = field(repr=False)


class KeyRing:
    """Keys for one purpose, so that they can be replaced while old bytes are still read.

    To rotate: add the new key as the last one everywhere, then make it the first everywhere,
    then remove the old one when nothing that it made is wanted any more.

    `size` is how many bytes a key must have at least, or exactly. `purpose` is 1 to 16 ASCII
    characters: the ids of one key differ from purpose to purpose. Raises `ConfigurationError`,
    which names `keys=` and shows none of them.
    """

    def __init__(
        self, keys: Sequence[bytes], *, purpose: str, size: int, exact: bool = False
    ) -> None:
        self._keys: dict[bytes, Key] = {}
        for place, secret in enumerate(_listed(keys, size)):
            _check(secret, place, size, exact)
            self._add(Key(_id_of(secret, purpose), secret), place)

    @property
    def current(self) -> Key:
        """The first key: what is written now is written with it."""
        return next(iter(self._keys.values()))

    def named(self, id: bytes) -> Key:
        """The key with this id; raises `ForeignError` if it is not here, or no longer."""
        key = self._keys.get(id)
        if key is None:
            raise ForeignError(
                f"the key {id.hex()} is not among keys=, which are "
                f"{', '.join(map(bytes.hex, self._keys))}"
            )
        return key

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(map(bytes.hex, self._keys))})"

    def _add(self, key: Key, place: int) -> None:
        other = self._keys.setdefault(key.id, key)
        if other is key:
            return
        if other.secret == key.secret:
            raise ConfigurationError(f"keys[{place}] is in keys= already: name each key once")
        raise ConfigurationError(
            f"keys[{place}] has the same id as another of keys=, by chance: make another key"
        )


def _listed(keys: Any, size: int) -> Sequence[Any]:
    """`keys`, if it is a list of something."""
    listed = isinstance(keys, Sequence) and not isinstance(keys, _ONE_KEY)
    if listed and len(cast("Sequence[Any]", keys)):
        return cast("Sequence[Any]", keys)
    raise ConfigurationError(
        f"keys= takes a list of keys, not {'an empty one' if listed else _a(keys)}: keys=[key], "
        f"where key = {_how_to_make(size)}"
    )


def _check(secret: Any, place: int, size: int, exact: bool) -> None:
    if not isinstance(secret, bytes):
        raise ConfigurationError(
            f"keys[{place}] must be bytes, not {_a(secret)}: keys= takes what {_how_to_make(size)} "
            "makes; what came from an environment variable is bytes.fromhex(...) of it"
        )
    if len(secret) < size or (exact and len(secret) > size):
        raise ConfigurationError(
            f"keys[{place}] must have {size} bytes{'' if exact else ' at least'}, not "
            f"{len(secret)}: keys= takes what {_how_to_make(size)} makes"
            f"{', and bytes.fromhex(...) of its hex digits' if len(secret) == 2 * size else ''}"
        )


def _how_to_make(size: int) -> str:
    return f"secrets.token_bytes({size})"


def _a(value: Any) -> str:
    """What class it is of, and nothing of what is in it."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _id_of(secret: bytes, purpose: str) -> bytes:
    """Personalised BLAKE2b (RFC 7693): nothing of the secret can be told from it."""
    return hashlib.blake2b(secret, digest_size=ID_SIZE, person=purpose.encode("ascii")).digest()
