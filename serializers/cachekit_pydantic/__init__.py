"""Values by their annotation, through pydantic and JSON, with the types they had.

The bytes are the JSON that pydantic writes for the type (`round_trip=True`), fields by their names
and not by aliases. What type they are of is nowhere in them: the annotation says it when they are
read, and the fingerprint in the stored entry keeps bytes of another schema from being read.
"""

from cachekit_pydantic.serializer import PydanticSerializer

__all__ = ["PydanticSerializer"]
