"""Frames of Zstandard that are made by hand (RFC 8878, 3.1.1)."""

MAGIC = b"\x28\xb5\x2f\xfd"
PACKED = b"\1"


def frame(
    size: int, *, declared: int | None, window: int | None = None, dictionary: int = 0
) -> bytes:
    """A frame of `size` zeros that declares `declared` bytes, with a window of 2**`window`."""
    flags = (0 if declared is None else 3 << 6) | (window is None) << 5 | (3 if dictionary else 0)
    head = bytes((flags,))
    head += b"" if window is None else bytes((window - 10 << 3,))
    head += dictionary.to_bytes(4, "little") if dictionary else b""
    head += b"" if declared is None else declared.to_bytes(8, "little")
    return MAGIC + head + blocks(size)


def blocks(size: int) -> bytes:
    """Each says that a zero is repeated, up to 128 KiB of them."""
    made = b""
    while True:
        here = min(size, 2**17)
        size -= here
        made += (here << 3 | 1 << 1 | (size == 0)).to_bytes(3, "little") + b"\0"
        if not size:
            return made
