"""What earlier versions stored is read, and its schema is taken for the same."""

import pytest

from cachekit_pydantic import PydanticSerializer
from tests.typed.golden import FOLDER, GOLDEN, file_of
from tests.typed.looks import look


@pytest.mark.parametrize("name", GOLDEN)
def test_what_was_stored_is_read(name: str) -> None:
    annotation, value = GOLDEN[name]
    stored = file_of(name).read_bytes()
    serializer = PydanticSerializer(annotation)
    assert serializer.fingerprint == stored[:8]
    assert look(serializer.loads(stored[8:])) == look(value)


def test_there_is_no_file_without_its_value() -> None:
    assert {file.stem for file in FOLDER.glob("*.bin")} == GOLDEN.keys()
