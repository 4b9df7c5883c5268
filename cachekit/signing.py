"""Bytes that only who holds a key can make."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

from cachekit.errors import ConfigurationError, UnreadableError, shown
from cachekit.keyring import ID_SIZE, Key, KeyRing

Algorithm: TypeAlias = Literal["blake2b", "hmac-sha256"]
_Mac: TypeAlias = Callable[[Key, bytes, bytes], bytes]

_MAC_SIZE: Final = 32
_HEAD_SIZE: Final = ID_SIZE + _MAC_SIZE
_KEY_SIZE: Final = 32


class Signing:
    """A step that signs: who can write to the store, but has no key, can make nothing that is read.

    It hides nothing: who can read the store reads the data. Nor does it cover what says how long a
    value lives and which tags it has, and an older value of the same key, put back, is read.

    `keys` are secrets of 32 bytes or more, as `secrets.token_bytes(32)` makes them; one from an
    environment variable is `bytes.fromhex(os.environ["CACHE_KEY"])`. The first signs, and what any
    of them signed is read. To rotate: add the new key as the last one everywhere, then make it the
    first everywhere, then remove the old one; what only that one signed is loaded anew.

    `algorithm` is fixed here, no stored byte can choose another: keyed BLAKE2b (RFC 7693), or
    HMAC-SHA-256 (RFC 2104) where that is asked for. Raises `ConfigurationError`.

    The bytes are 4 that name the key, 32 of MAC, then the data. The MAC is of the length of the
    context (8 bytes, big-endian), the context and the data.
    """

    def __init__(self, keys: Sequence[bytes], algorithm: Algorithm = "blake2b") -> None:
        self._mac = _mac_of(algorithm)
        self._keys = KeyRing(keys, purpose=f"sign {algorithm}", size=_KEY_SIZE)
        self.id: Final[str] = algorithm

    def encode(self, data: bytes, context: bytes) -> bytes:
        """`data`, signed for this context."""
        key = self._keys.current
        return b"".join((key.id, self._mac(key, context, data), data))

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        """Raises `UnreadableError` for what none of the keys signed for this context."""
        size = len(data) - _HEAD_SIZE
        if not 0 <= size <= limit:
            raise UnreadableError(f"{len(data)} bytes: no signed data of at most {limit} bytes")
        key = self._keys.named(data[:ID_SIZE])
        signed = data[_HEAD_SIZE:]
        if not hmac.compare_digest(self._mac(key, context, signed), data[ID_SIZE:_HEAD_SIZE]):
            raise UnreadableError(f"signed with the key {key.id.hex()}, but not for this place")
        return signed

    def __repr__(self) -> str:
        return f"Signing({self._keys!r}, {self.id!r})"


def _mac_of(algorithm: str) -> _Mac:
    if isinstance(algorithm, str) and algorithm in _MACS:  # pyright: ignore[reportUnnecessaryIsInstance]
        return _MACS[algorithm]
    known = " or ".join(map(repr, _MACS))
    raise ConfigurationError(
        f"algorithm= is {known}, not {shown(algorithm)}; several keys are one list, keys=[…]"
    )


def _blake2b(key: Key, context: bytes, data: bytes) -> bytes:
    secret = key.secret
    if len(secret) > hashlib.blake2b.MAX_KEY_SIZE:
        secret = hashlib.blake2b(secret).digest()
    start = _prefixed(context)
    mac = hashlib.blake2b(start, key=secret, digest_size=_MAC_SIZE, person=b"cachekit sign")
    mac.update(data)
    return mac.digest()


def _hmac_sha256(key: Key, context: bytes, data: bytes) -> bytes:
    mac = hmac.new(key.secret, _prefixed(context), "sha256")
    mac.update(data)
    return mac.digest()


def _prefixed(context: bytes) -> bytes:
    return len(context).to_bytes(8, "big") + context


_MACS: Final[dict[str, _Mac]] = {"blake2b": _blake2b, "hmac-sha256": _hmac_sha256}
