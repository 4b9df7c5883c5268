"""What keys are called on a server."""

import re
from hashlib import blake2b
from typing import Final

LONGEST: Final = 250
"""Bytes of a key at most, by the protocol."""

_READABLE: Final = 120
_DIGEST: Final = b"~~"
"""Between the readable beginning and a digest; what has this in it is always digested."""

_SAFE: Final = re.compile(rb"[!-~]*")


def name_of(prefix: bytes, key: str) -> bytes:
    """`prefix` and `key` where the protocol takes that, else a digest of both (BLAKE2b, RFC 7693).

    What is written into a command has neither spaces nor line ends nor control characters in it,
    and no two keys have one name.
    """
    whole = prefix + key.encode("utf-8", "surrogatepass")
    if len(whole) <= LONGEST and _SAFE.fullmatch(whole) and _DIGEST not in whole:
        return whole
    readable = _SAFE.match(whole, 0, _READABLE)
    digest = blake2b(whole, digest_size=16).hexdigest().encode()
    return (readable.group() if readable else b"") + _DIGEST + digest
