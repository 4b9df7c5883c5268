"""How one value is cached: durations and what makes its bytes."""

import math
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cachekit.codec import Codec
from cachekit.entry import Caller, Entry
from cachekit.errors import ConfigurationError
from cachekit.missing import MISSING, IsMissing
from cachekit.options import CHECKS, TtlOf, span_or_never
from cachekit.registry import serializer_of
from cachekit.serializer import Serializer
from cachekit.typed import serializer_for

LEASE: Final = 2.0
"""Seconds a stub lives unless renewed, and the longest a load waits for another's load."""

PASS: Final = 1.0
"""Seconds during which nobody queues behind a key whose load failed."""

_SALT: Final = int.from_bytes(os.urandom(8), "big")


def default_policy(options: Mapping[str, Any]) -> "Policy":
    """What holds where nothing is said, with what `options` say in its stead."""
    plain = serializer_of(options.get("serializer", "msgpack"))
    policy = Policy(Codec(plain), plain).changed(options)
    return replace(policy, fixed="serializer" in options)


_OF_CODEC: Final = frozenset({"serializer", "type", "steps", "max_value_bytes"})


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that shapes how one value is cached: `Options`, checked. Durations are seconds.

    `plain` is the serializer where no type decides. `fixed`: a serializer was given, or a type by
    the function or call, so that no return annotation decides; `untyped` is why that could not.
    `lasting`: it may come again, in other calls. `caller` stands for all direct calls of it.
    """

    codec: Codec
    plain: Serializer
    ttl: float | TtlOf | None = 300.0
    none_ttl: float | IsMissing | None = MISSING
    jitter: float = 0.0
    stale_while_revalidate: float = 0.0
    stale_if_error: float = 0.0
    fixed: bool = False
    untyped: str = ""
    share: bool = False
    version: str = ""
    skip_l1: bool = False
    load_timeout: float = 30.0
    soft_timeout: float | None = None
    early_refresh: float = 0.0
    when: Callable[[Any], bool] | None = None
    lasting: bool = True
    caller: Caller = field(default_factory=Caller, init=False, compare=False)

    @property
    def voucher(self) -> Caller | None:
        """`caller`, if other calls may come that it stands for."""
        return self.caller if self.lasting else None

    def changed(self, options: Mapping[str, Any]) -> "Policy":
        """With what `options` say in the stead of what this says."""
        if not options:
            return self
        if unknown := options.keys() - CHECKS.keys():
            raise TypeError(f"no such option: {sorted(unknown)}; there are {', '.join(CHECKS)}")
        checked = {name: CHECKS[name](name, value) for name, value in options.items()}
        if parts := {name: checked.pop(name) for name in _OF_CODEC & checked.keys()}:
            checked.update(self._codec(parts))
        return replace(self, **checked)

    def for_results(self, annotation: Any) -> "Policy":
        """For values that are what `annotation` says; raises `NameError` if it is incomplete."""
        if self.fixed or annotation is MISSING:
            return self
        try:
            serializer = serializer_for(annotation) or self.plain
        except ConfigurationError as error:
            return replace(self, untyped=str(error))
        return replace(self, codec=self.codec.changed(serializer))

    def takes_from(self, other: "Policy") -> bool:
        """Whether what `other` loads is what this asks for: its format, schema and version."""
        return self.codec.is_like(other.codec) and self.version in ("", other.version)

    def _codec(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        if {"serializer", "type"} <= parts.keys():
            raise ConfigurationError("give serializer= or type=, not both")
        given = parts.keys() & {"serializer", "type"}
        plain = parts.get("serializer", self.plain)
        serializer = (parts.get("type") or plain) if given else self.codec.serializer
        codec = self.codec.changed(serializer, parts.get("steps"), parts.get("max_value_bytes"))
        return {"codec": codec, "plain": plain, "fixed": self.fixed or bool(given)}

    @property
    def refreshes(self) -> bool:
        """Whether a value may be loaded anew while the old one is there."""
        return bool(self.stale_while_revalidate or self.stale_if_error or self.early_refresh)

    def lifetime(self, value: Any, ttl: float | IsMissing | None = MISSING) -> float | None:
        """The ttl of one value, or `ttl`, less jitter; not above 0: it is not to be stored."""
        if ttl is MISSING:
            ttl = self._ttl(value)
        return ttl if ttl is None or not self.jitter else ttl * (1 - self.jitter * random.random())

    def _ttl(self, value: Any) -> float | None:
        if value is None and self.none_ttl is not MISSING:
            return self.none_ttl
        if not callable(self.ttl):
            return self.ttl
        return span_or_never("what ttl= returned", self.ttl(value))

    def quiet_until(self, entry: Entry) -> float:
        """Until when `entry` is served with nothing else to do.

        R5: each process draws one moment for an early refresh, so that they do not all start one.
        """
        if not self.early_refresh or entry.ttl is None:
            return entry.fresh_until
        draw = random.Random(entry.version ^ _SALT ^ os.getpid()).random()
        return entry.fresh_until + self.early_refresh * entry.load_time * math.log(1.0 - draw)
