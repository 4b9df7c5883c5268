"""Bytes in the store that nobody reads or changes without the key: AES-256-GCM.

The bytes of an entry are a wire format:

    bytes  what
    4      the id of the key
    24     random, new for each entry
    ...    the data, encrypted
    16     the tag of AES-GCM (NIST SP 800-38D); it covers the data and the context
"""

from cachekit_aesgcm.step import AesGcmEncryption

__all__ = ["AesGcmEncryption"]
