"""A cache as the environment has it."""

from collections.abc import Iterable
from typing import Annotated, Any, Self, TypeAlias, Unpack

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from cachekit import Cache, Invalidator, Listener, Options

Part: TypeAlias = Annotated[float, Field(ge=0, lt=1)]


class CacheSettings(BaseSettings):
    """Read from `CACHE_URL`, `CACHE_TTL`, … where those are set. Durations are in seconds.

    Another prefix is a subclass's: `model_config = SettingsConfigDict(env_prefix="SESSIONS_")`.
    """

    model_config = SettingsConfigDict(
        env_prefix="CACHE_",
        env_ignore_empty=True,
        env_parse_none_str="none",
        extra="ignore",
        frozen=True,
    )

    url: SecretStr = SecretStr("memory://")
    """The store: `memory://?max_entries=10000`, `redis://…`. Several, with a space between, are a
    chain, nearest first."""
    namespace: str | None = None
    """What keys begin with."""
    disabled: bool = False
    """Every call loads, nothing is stored."""
    deadline: PositiveFloat = 0.25
    """How long one operation of a store that does I/O may take."""
    max_loads: PositiveInt | None = None
    """How many loads may run at once in this process."""
    ttl: PositiveFloat | None = 300.0
    """How long a value is fresh; `none`: for good."""
    jitter: Part = 0.0
    """The part of the ttl that may be taken off at random."""
    stale_while_revalidate: NonNegativeFloat = 0.0
    """How long after its ttl a value is served while it is loaded anew."""
    stale_if_error: NonNegativeFloat = 0.0
    """How long after its ttl a value is served if loading it anew fails."""
    early_refresh: NonNegativeFloat = 0.0
    """How many load times before its end a value is loaded anew."""
    load_timeout: PositiveFloat = 30.0
    """How long a load may take."""

    def cache(
        self,
        *,
        namespace: str | None = None,
        invalidators: Invalidator | Iterable[Invalidator] = (),
        listeners: Iterable[Listener] = (),
        **options: Unpack[Options],
    ) -> Cache:
        """The cache that these settings describe. What they leave open, the arguments say.

        So `CacheSettings().cache(namespace="shop", ttl=60)` has a ttl of 60, or of `CACHE_TTL`.
        """
        said: dict[str, Any] = {n: getattr(self, n) for n in self.model_fields_set if n != "url"}
        told: dict[str, Any] = {"namespace": namespace, **options, **said}
        return Cache(self._backend(), invalidators=invalidators, listeners=listeners, **told)

    def _backend(self) -> str | list[str]:
        urls = self.url.get_secret_value().split()
        return urls if len(urls) > 1 else "".join(urls)

    @model_validator(mode="wrap")
    @classmethod
    def _name_variables(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Errors name the variables, and no values: a URL has a password in it."""
        try:
            return handler(values)
        except ValidationError as error:
            prefix = str(cls.model_config.get("env_prefix", ""))
            raise ValidationError.from_exception_data(
                error.title, [_named(prefix, dict(each)) for each in error.errors()], "python", True
            ) from None


def _named(prefix: str, error: dict[str, Any]) -> InitErrorDetails:
    field, *rest = error["loc"] or ("",)
    return InitErrorDetails(
        type=PydanticCustomError(error["type"], error["msg"].replace("{", "{{")),
        loc=(f"{prefix}{field}".upper(), *rest),
        input=None,
    )
