"""A cache as the environment has it."""

import pytest
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from cachekit import Cache, ConfigurationError, Tag
from cachekit.fastapi import CacheSettings

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CacheSettings.model_fields:
        monkeypatch.delenv(f"CACHE_{name.upper()}", raising=False)


async def ttl_of(cache: Cache) -> float | None:
    await cache.set("a", 1)
    entry = await cache.entry("a")
    assert entry is not None
    return entry.ttl


async def test_nothing_set_is_what_a_cache_has() -> None:
    assert await ttl_of(CacheSettings().cache()) == 300.0
    assert await ttl_of(CacheSettings().cache(ttl=60)) == 60.0


async def test_the_environment_prevails_over_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_TTL", "5")
    assert await ttl_of(CacheSettings().cache(ttl=60)) == 5.0
    monkeypatch.setenv("CACHE_TTL", "none")
    assert await ttl_of(CacheSettings().cache(ttl=60)) is None
    monkeypatch.setenv("CACHE_TTL", "")
    assert await ttl_of(CacheSettings().cache(ttl=60)) == 60.0


async def test_a_cache_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_DISABLED", "true")
    cache = CacheSettings().cache()
    await cache.set("a", 1)
    assert await cache.get("a") is None


def test_every_setting_reaches_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "URL": "memory://?max_entries=5",
        "NAMESPACE": "shop",
        "DISABLED": "false",
        "DEADLINE": "1.5",
        "MAX_LOADS": "3",
        "TTL": "10",
        "JITTER": "0.1",
        "STALE_WHILE_REVALIDATE": "20",
        "STALE_IF_ERROR": "30",
        "EARLY_REFRESH": "2",
        "LOAD_TIMEOUT": "4",
    }
    assert {name.lower() for name in values} == CacheSettings.model_fields.keys()
    for name, value in values.items():
        monkeypatch.setenv(f"CACHE_{name}", value)
    settings = CacheSettings()
    assert settings.model_dump(exclude={"url"}) == {
        "namespace": "shop",
        "disabled": False,
        "deadline": 1.5,
        "max_loads": 3,
        "ttl": 10.0,
        "jitter": 0.1,
        "stale_while_revalidate": 20.0,
        "stale_if_error": 30.0,
        "early_refresh": 2.0,
        "load_timeout": 4.0,
    }
    settings.cache()


async def test_urls_with_a_space_between_are_a_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_URL", "memory://?max_entries=5  memory://")
    async with CacheSettings().cache(namespace="shop") as cache:
        await cache.set("a", 1)
        assert await cache.get("a") == 1
        assert len(cache.stats().tiers) == 2


async def test_space_around_a_url_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_URL", " memory://\n")
    assert await ttl_of(CacheSettings().cache()) == 300.0


async def test_what_the_code_says_besides_is_used() -> None:
    cache = CacheSettings().cache(invalidators=Tag, ttl=lambda value: value)
    assert await cache.emit("event") == (Tag("event"),)
    assert await cache.get_or_set("b", lambda: 7) == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CACHE_TTL", "-1"),
        ("CACHE_TTL", "soon"),
        ("CACHE_JITTER", "1"),
        ("CACHE_DISABLED", "perhaps"),
        ("CACHE_MAX_LOADS", "0"),
        ("CACHE_DEADLINE", "0"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=rf"(?m)^{name}$"):
        CacheSettings()


async def test_a_second_cache_has_a_prefix_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class SessionSettings(CacheSettings):
        model_config = SettingsConfigDict(env_prefix="SESSIONS_")

    monkeypatch.setenv("SESSIONS_TTL", "7")
    monkeypatch.setenv("CACHE_TTL", "8")
    assert await ttl_of(SessionSettings().cache()) == 7.0
    monkeypatch.setenv("SESSIONS_TTL", "x")
    with pytest.raises(ValidationError, match="SESSIONS_TTL"):
        SessionSettings()


def test_no_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (f"redis://:{SECRET}@localhost", f"nothing://u:{SECRET}@localhost"):
        monkeypatch.setenv("CACHE_URL", url)
        monkeypatch.delenv("CACHE_TTL", raising=False)
        settings = CacheSettings()
        assert SECRET not in f"{settings!r} {settings} {settings.model_dump()}"
        assert SECRET not in settings.model_dump_json()
        with pytest.raises(ConfigurationError) as told:
            settings.cache()  # no namespace, or no plug-in
        assert SECRET not in str(told.value)
        monkeypatch.setenv("CACHE_TTL", "x")
        with pytest.raises(ValidationError) as caught:
            CacheSettings()
        assert SECRET not in f"{caught.value} {caught.value.errors()} {caught.value.json()}"


def test_what_is_given_by_hand_counts_as_set() -> None:
    settings = CacheSettings(url=SecretStr("memory://"), ttl=5, namespace="own")
    assert settings.model_fields_set == {"url", "ttl", "namespace"}
    settings.cache(namespace="another", ttl=60)
