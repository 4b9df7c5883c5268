"""What is written is what is read."""

from typing import Final

import pytest

from cachekit.backend import ABSENT, DONE, REFUSED, Write
from cachekit.entry import Kind
from cachekit.keys import LONGEST
from cachekit.testing.backends.door import BackDoor
from cachekit.testing.backends.entries import KINDS, a_fresh_value, an_entry, facts, named
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject

MANY: Final = 2_000

CHARACTERS: Final = [chr(code) for code in range(ord("!"), ord("~") + 1)]
"""All that a key in a store is made of."""

LARGEST: Final = 2**63 - 1
PAYLOADS: Final = {"empty": b"", "every-byte": bytes(range(256)), "1-MB": bytes(range(250)) * 4_000}


class ContentTests(Given):
    """What is written is what is read, and all there is to be read."""

    @pytest.mark.parametrize("kind", KINDS, ids=named)
    def test_what_was_written_is_read(self, subject: Subject, kind: Kind) -> None:
        """All that the bytes of an entry hold, of every kind of entry."""
        entry = an_entry(kind, tags={"t:b": 2, "t:a": 1, "t:c": 0})
        written = facts("v:k", entry)
        assert subject.write("v:k", entry) is DONE
        found = subject.find("v:k")
        assert found is not None
        assert facts("v:k", found) == written

    @pytest.mark.parametrize("before", KINDS, ids=named)
    @pytest.mark.parametrize("after", KINDS, ids=named)
    def test_the_last_write_is_read(self, subject: Subject, before: Kind, after: Kind) -> None:
        """Whatever kinds of entries they are."""
        subject.write("v:k", an_entry(before, version=1, payload=b"long before"))
        entry = an_entry(after, version=2, payload=b"after")
        written = facts("v:k", entry)
        assert subject.write("v:k", entry) is DONE
        found = subject.find("v:k")
        assert found is not None
        assert facts("v:k", found) == written

    def test_what_was_written_is_in_the_store(self, subject: Subject, back_door: BackDoor) -> None:
        """Under its key, once the write is acknowledged."""
        assert not back_door.has("v:k")
        subject.write("v:k", an_entry())
        assert back_door.has("v:k")
        assert not back_door.has("v:kk")

    @pytest.mark.parametrize("kind", KINDS, ids=named)
    def test_none_deletes(self, subject: Subject, back_door: BackDoor, kind: Kind) -> None:
        """An entry of any kind; where there is nothing, that is done as well."""
        subject.put([("v:k", an_entry(kind)), ("v:other", an_entry())])
        assert subject.write("v:k", None) is DONE
        assert list(subject.read("v:k", "v:other")) == ["v:other"]
        assert not back_door.has("v:k")
        assert subject.write("v:k", None) is DONE

    def test_what_the_store_lost_is_absent(self, subject: Subject, back_door: BackDoor) -> None:
        """To reads and to conditions: a backend has no memory of its own."""
        subject.put(
            [("v:read", an_entry()), ("v:absent", an_entry()), ("v:1", an_entry(version=1))]
        )
        keys = ["v:read", "v:absent", "v:1"]
        assert sorted(subject.read(*keys)) == sorted(keys)
        for key in keys:
            back_door.drop(key)
        assert subject.write("v:absent", an_entry(), ABSENT) is DONE
        assert subject.write("v:1", an_entry(), 1) is REFUSED
        assert list(subject.read(*keys)) == ["v:absent"]

    def test_a_read_answers_what_was_asked(self, subject: Subject) -> None:
        """A key that is absent is not in the answer, nor is one that was not asked for."""
        subject.put([("v:a", an_entry()), ("v:b", an_entry()), ("v:c", an_entry())])
        assert subject.read() == {}
        assert subject.read("v:absent") == {}
        assert subject.read("v:a", "v:absent", "v:c", "v:a").keys() == {"v:a", "v:c"}

    def test_every_character_of_a_key_counts(self, subject: Subject) -> None:
        """Lower and upper case, quotes, slashes, and what is special in patterns."""
        keys = [f"v:a{one}" for one in CHARACTERS] + [f"v:{one}b" for one in CHARACTERS]
        check_keys(subject, [*keys, "v:a", "v:b", "v:../b", "v:./b", "v:%41", "v:a%00"])

    def test_every_character_of_a_long_key_counts(self, subject: Subject) -> None:
        """Keys are as long as `cachekit.keys.LONGEST` says, and may differ only in the end."""
        head = "v:shop:".ljust(LONGEST - 1, "x")
        check_keys(subject, [head, head + "1", head + "2"])

    def test_spaces_of_keys_are_apart(self, subject: Subject) -> None:
        """A value, a tag record and a claim are three keys, whatever their name."""
        check_keys(subject, ["v:shop:a", "t:shop:a", "c:shop:a", "t:shop~a", "v::a"])

    def test_thousands_of_keys_in_one_batch(self, subject: Subject) -> None:
        """2,000 of them are written, read and deleted in one batch each."""
        keys = [f"v:{number}" for number in range(MANY)]
        check_keys(subject, keys)
        assert subject.write_all(*(Write(key, None) for key in keys)) == [DONE] * MANY
        assert subject.read(*keys) == {}

    def test_all_bits_of_a_version_count(self, subject: Subject) -> None:
        """A version is any whole number of 63 bits, which is more than a float can hold."""
        for version in (0, 1, 2**53 + 1, LARGEST - 1, LARGEST):
            subject.write("v:k", an_entry(version=version, tags={"t:a": version}))
            found = subject.find("v:k")
            assert found is not None
            assert (found.version, found.tags["t:a"]) == (version, version)
            assert subject.write("v:k", None, version ^ 1) is REFUSED
            assert subject.write("v:k", None, version) is DONE

    @pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
    def test_every_byte_of_a_payload_counts(self, subject: Subject, payload: bytes) -> None:
        """An empty one, one with every byte there is, and a large one."""
        subject.write("v:k", an_entry(payload=payload))
        found = subject.find("v:k")
        assert found is not None
        assert found.payload == payload

    def test_hundreds_of_tags(self, subject: Subject) -> None:
        """They come back with their versions and in their order."""
        tags = {f"t:shop:{number % 7}:{number}": number for number in range(500)}
        subject.write("v:k", an_entry(tags=tags))
        found = subject.find("v:k")
        assert found is not None
        assert list(found.tags.items()) == list(tags.items())

    @pytest.mark.parametrize("ttl", [60.0, None])
    def test_a_value_is_fresh_as_long_as_it_was(self, subject: Subject, ttl: float | None) -> None:
        """Not for as long again, counted from when it is read."""
        entry = a_fresh_value(subject.clock, ttl, keep=None)
        until = entry.fresh_until
        subject.write("v:k", entry)
        subject.wait(self.short)
        found = subject.find("v:k")
        assert found is not None
        assert found.fresh_until == pytest.approx(until, abs=0.1)


def check_keys(subject: Subject, keys: list[str]) -> None:
    """Each key holds what was written there, and not what was written under another one."""
    versions = {key: number for number, key in enumerate(keys)}
    subject.put((key, an_entry(version=version)) for key, version in versions.items())
    assert {key: entry.version for key, entry in subject.read(*keys).items()} == versions
