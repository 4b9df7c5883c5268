"""Smaller bytes in the store: compression with Zstandard (RFC 8878).

The bytes are a marker and what follows it. They are a wire format: a marker never changes its
meaning.

    marker  what follows
    0       the data as it is
    1       one Zstandard frame that declares the size of its content, without a dictionary
"""

from cachekit_zstd.step import ZstdCompression

__all__ = ["ZstdCompression"]
