"""What the environment says."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from cachekit.fastapi import CacheSettings


class StoreSettings(CacheSettings):
    """`PLACES_CACHE`, a URL such as `redis://localhost` or `memcached://host1,host2`; or two with a
    space between, the first of which keeps copies in this process:
    `memory://?max_entries=20000 redis://localhost`. `PLACES_CACHE_DISABLED=1`: every call loads.
    And `PLACES_CACHE_TTL`, `PLACES_CACHE_DEADLINE`, …
    """

    model_config = SettingsConfigDict(env_prefix="PLACES_CACHE_")

    url: SecretStr = Field(
        default=SecretStr("memory://?max_entries=20000"), validation_alias="PLACES_CACHE"
    )


class Settings(BaseSettings):
    """`PLACES_OPERATOR_TOKEN`: who sends it may look into the cache and forget what is in it."""

    model_config = SettingsConfigDict(env_prefix="PLACES_", env_ignore_empty=True)

    operator_token: SecretStr | None = None
