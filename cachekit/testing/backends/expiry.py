"""An entry is kept for as long as it says."""

from typing import Final

import pytest

from cachekit.backend import ABSENT, DONE, REFUSED, Write
from cachekit.entry import Kind
from cachekit.testing.backends.entries import KINDS, a_fresh_value, an_entry, named
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject

LEASES: Final = [Kind.VALUE, Kind.STUB, Kind.PASS]
"""What is written again in order to be kept for longer."""


class ExpiryTests(Given):
    """An entry is kept for as long as it says, and then it is absent, to whoever looks."""

    @pytest.mark.parametrize("kind", KINDS, ids=named)
    def test_it_is_kept_as_long_as_it_says(self, subject: Subject, kind: Kind) -> None:
        """Not shorter, for those who read it and those who replace it."""
        subject.put(
            (key, an_entry(kind, version=5, keep=self.short)) for key in ("v:read", "v:replaced")
        )
        subject.wait(self.short / 2)
        assert list(subject.read("v:read")) == ["v:read"]
        assert subject.write("v:replaced", an_entry(kind), ABSENT) is REFUSED
        assert subject.write("v:replaced", an_entry(kind), 5) is DONE

    @pytest.mark.parametrize("kind", KINDS, ids=named)
    def test_past_its_time_it_is_absent(self, subject: Subject, kind: Kind) -> None:
        """To reads, to `ABSENT` and to version conditions, each on a key of its own."""
        keys = ["v:read", "v:absent", "v:version", "v:deleted"]
        subject.put((key, an_entry(kind, version=5, keep=self.short)) for key in keys)
        subject.wait(self.ended)
        over = f"what was kept for {self.short} s is there after {self.ended} s, to"
        assert subject.write("v:absent", an_entry(version=6), ABSENT) is DONE, f"{over} ABSENT"
        outcome = subject.write("v:version", an_entry(version=6), 5)
        assert outcome is REFUSED, f"{over} who expects its version"
        assert subject.write("v:deleted", None, 5) is REFUSED, f"{over} who expects its version"
        assert list(subject.read(*keys)) == ["v:absent"], f"{over} a read"

    @pytest.mark.parametrize("kind", KINDS, ids=named)
    def test_without_an_end_it_stays(self, subject: Subject, kind: Kind) -> None:
        """`keep=None` is for good."""
        subject.write("v:k", an_entry(kind, keep=None))
        subject.wait(2 * self.short)
        assert list(subject.read("v:k")) == ["v:k"]

    def test_freshness_does_not_end_it(self, subject: Subject) -> None:
        """A value that is stale is still there: `keep` alone says how long."""
        subject.write("v:k", a_fresh_value(subject.clock, self.short / 4, keep=3 * self.short))
        subject.wait(self.short)
        found = subject.find("v:k")
        assert found is not None
        assert not found.serves(subject.clock.monotonic())

    def test_the_last_write_says_how_long(self, subject: Subject) -> None:
        """Longer or shorter than the one before, or for good."""
        long = 20 * self.short
        keys = {
            "v:longer": (self.short, long),
            "v:shorter": (long, self.short),
            "v:for-good": (self.short, None),
            "v:no-longer": (None, self.short),
        }
        subject.put((key, an_entry(keep=first)) for key, (first, _) in keys.items())
        subject.put((key, an_entry(keep=second)) for key, (_, second) in keys.items())
        subject.wait(self.ended)
        assert sorted(subject.read(*keys)) == ["v:for-good", "v:longer"]

    @pytest.mark.parametrize("kind", LEASES, ids=named)
    def test_the_same_version_renews(self, subject: Subject, kind: Kind) -> None:
        """A lease lives for as long as its holder writes it again, and not longer."""
        entry = an_entry(kind, version=5, keep=self.short)
        assert subject.write("v:k", entry, ABSENT) is DONE
        for _ in range(3):
            subject.wait(self.short / 2)
            assert subject.write("v:k", entry, 5) is DONE
        subject.wait(self.short / 2)
        assert list(subject.read("v:k")) == ["v:k"]
        subject.wait(self.ended)
        assert subject.write("v:k", entry, 5) is REFUSED
        assert subject.read("v:k") == {}

    @pytest.mark.parametrize("kind", LEASES, ids=named)
    def test_the_same_version_may_shorten(self, subject: Subject, kind: Kind) -> None:
        """A write that only shortens the time is one like any other."""
        subject.write("v:k", an_entry(kind, version=5, keep=20 * self.short))
        assert subject.write("v:k", an_entry(kind, version=5, keep=self.short), 5) is DONE
        subject.wait(self.ended)
        assert subject.read("v:k") == {}

    def test_each_has_a_time_of_its_own(self, subject: Subject) -> None:
        """Those of one batch, too."""
        ends = {"v:a": self.short, "v:b": 20 * self.short, "v:c": None, "v:d": self.short}
        writes = [Write(key, an_entry(keep=keep)) for key, keep in ends.items()]
        assert subject.write_all(*writes) == [DONE] * 4
        subject.wait(self.ended)
        assert sorted(subject.read(*ends)) == ["v:b", "v:c"]

    def test_after_its_time_the_key_begins_anew(self, subject: Subject) -> None:
        """What follows on something expired has its own time."""
        subject.write("v:k", an_entry(version=5, keep=self.short))
        subject.wait(self.ended)
        subject.write("v:k", an_entry(version=6, keep=None), ABSENT)
        subject.wait(self.ended)
        found = subject.find("v:k")
        assert found is not None
        assert found.version == 6
