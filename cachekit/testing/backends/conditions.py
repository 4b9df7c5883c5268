"""A write happens on its condition, and one write has no part in another's fate."""

from collections.abc import Callable
from typing import Final

import pytest

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, Condition, Outcome, Write
from cachekit.entry import Kind
from cachekit.envelope import pack
from cachekit.testing.backends.door import BackDoor
from cachekit.testing.backends.entries import KINDS, an_entry, facts, named
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject

CONDITIONS: Final = {
    "any": (ANY, DONE, DONE),
    "absent": (ABSENT, DONE, REFUSED),
    "same": (5, REFUSED, DONE),
    "other": (6, REFUSED, REFUSED),
    "zero": (0, REFUSED, REFUSED),
}
"""A condition, what becomes of it where nothing is, and where there is version 5."""

DAMAGE: Final[dict[str, Callable[[bytes], bytes]]] = {
    "emptied": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "lengthened": lambda data: data + b"\0",
    "flipped": lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:],
    "foreign": lambda data: b"something else that has nothing to do with a cache",
}


class ConditionTests(Given):
    """A write happens on its condition, and one write has no part in another's fate."""

    @pytest.fixture
    def byte_door(self, back_door: BackDoor) -> BackDoor:
        """The way into a store that keeps bytes."""
        if not self.keeps_bytes:
            pytest.skip("it keeps no bytes that could be damaged (keeps_bytes = False)")
        return back_door

    @pytest.mark.parametrize("kind", KINDS, ids=named)
    @pytest.mark.parametrize(
        ("expected", "on_nothing", "on_version_5"), CONDITIONS.values(), ids=list(CONDITIONS)
    )
    def test_a_write_happens_on_its_condition(
        self,
        subject: Subject,
        kind: Kind,
        expected: int | Condition,
        on_nothing: Outcome,
        on_version_5: Outcome,
    ) -> None:
        """`ANY`, `ABSENT`, or the version that must be there, whatever kind of entry has it."""
        subject.write("v:there", an_entry(kind, version=5))
        outcome = subject.write("v:there", an_entry(kind, version=7), expected)
        assert outcome is on_version_5, f"version 5 was there, and {expected} was expected"
        outcome = subject.write("v:nothing", an_entry(kind, version=7), expected)
        assert outcome is on_nothing, f"nothing was there, and {expected} was expected"
        found = {key: entry.version for key, entry in subject.read("v:there", "v:nothing").items()}
        there = {"v:there": 7 if on_version_5 is DONE else 5}
        assert found == (there | {"v:nothing": 7} if on_nothing is DONE else there)

    @pytest.mark.parametrize(
        ("expected", "on_nothing", "on_version_5"), CONDITIONS.values(), ids=list(CONDITIONS)
    )
    def test_a_deletion_happens_on_its_condition(
        self,
        subject: Subject,
        expected: int | Condition,
        on_nothing: Outcome,
        on_version_5: Outcome,
    ) -> None:
        """The same conditions, the same outcomes."""
        subject.write("v:there", an_entry(version=5))
        outcome = subject.write("v:nothing", None, expected)
        assert outcome is on_nothing, f"nothing was there, and {expected} was expected"
        outcome = subject.write("v:there", None, expected)
        assert outcome is on_version_5, f"version 5 was there, and {expected} was expected"
        assert (subject.find("v:there") is None) == (on_version_5 is DONE)

    def test_a_refused_write_changes_nothing(self, subject: Subject) -> None:
        """Not even how long the entry is kept."""
        entry = an_entry(version=5, keep=2 * self.short, tags={"t:a": 1})
        written = facts("v:k", entry)
        subject.write("v:k", entry)
        assert subject.write("v:k", an_entry(Kind.STUB, keep=100 * self.short), ABSENT) is REFUSED
        assert subject.write("v:k", an_entry(Kind.STUB, keep=self.short / 10), 6) is REFUSED
        subject.wait(self.short)
        found = subject.find("v:k")
        assert found is not None
        assert facts("v:k", found) == written
        subject.wait(self.ended)
        assert subject.find("v:k") is None

    def test_a_batch_is_applied_in_order(self, subject: Subject) -> None:
        """Each write of a key finds what the one before it left."""
        chain = [Write("v:k", an_entry(version=n), n - 1 if n else ABSENT) for n in range(10)]
        writes = [*chain, Write("v:k", an_entry(version=99), 0), Write("v:k", None, 9)]
        assert subject.write_all(*writes) == [*[DONE] * 10, REFUSED, DONE]
        assert subject.find("v:k") is None
        assert (
            subject.write_all(Write("v:k", None), Write("v:k", an_entry(version=1))) == [DONE] * 2
        )
        found = subject.find("v:k")
        assert found is not None
        assert found.version == 1

    def test_there_is_one_outcome_for_each_write(self, subject: Subject) -> None:
        """In the order of the writes; one that is refused does not stop the others."""
        subject.write("v:b", an_entry(version=1))
        subject.write("v:d", an_entry(version=1))
        writes = [Write(f"v:{name}", an_entry(version=2), ABSENT) for name in "abcde"]
        assert subject.write_all() == []
        assert subject.write_all(*writes) == [DONE, REFUSED, DONE, REFUSED, DONE]
        found = subject.read(*(f"v:{name}" for name in "abcde"))
        assert [found[f"v:{name}"].version for name in "abcde"] == [2, 1, 2, 1, 2]

    def test_an_announced_write_is_like_any_other(self, subject: Subject) -> None:
        """It has the same conditions and outcomes."""
        first, second = an_entry(version=1), an_entry(version=2)
        assert subject.write_all(
            Write("v:k", first, ABSENT, announce=True),
            Write("v:k", second, ABSENT, announce=True),
            Write("v:k", second, 1, announce=True),
            Write("v:gone", None, ANY, announce=True),
        ) == [DONE, REFUSED, DONE, DONE]
        assert {key: entry.version for key, entry in subject.read("v:k", "v:gone").items()} == {
            "v:k": 2
        }

    @pytest.mark.parametrize("change", DAMAGE.values(), ids=list(DAMAGE))
    def test_what_cannot_be_read_is_absent(
        self, subject: Subject, byte_door: BackDoor, change: Callable[[bytes], bytes]
    ) -> None:
        """To reads, to `ABSENT` and to version conditions; its neighbours are not harmed."""
        keys = ["v:read", "v:absent", "v:version", "v:any"]
        subject.put((key, an_entry(version=5)) for key in (*keys, "v:intact"))
        for key in keys:
            byte_door.damage(key, change)
        assert list(subject.read(*keys, "v:intact")) == ["v:intact"]
        assert subject.write("v:version", an_entry(version=6), 5) is REFUSED
        assert subject.write("v:absent", an_entry(version=6), ABSENT) is DONE
        assert subject.write("v:any", an_entry(version=6)) is DONE
        found = subject.read(*keys)
        assert {key: entry.version for key, entry in found.items()} == {"v:absent": 6, "v:any": 6}

    def test_the_bytes_of_another_key_are_absent(
        self, subject: Subject, byte_door: BackDoor
    ) -> None:
        """An entry is bound to its key."""
        subject.put([("v:a", entry := an_entry()), ("v:b", an_entry())])
        byte_door.damage("v:b", lambda data: pack("v:a", entry))
        assert list(subject.read("v:a", "v:b")) == ["v:a"]
        assert subject.write("v:b", an_entry(), ABSENT) is DONE
