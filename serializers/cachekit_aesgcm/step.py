"""The step, on cryptography."""

import hashlib
import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cachekit.errors import UnreadableError
from cachekit.keyring import ID_SIZE, Key, KeyRing

KEY_SIZE: Final = 32
_RANDOM_SIZE: Final = 24
_NONCE_SIZE: Final = 12
_TAG_SIZE: Final = 16
_HEAD_SIZE: Final = ID_SIZE + _RANDOM_SIZE
_PERSON: Final = b"cachekit aesgcm"


class AesGcmEncryption:
    """Encrypts what a serializer made, and binds it to its entry.

    `keys` are 32 random bytes each (`secrets.token_bytes(32)`). The first one encrypts, all of
    them decrypt; `KeyRing` says how to rotate them. Raises `ConfigurationError` for what are no
    such keys.

    Under one key AES-GCM may encrypt 2**32 values with random nonces (NIST SP 800-38D, 8.3), which
    a busy cache has done in weeks. So each entry has a key and a nonce of its own, derived from
    the given key and 24 random bytes, in the manner of XAES-256-GCM (C2SP,
    https://c2sp.org/XAES-256-GCM), with keyed and personalised BLAKE2b (RFC 7693) in the place of
    CMAC. That is safe for more entries than anybody writes (2**80 of them, for a risk of 2**-32).

    How long a value is can be seen, and who can write to the store can put an older value of the
    same entry back. Keys and tags of the cache are not encrypted.
    """

    id: str = "aesgcm"

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = KeyRing(keys, purpose="aesgcm", size=KEY_SIZE, exact=True)

    def __repr__(self) -> str:
        return f"AesGcmEncryption({self._keys!r})"

    def encode(self, data: bytes, context: bytes) -> bytes:
        """Other bytes each time."""
        key, random = self._keys.current, os.urandom(_RANDOM_SIZE)
        cipher, nonce = _derived(key, random)
        return key.id + random + cipher.encrypt(nonce, data, context)

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        """Raises `UnreadableError` for all that was not encoded with this context and these keys.

        What is over `limit` is refused before it is decrypted.
        """
        size = len(data) - _HEAD_SIZE - _TAG_SIZE
        if not 0 <= size <= limit:
            raise UnreadableError(f"{size} bytes encrypted, and the limit is {limit}")
        key = self._keys.named(data[:ID_SIZE])
        cipher, nonce = _derived(key, data[ID_SIZE:_HEAD_SIZE])
        try:
            return cipher.decrypt(nonce, data[_HEAD_SIZE:], context)
        except InvalidTag as error:
            raise UnreadableError(
                f"bytes that were not encrypted for this entry with the key {key.id.hex()}"
            ) from error


def _derived(key: Key, random: bytes) -> tuple[AESGCM, bytes]:
    """The cipher and the nonce of one entry."""
    made = hashlib.blake2b(random, key=key.secret, person=_PERSON).digest()
    return AESGCM(made[:KEY_SIZE]), made[KEY_SIZE : KEY_SIZE + _NONCE_SIZE]
