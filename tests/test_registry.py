"""Plug-ins are found by entry points; what is missing is said with the way to get it."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from cachekit import registry
from cachekit.errors import ConfigurationError
from cachekit.registry import (
    BACKENDS,
    SERIALIZERS,
    backend_from,
    masked,
    serializer_named,
    serializer_of,
)


class Announced:
    """A plug-in that keeps the URL it was made from, and has what tells a serializer."""

    id = fingerprint = dumps = loads = None

    def __init__(self, url: str = "") -> None:
        self.url = url

    @classmethod
    def from_url(cls, url: str) -> "Announced":
        return cls(url)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    forget = registry._load.cache_clear

    def install(*points: EntryPoint) -> None:
        forget()
        monkeypatch.setattr(registry, "entry_points", EntryPoints(points).select)

    yield install
    forget()


def test_the_memory_backend_by_url() -> None:
    assert type(backend_from("memory://?max_entries=10")).__name__ == "MemoryBackend"


def test_the_msgpack_serializer_by_name() -> None:
    assert type(serializer_named("msgpack")).__name__ == "MsgpackSerializer"


def test_a_serializer_is_itself_or_a_name(install: Any) -> None:
    install(EntryPoint("own", f"{__name__}:Announced", SERIALIZERS))
    given: Any = Announced()
    assert serializer_of(given) is given
    assert isinstance(serializer_of("own"), Announced)


def test_a_stranger_s_backend_gets_the_whole_url(install: Any) -> None:
    install(EntryPoint("disk", f"{__name__}:Announced", BACKENDS))
    backend: Any = backend_from("DISK://user:Secret@Host/Path?x=1")
    assert backend.url == "DISK://user:Secret@Host/Path?x=1"


@pytest.mark.parametrize("scheme", ["redis", "rediss", "REDIS"])
def test_an_unknown_scheme_says_which_extra_brings_it(install: Any, scheme: str) -> None:
    install(EntryPoint("memory", f"{__name__}:Announced", BACKENDS))
    with pytest.raises(ConfigurationError) as caught:
        backend_from(f"{scheme}://:hunter2@localhost")
    assert "installed: memory" in str(caught.value)
    assert "pip install 'cachekit-framework[redis]'" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_scheme_nobody_knows_lists_what_is_installed(install: Any) -> None:
    install()
    with pytest.raises(ConfigurationError, match=r"no plug-in for ftp://; installed: none;"):
        backend_from("ftp://x")


def test_a_scheme_nobody_knows_says_how_one_is_registered(install: Any) -> None:
    install()
    with pytest.raises(
        ConfigurationError,
        match=r"entry point 'lmdb' in the group 'cachekit.backends'.*itself, as an object",
    ):
        backend_from("lmdb:///cache")


def test_an_unknown_serializer_says_which_extra_brings_it(install: Any) -> None:
    install(EntryPoint("msgpack", f"{__name__}:Announced", SERIALIZERS))
    with pytest.raises(ConfigurationError, match=r"installed: msgpack; pip install .*\[orjson\]"):
        serializer_named("orjson")


def test_a_plug_in_without_its_client_library_says_the_same(install: Any) -> None:
    install(EntryPoint("redis", "cachekit_no_such_client:Backend", BACKENDS))
    with pytest.raises(ConfigurationError, match=r"no_such_client.*\[redis\]") as caught:
        backend_from("redis://localhost")
    assert isinstance(caught.value.__cause__, ImportError)


def test_two_plug_ins_for_one_scheme_are_an_error(install: Any) -> None:
    install(EntryPoint("disk", "a:A", BACKENDS), EntryPoint("disk", "b:B", BACKENDS))
    with pytest.raises(ConfigurationError, match="several plug-ins for disk://: a:A, b:B"):
        backend_from("disk://")


def test_one_plug_in_found_twice_is_one(install: Any) -> None:
    install(*[EntryPoint("disk", f"{__name__}:Announced", BACKENDS)] * 2)
    assert isinstance(backend_from("disk://"), Announced)


def test_what_cannot_be_made_from_a_url_is_an_error(install: Any) -> None:
    install(EntryPoint("disk", "builtins:int", BACKENDS))
    with pytest.raises(ConfigurationError, match=r"has no from_url\(url\)"):
        backend_from("disk://")


@pytest.mark.parametrize("url", ["localhost", "memory", "", "user:hunter2@host:6379"])
def test_what_is_no_url_is_an_error_that_keeps_passwords(url: str) -> None:
    with pytest.raises(ConfigurationError, match="no URL of a backend") as caught:
        backend_from(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://u:p@h", "redis://***@h"),
        ("redis://u:p@/s#@h/0", "redis://***@h/0"),
        ("redis://h?password=s&db=1", "redis://h?password=***&db=1"),
        ("redis+x://h?db=1&auth_Token=s", "redis+x://h?db=1&auth_Token=***"),
    ],
)
def test_secrets_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown
