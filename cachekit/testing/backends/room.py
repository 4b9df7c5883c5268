"""As much as a store says that it takes, it takes."""

from typing import Final

import pytest

from cachekit.backend import ABSENT, ANY, DONE, ROOM, Backend, Condition, Room
from cachekit.keys import LONGEST, value_key
from cachekit.testing.backends.entries import an_entry
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject

MOST: Final = 16 * 2**20
"""Bytes of a payload at most: of a store that takes more, no more than that is asked."""

KEY: Final = value_key("shop", "k" * (LONGEST - len("v:shop:")))
TAGS: Final = {f"t:shop:{number}".ljust(LONGEST, "x"): number for number in range(16)}
"""As long as keys are in a store."""


class RoomTests(Given):
    """`ROOM` says how large a payload may be."""

    def room_of(self, backend: Backend) -> Room:
        """What a backend tells of its room, which need not be open for that."""
        self.must_claim(ROOM)
        room = backend.capability(ROOM)
        assert room is not None
        return room

    def test_there_is_so_much_room(self, backend: Backend) -> None:
        """It is a number of bytes, before it is open, too."""
        most = self.room_of(backend).most_bytes
        assert type(most) is int
        assert most >= 0

    @pytest.mark.parametrize("expected", [ANY, ABSENT, 5], ids=str)
    def test_as_much_as_there_is_room_for_is_kept(
        self, subject: Subject, expected: int | Condition
    ) -> None:
        """On each condition, under a long key, and with tags that are long as well."""
        room = self.room_of(subject.backend)
        if expected == 5:
            subject.write(KEY, an_entry(version=5))
        subject.read(KEY)  # from here on it knows of its store what there is to know
        payload = (bytes(range(250)) * (MOST // 250 + 1))[: min(room.most_bytes, MOST)]
        outcome = subject.write(KEY, an_entry(version=6, payload=payload, tags=TAGS), expected)
        assert outcome is DONE, f"{len(payload)} bytes of {room.most_bytes} were not written"
        found = subject.find(KEY)
        assert found is not None, f"{len(payload)} bytes of {room.most_bytes} were written, in vain"
        assert found.version == 6
        is_whole = found.payload == payload  # outside of `assert`, which would print both
        assert is_whole, f"of {len(payload)} bytes something else was read back"
