"""Which cookies of a request make a difference, however an application may read them."""

import re
from collections.abc import Sequence
from typing import Final

from cachekit.http.fields import OWS, Headers, lines

_PLAIN: Final = re.compile(
    rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*"
)
"""What everyone reads in the same way (RFC 6265 4.1.1)."""


def counted(headers: Headers, names: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """The cookies of those names, in their order; all that is sent, if any of it is not plain.

    A quote, a comma or some space is part of a cookie to some, and not to others: what is a
    cookie of another name to us may be one of these to the application.
    """
    sent = lines(headers, b"cookie")
    pairs = [pair.strip(OWS) for line in sent for pair in line.split(b";")]
    if len(sent) > 1 or not all(map(_PLAIN.fullmatch, pairs)):
        return [(b"cookie", line) for line in sent]
    wanted = {name.encode("latin-1", "replace") + b"=" for name in names}
    found = [(pair[: pair.index(b"=") + 1], pair) for pair in pairs]
    return [(b"cookie:", pair) for name, pair in found if name in wanted]
