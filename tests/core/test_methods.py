"""`@cache.cached` in a class body: it binds as a method does, and knows whose it is."""

import abc
import asyncio
import copy
import functools
import inspect
import pickle
import sys
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from cachekit import MISSING, Cache, ConfigurationError
from tests.core.conftest import Caches
from tests.core.helpers import PickleSerializer

CACHE = Cache(serializer=PickleSerializer())


@pytest.fixture(autouse=True)
def afresh() -> None:
    CACHE.sync.clear()


@dataclass(frozen=True)
class Repo:
    """Its identity is its fields."""

    tenant: str

    @CACHE.cached
    def get(self, n: int) -> str:
        """Get it."""
        return f"{self.tenant}{n}"

    @CACHE.cached(tags=["rows"])
    async def fetch(self, n: int, *, deep: bool = False) -> str:
        """Fetch it."""
        return f"{self.tenant}{n}{deep}"

    @CACHE.cached
    @classmethod
    def kind(cls, n: int) -> str:
        """Its kind."""
        return f"{cls.__name__}{n}"

    @classmethod
    @CACHE.cached
    def sort(cls, n: int) -> str:
        return f"{cls.__name__}{n}"

    @CACHE.cached
    @staticmethod
    def add(a: int, b: int) -> int:
        return a + b

    @staticmethod
    @CACHE.cached
    def subtract(a: int, b: int) -> int:
        return a - b

    @property
    @CACHE.cached
    def upper(self) -> str:
        return self.tenant.upper()


class Sub(Repo):
    pass


# -- binding


def test_each_object_has_its_own_values() -> None:
    a, b = Repo("a"), Repo("b")
    assert (a.get(1), b.get(1), Repo("a").get(1)) == ("a1", "b1", "a1")
    a.get.invalidate(1)
    assert (a.get.get(1), b.get.get(1)) == (MISSING, "b1")
    a.get.set("by hand", 1)
    assert (a.get(1), a.get.refresh(1)) == ("by hand", "a1")
    assert a.get.key(1) == Repo("a").get.key(n=1) != b.get.key(1)


async def test_an_async_method() -> None:
    a, b = Repo("a"), Repo("b")
    assert (await a.fetch(1), await b.fetch(1), await a.fetch(1, deep=True)) == (
        "a1False",
        "b1False",
        "a1True",
    )
    await a.fetch.invalidate(1)
    assert (await a.fetch.get(1), await b.fetch.get(1)) == (MISSING, "b1False")
    await a.fetch.set("by hand", 1)
    assert (await a.fetch(1), await a.fetch.refresh(1)) == ("by hand", "a1False")


def test_through_the_class_the_object_is_an_argument() -> None:
    a = Repo("a")
    assert Repo.get(a, 1) == a.get(1) == "a1"
    Repo.get.invalidate(a, 1)
    assert Repo.get.get(a, 1) is MISSING
    assert Repo.get.key(a, 1) == a.get.key(1)


def test_a_subclass_is_another_name() -> None:
    assert Sub("a").get.key(1) != Repo("a").get.key(1)
    assert Sub("a").get.key(1).startswith(f"{__name__}.Repo.get@{__name__}.Sub(")
    assert (Repo("a").get(1), Sub("a").get(1)) == ("a1", "a1")
    Repo("a").get.invalidate(1)
    assert Sub("a").get.get(1) == "a1"


def test_super_calls_the_cached_method_of_the_base() -> None:
    class Base:
        def cache_key(self) -> str:
            return "it"

        @CACHE.cached(name="Base.get")
        def get(self, n: int) -> str:
            return f"base {n}"

    class Derived(Base):
        @CACHE.cached(name="Derived.get")
        def get(self, n: int) -> str:
            return f"derived of {super().get(n)}"

    assert Derived().get(1) == "derived of base 1"
    assert Base().get(1) == "base 1"


@pytest.mark.parametrize("name", ["kind", "sort"])
def test_a_classmethod_in_either_order(name: str) -> None:
    of_repo, of_sub = getattr(Repo, name), getattr(Sub, name)
    assert (of_repo(1), of_sub(1), getattr(Sub("a"), name)(1)) == ("Repo1", "Sub1", "Sub1")
    if name == "kind" or sys.version_info < (3, 13):
        assert of_repo.key(1) != of_sub.key(1)
        of_repo.invalidate(1)
        assert (of_repo.get(1), of_sub.get(1)) == (MISSING, "Sub1")
    else:
        with pytest.raises(AttributeError, match=r"write @cache.cached above @classmethod"):
            of_repo.invalidate(1)


def test_a_staticmethod_in_either_order() -> None:
    a = Repo("a")
    assert (Repo.add(1, 2), a.add(1, 2), a.subtract(3, 1)) == (3, 3, 2)
    Repo.add.invalidate(1, 2)
    a.subtract.invalidate(3, 1)
    assert (a.add.get(1, 2), Repo.subtract.get(3, 1)) == (MISSING, MISSING)


def test_under_a_property() -> None:
    assert (Repo("a").upper, Repo("b").upper, Repo("a").upper) == ("A", "B", "A")
    assert CACHE.stats().hits >= 1


# -- taken for a method


def test_it_is_what_a_method_is_to_those_who_look() -> None:
    a = Repo("a")
    assert a.get.__name__ == "get"
    assert a.get.__qualname__ == "Repo.get"  # type: ignore[attr-defined]
    docs = [method.__doc__ for method in (a.get, a.fetch, Repo.kind)]
    assert docs == ["Get it.", "Fetch it.", "Its kind."]
    assert str(inspect.signature(a.get)) == "(n: int) -> str"
    assert list(inspect.signature(Repo.get).parameters) == ["self", "n"]
    assert inspect.signature(Repo.kind) == inspect.signature(a.kind)
    assert list(inspect.signature(Repo.kind).parameters) == ["n"]
    assert inspect.iscoroutinefunction(a.fetch)
    assert asyncio.iscoroutinefunction(a.fetch)
    assert not inspect.iscoroutinefunction(a.get)
    assert a.get.__self__ is a  # type: ignore[attr-defined]
    assert a.get.__wrapped__(3) == "a3"
    assert a.get.info is Repo.get.info
    assert not hasattr(a.get, "no such attribute")
    assert repr(a.get) == "<cached Repo.get of Repo(tenant='a')>"


def test_it_is_equal_to_itself() -> None:
    a, b = Repo("a"), Repo("b")
    assert a.get == a.get
    assert hash(a.get) == hash(a.get)
    assert a.get not in (b.get, a.fetch, a.upper)
    assert {a.get: 1}[a.get] == 1


def test_it_may_be_pickled_and_copied() -> None:
    a = Repo("a")
    assert pickle.loads(pickle.dumps(a.get))(1) == "a1"
    assert copy.copy(a.get) == a.get
    assert copy.deepcopy(a.get)(1) == "a1"


def test_an_abstract_method_stays_abstract() -> None:
    class Base(abc.ABC):
        @CACHE.cached(ignore_self=True)
        @abc.abstractmethod
        def get(self, n: int) -> int: ...

    with pytest.raises(TypeError, match="abstract"):
        Base()  # type: ignore[abstract]


def test_a_partial_of_a_method() -> None:
    get = functools.partial(Repo("a").get, 1)
    assert get() == "a1"


def test_a_callable_object_whose_call_is_cached() -> None:
    @dataclass(frozen=True)
    class Adder:
        by: int

        @CACHE.cached
        def __call__(self, n: int) -> int:
            return n + self.by

    add = Adder(1)
    assert (add(1), add(1), Adder(2)(1)) == (2, 2, 3)
    assert Adder.__call__.info.loads == 2


# -- identity


def test_an_object_without_an_identity_is_a_type_error() -> None:
    class Plain:
        @CACHE.cached
        def get(self, n: int) -> int:
            return n

    with pytest.raises(TypeError, match=r"Plain has no identity .* cache_key.* ignore_self="):
        Plain().get(1)


def test_cache_key_is_an_identity() -> None:
    class Client:
        def __init__(self, url: str) -> None:
            self.url = url
            self.socket = object()

        def cache_key(self) -> str:
            return self.url

        @CACHE.cached
        def get(self, n: int) -> str:
            return f"{self.url}/{n}"

    assert [Client(url).get(1) for url in ("a", "b", "a")] == ["a/1", "b/1", "a/1"]
    assert Client.get.info.loads == 2


def test_ignore_self_shares_the_values_of_all_objects() -> None:
    class Plain:
        @CACHE.cached(ignore_self=True)
        def get(self, n: int) -> int:
            return n

        @CACHE.cached(key="plain:{n}", ignore_self=True)
        def by_template(self, n: int) -> int:
            return n

    assert (Plain().get(1), Plain().get(1), Plain().by_template(1)) == (1, 1, 1)
    assert Plain.get.info.loads == 1


def test_a_template_must_tell_the_objects_apart() -> None:
    with pytest.raises(ConfigurationError, match=r"does not tell apart the objects.*'\{self"):

        class Wrong:
            @CACHE.cached(key="n:{n}")
            def get(self, n: int) -> int:
                return n

    @dataclass(frozen=True)
    class Right:
        tenant: str

        @CACHE.cached(key="{self.tenant}:{n}")
        def get(self, n: int) -> str:
            return f"{self.tenant}{n}"

    assert (Right("a").get(1), Right("b").get(1), Right("a").get.key(1)) == ("a1", "b1", "a:1")


def test_a_change_of_a_field_is_a_change_of_identity() -> None:
    @dataclass
    class Counter:
        start: int
        calls: ClassVar[int] = 0
        rest: list[int] = field(default_factory=list)

        @CACHE.cached
        def get(self) -> int:
            return self.start + len(self.rest)

    counter = Counter(1)
    assert counter.get() == 1
    counter.start = 5
    assert counter.get() == 5
    counter.rest.append(1)
    assert counter.get() == 6


def test_slots() -> None:
    @dataclass(frozen=True, slots=True)
    class Slim:
        tenant: str

        @CACHE.cached
        def get(self, n: int) -> str:
            return f"{self.tenant}{n}"

    assert (Slim("a").get(1), Slim("b").get(1), Slim("a").get.get(1)) == ("a1", "b1", "a1")


def test_the_same_method_in_two_classes_is_two() -> None:
    class One:
        @CACHE.cached(ignore_self=True)
        def get(self, n: int) -> str:
            return "one"

    class Two:
        @CACHE.cached(ignore_self=True)
        def get(self, n: int) -> str:
            return "two"

    assert (One().get(1), Two().get(1)) == ("one", "two")


def test_a_function_in_a_class_whose_object_is_called_otherwise(blocking: Caches) -> None:
    @dataclass(frozen=True)
    class Odd:
        tenant: str

        @CACHE.cached
        def get(this: Any, n: int) -> str:
            return f"{this.tenant}{n}"

    assert (Odd("a").get(1), Odd("b").get(1)) == ("a1", "b1")
