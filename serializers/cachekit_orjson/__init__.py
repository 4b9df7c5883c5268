"""Values as JSON, by orjson: for what is JSON already, and for whoever reads it elsewhere.

The bytes are JSON (RFC 8259) in UTF-8, and nothing besides. What JSON cannot say, and what orjson
would say in another way, is refused when it is written, so that what comes back is what it was.
"""

from cachekit_orjson.serializer import OrjsonSerializer

__all__ = ["OrjsonSerializer"]
