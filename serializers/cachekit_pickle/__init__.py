"""Values by pickle, signed: for classes that no other serializer knows how to take apart.

Unpickling calls what the bytes name. A signature is all that stands before it: who has a key may
run code in every process that reads. So it is never taken by default, and never without keys.

Prefer `serializer="msgpack"`, whose bytes name no class but those that you registered, or the
serializer of cachekit_pydantic, which makes what the annotation says: with either nobody who writes
to the store runs anything, their bytes are smaller, and a changed class has another fingerprint.

The bytes are what `cachekit.signing.Signing` makes of a pickle of protocol 5, for the context
`b"cachekit_pickle"` and then that of the entry.
"""

from cachekit_pickle.serializer import PickleSerializer

__all__ = ["PickleSerializer"]
