"""How a value is cached together with what was done to its response."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import Parameter
from types import GenericAlias
from typing import Any

from cachekit import MISSING, Cache, Options
from cachekit.fastapi.recording import CHANGES, Recorded


def kept(value: Any, response: Recorded) -> tuple[Any, ...]:
    """A value and what was done beside it, in builtin types."""
    return value, *response.changes()


def options_for_kept(cache: Cache, options: Mapping[str, Any], returned: Any) -> dict[str, Any]:
    """`options` that treat what `kept` makes of a value as `cache` would treat the value alone."""
    said = {name: it for name, it in options.items() if name in Options.__annotations__}
    policy = cache._engine.policies.of(said)  # pyright: ignore[reportPrivateUsage]
    changed = {name: it for name, it in options.items() if name != "none_ttl"}
    if policy.none_ttl is not MISSING or callable(policy.ttl):
        lifetime = replace(policy, jitter=0.0).lifetime
        changed["ttl"] = _of_value(lifetime)
    if policy.when is not None:
        changed["when"] = _of_value(policy.when)
    if "type" in options:
        changed["type"] = _with_changes(options["type"])
    elif not policy.fixed and returned is not Parameter.empty:
        changed["type"] = _with_changes(returned)
    return changed


def _of_value(judge: Callable[[Any], Any]) -> Callable[[tuple[Any, ...]], Any]:
    return lambda pair: judge(pair[0])


def _with_changes(annotation: Any) -> Any:
    return GenericAlias(tuple, (annotation, *CHANGES))
