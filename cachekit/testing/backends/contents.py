"""What is written is what is read."""

import pytest

from cachekit.backend import DONE
from cachekit.entry import Kind
from cachekit.testing.backends.door import BackDoor
from cachekit.testing.backends.entries import KINDS, an_entry, facts
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject


class ContentTests(Given):
    """What is written is what is read."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_what_was_written_is_read(
        self, subject: Subject, back_door: BackDoor, kind: Kind
    ) -> None:
        entry = an_entry(kind, tags={"t:a": 1, "t:b": 2})
        written = facts("v:k", entry)
        assert subject.write("v:k", entry) is DONE
        assert back_door.has("v:k")
        found = subject.find("v:k")
        assert found is not None
        assert facts("v:k", found) == written
