"""Writes the files that are missing."""

from cachekit_pydantic import PydanticSerializer
from tests.typed.golden import GOLDEN, file_of

for name, case in GOLDEN.items():
    if not file_of(name).exists():
        serializer = PydanticSerializer(case.annotation)
        file_of(name).write_bytes(serializer.fingerprint + serializer.dumps(case.value))
