"""Forgetting by prefix: what begins with it, and nothing else."""

from typing import Final

import pytest

from cachekit.backend import ABSENT, DONE, FORGET_PREFIX, REFUSED, ForgetPrefix, Outcome
from cachekit.testing.backends.entries import KINDS, an_entry
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject

MANY: Final = 2_000

SPECIAL: Final = [*"*?[]^$%_\\.+|(){}'\"`#&;", ".*", "[a-z]", "\\*", "%%", "a*"]
"""What stands for something else in the patterns of one store or another."""


class Forgetter:
    """Forgets by prefix in the backend under test."""

    def __init__(self, subject: Subject, able: ForgetPrefix) -> None:
        self._subject = subject
        self._able = able

    def put(self, *keys: str) -> None:
        """Write something under each of `keys`."""
        self._subject.put((key, an_entry()) for key in keys)

    def left(self, *keys: str) -> list[str]:
        """Those of `keys` under which there is something, sorted."""
        return sorted(self._subject.read(*keys))

    def forget(self, *prefixes: str) -> Outcome:
        """What becomes of it."""
        return self._subject.run(self._able.forget_prefix(prefixes))


class PrefixTests(Given):
    """`FORGET_PREFIX` deletes what begins with a prefix, and nothing else."""

    @pytest.fixture
    def forgetter(self, subject: Subject) -> Forgetter:
        """The backend under test, which claims `FORGET_PREFIX`."""
        self.must_claim(FORGET_PREFIX)
        able = subject.backend.capability(FORGET_PREFIX)
        assert able is not None
        return Forgetter(subject, able)

    def test_what_begins_with_a_prefix_is_forgotten(self, forgetter: Forgetter) -> None:
        """To the letter, and in its own space of keys."""
        gone = ["v:shop:a", "v:shop:ab", "v:shop:a:1", "v:shop:a~1f", "v:shop:a/b"]
        left = ["v:shop:A", "v:shop:b", "v:shop:ba", "v:shop", "t:shop:a", "c:shop:a", "v:shop2:a"]
        forgetter.put(*gone, *left)
        assert forgetter.forget("v:shop:a") is DONE
        assert forgetter.left(*gone, *left) == sorted(left)

    def test_no_character_of_a_prefix_stands_for_others(self, forgetter: Forgetter) -> None:
        """What is special in patterns is a character like any other."""
        for special in SPECIAL:
            gone, left = [f"v:{special}", f"v:{special}a"], ["v:a", "v:aa", "v:x", "v:ab", "v:"]
            forgetter.put(*gone, *left)
            assert forgetter.forget(f"v:{special}") is DONE
            assert forgetter.left(*gone, *left) == sorted(left), f"prefix 'v:{special}'"

    def test_several_prefixes_at_once(self, forgetter: Forgetter) -> None:
        """What begins with any of them is forgotten; none of them is not all."""
        keys = ["v:a", "v:ab", "v:b", "v:c"]
        forgetter.put(*keys)
        assert forgetter.forget() is DONE
        assert forgetter.left(*keys) == keys
        assert forgetter.forget("v:a", "v:ab", "v:c", "v:nothing") is DONE
        assert forgetter.left(*keys) == ["v:b"]

    def test_every_kind_of_entry_is_forgotten(self, subject: Subject, forgetter: Forgetter) -> None:
        """Who holds a lease has lost it: what is gone is gone to conditions, too."""
        keys = [f"v:{kind.name}" for kind in KINDS]
        subject.put((key, an_entry(kind, version=5)) for key, kind in zip(keys, KINDS, strict=True))
        assert forgetter.forget("v:") is DONE
        assert subject.read(*keys) == {}
        for key in keys:
            assert subject.write(key, an_entry(), 5) is REFUSED
            assert subject.write(key, an_entry(), ABSENT) is DONE

    def test_thousands_are_forgotten(self, forgetter: Forgetter) -> None:
        """However many there are under a prefix."""
        keys = [f"v:many:{number}" for number in range(MANY)]
        forgetter.put(*keys, "v:one")
        assert forgetter.forget("v:many:") is DONE
        assert forgetter.left(*keys, "v:one") == ["v:one"]
