"""The msgpack package, typed: it brings no types of its own."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

import msgpack  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

_MSGPACK: Final = cast("Any", msgpack)
_unpackb: Final[Callable[..., Any]] = _MSGPACK.unpackb

Hook = Callable[[Any], Any]
TOO_DEEP: Final[type[Exception]] = _MSGPACK.StackError

ext: Final[Callable[[int, bytes], Any]] = _MSGPACK.ExtType
"""What is packed as an ext value: a code and bytes."""


def pack(value: Any, hook: Hook, errors: str | None) -> bytes:
    """The bytes of `value`; `hook` makes what msgpack knows of every type that it does not.

    `errors` says how to encode text that is not UTF-8, `None` not to.
    """
    packer = _MSGPACK.Packer(default=hook, strict_types=True, unicode_errors=errors)
    data: bytes = packer.pack(value)
    return data


def unpacking(
    read_ext: Callable[[int, bytes], Any], read_array: Hook | None = None
) -> Callable[[bytes], Any]:
    """What makes values of bytes: ext values by the one hook, arrays by the other."""
    return partial(
        _unpackb,
        ext_hook=read_ext,
        list_hook=read_array,
        strict_map_key=False,
        unicode_errors="surrogatepass",
    )
