"""What keys look like in a store.

Three spaces, so that no user key meets a record: `v:` values, `t:` tag records, `c:` claims. After
the space comes the namespace, then `:` and the user's key. The framework's own records have `~` in
the place of that `:`, and no namespace holds either, so no tag is named like one of them. Where a
store has several homes, `@`, the name of one and another `~` follow on that.

A key that is short and safe is stored as it is. Any other is stored as its readable beginning, `~`
and a 128-bit digest of the whole; what holds a `~` itself is always digested, so no key can be
made to look like the digest of another.
"""

import re
from hashlib import blake2b
from typing import Final

from cachekit.errors import ConfigurationError

LONGEST: Final = 200
"""Characters of a key that is stored as it is, space and namespace included; memcached has 250."""

READABLE: Final = 80
"""Characters of a digested key that are kept in front of its digest."""

_SAFE: Final = re.compile(r"[!-}]*")
_matches: Final = _SAFE.fullmatch
_AT_HOME: Final = re.compile(r"t:[^:~]*~@([^~]+)~")
_NAMESPACE: Final = re.compile(r"[A-Za-z0-9_.\-/]{0,40}\Z")


def check_namespace(namespace: str) -> str:
    """`namespace` itself, or a `ConfigurationError`."""
    if not isinstance(namespace, str) or not _NAMESPACE.match(namespace):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f"namespace={namespace!r} will not do: write at most 40 letters, digits or any of "
            "'_', '.', '-', '/' (':' and '~' separate it from the key)"
        )
    return namespace


def value_head(namespace: str) -> str:
    """What the keys of all values in `namespace` begin with."""
    return f"v:{namespace}:"


def value_key(namespace: str, key: str) -> str:
    """The store key of the value that users call `key`."""
    return value_key_in(value_head(namespace), key)


def value_key_in(head: str, key: str) -> str:
    """The same, where the `value_head` of the namespace is at hand."""
    if type(key) is str and key and _matches(key) and len(key) + len(head) <= LONGEST:
        return head + key
    return _stored(head, key, "key")


def tag_key(namespace: str, tag: str) -> str:
    """The store key of the record of `tag`."""
    return _stored(f"t:{namespace}:", tag, "tag")


def record_key(namespace: str, name: str, home: str = "") -> str:
    """The store key of a record of the framework's own, which no tag can name; it is kept at
    `home`, where there are several."""
    return _stored(f"t:{namespace}~@{home}~" if home else f"t:{namespace}~", name, "record")


def home_in(store_key: str) -> str:
    """The home that a record is kept at, `""` for any other key."""
    found = _AT_HOME.match(store_key)
    return found[1] if found else ""


def claim_of(value_key: str) -> str:
    """The store key of the claim on refreshing what is under `value_key`."""
    return "c" + value_key[1:]


def prefix_keys(namespace: str, prefix: str) -> tuple[str, ...]:
    """What the store keys begin with of all values whose key begins with `prefix`.

    Of digested keys only the readable part can be compared, so a `prefix` that is longer than it
    covers more than was asked for, never less.
    """
    head, prefix = value_head(namespace), _checked(prefix, "prefix")
    readable = _readable(prefix)
    digested = f"{head}{readable}~"
    if not _matches(prefix):
        return (digested,)
    natural = head + prefix
    if len(natural) > LONGEST:
        return (digested,)
    return (natural,) if readable == prefix else (natural, digested)


def is_natural(store_key: str, head: str) -> bool:
    """Whether what follows `head` in `store_key` is short and safe enough to be stored as it is."""
    return len(store_key) <= LONGEST and _matches(store_key[len(head) :]) is not None


def _stored(head: str, key: str, what: str) -> str:
    key = _checked(key, what)
    if len(natural := head + key) <= LONGEST and _matches(key):
        return natural
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{head}{_readable(key)}~{digest}"


def _checked(key: str, what: str) -> str:
    if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"a {what} is a str, not {key!r}, a {type(key).__qualname__}")
    if not key:
        raise ConfigurationError(f"{what} must not be empty")
    return key if type(key) is str else str.__str__(key)


def _readable(key: str) -> str:
    match = _SAFE.match(key, 0, READABLE)
    return match.group() if match else ""
