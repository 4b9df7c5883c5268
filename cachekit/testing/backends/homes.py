"""Several homes: each has its own keys, and each key has one of them for good."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from cachekit.backend import HOMES, NODES, Backend, Homes
from cachekit.entry import Kind
from cachekit.keys import claim_of, record_key, tag_key, value_key
from cachekit.testing.backends.entries import an_entry
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject

MANY: Final = 200
SHOWN: Final = 5
"""So many of those that are wrong are in a message: whoever compares all would wait for it."""

NAMESPACES: Final = ("", "shop", "a/b.c_d-e", "x" * 40)
USED: Final = ("a b", "~", "größe", "x" * 500, "\udc80", "t:a~@b~home", "\r\n\0")
"""What users call something, and no store does."""
RECORDS: Final = ("home", "fn:shop.prices", "fn:" + "x" * 200, "fn:größe")

VALUES: Final = [
    value_key(namespace, key)
    for namespace in NAMESPACES
    for key in (*USED, *(f"{number}" for number in range(MANY)))
]
KEYS: Final = [*VALUES, *(claim_of(key) for key in VALUES), *(tag_key("shop", key) for key in USED)]

_NAME: Final = re.compile(r"[!-}]{1,64}")


class HomeTests(Given):
    """`HOMES` says where each key is: a backend that has it is one of several nodes, for good."""

    def homes_of(self, backend: Backend) -> Homes:
        """What a backend tells of homes, which need not be open for that."""
        self.must_claim(HOMES)
        homes = backend.capability(HOMES)
        assert homes is not None
        return homes

    def test_each_home_has_a_name(self, backend: Backend) -> None:
        """One of its own, that may stand in a key."""
        names = self.homes_of(backend).homes()
        assert names
        assert [name for name in names if not _NAME.fullmatch(name)] == []
        assert len(set(names)) == len(names)

    def test_every_key_has_a_home(self, backend: Backend) -> None:
        """One of those that it names: of values, claims and records of tags."""
        homes = self.homes_of(backend)
        assert {homes.home(key) for key in KEYS} <= set(homes.homes())

    def test_a_claim_is_at_the_home_of_its_value(self, backend: Backend) -> None:
        """Who may refresh a value need not ask another node."""
        home = self.homes_of(backend).home
        apart = [key for key in VALUES if home(claim_of(key)) != home(key)]
        assert apart[:SHOWN] == []

    def test_a_record_of_a_home_is_there(self, backend: Backend) -> None:
        """What is named for a home goes with it, and with no other."""
        homes = self.homes_of(backend)
        for name in homes.homes():
            assert {homes.home(key) for key in records_at(name)} == {name}

    def test_a_key_stays_at_its_home(
        self, subject: Subject, another_backend: Backend | None
    ) -> None:
        """Opened or not, opened again, and in another process."""
        homes = self.homes_of(subject.backend)
        told = told_by(homes)
        subject.close()
        assert moved(told, homes) == []
        subject.open()
        assert moved(told, homes) == []
        if another_backend is not None:
            assert moved(told, self.homes_of(another_backend)) == []

    def test_what_has_one_home_is_on_one_node(self, subject: Subject) -> None:
        """So that what a node takes along, when it goes, is known by its home."""
        self.must_claim(NODES)
        homes, nodes = self.homes_of(subject.backend), subject.backend.capability(NODES)
        assert nodes is not None
        records = [key for name in homes.homes() for key in records_at(name)]
        both = {(homes.home(key), nodes.node_of(key)) for key in (*KEYS, *records)}
        assert len(both) == len({home for home, _ in both})

    def test_each_home_keeps_its_records(self, subject: Subject) -> None:
        """Of one name it may have one for each of its nodes; one batch has those of all."""
        names = self.homes_of(subject.backend).homes()
        records = [key for name in names for key in records_at(name)]
        versions = {key: number for number, key in enumerate(records)}
        subject.put((key, an_entry(Kind.TAG, version=number)) for key, number in versions.items())
        found = subject.read(*records)
        wrong = [k for k, version in versions.items() if found[k].version != version]
        assert wrong[:SHOWN] == []


def records_at(home: str) -> Iterator[str]:
    """Keys of records that are named for `home`."""
    return (record_key(namespace, name, home) for namespace in NAMESPACES for name in RECORDS)


def moved(told: Sequence[str], homes: Homes) -> list[str]:
    """Some of what it said before, and says no longer."""
    now = told_by(homes)
    assert len(now) == len(told)
    return [was for was, is_now in zip(told, now, strict=True) if was != is_now][:SHOWN]


def told_by(homes: Homes) -> list[str]:
    """All that it says."""
    return [*homes.homes(), *(homes.home(key) for key in KEYS)]
