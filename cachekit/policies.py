"""The policies of one cache: its own, and what the options of a call make of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeAlias, cast

from cachekit.missing import MISSING
from cachekit.options import OF_LOADS, Format
from cachekit.policy import Policy
from cachekit.typed import name_of

REMEMBERED: Final = 500
"""How many types are known that values were asked for by, and how many ways to say options."""

Said: TypeAlias = tuple[Any, ...]


class Policies:
    """Works out once what the same options say again."""

    def __init__(self, own: Policy) -> None:
        self.own = own
        self._known: dict[Said, tuple[Policy, tuple[Any, ...]]] = {}
        self._of_types: dict[tuple[Any, str], Policy] = {}

    def of(self, options: Mapping[str, Any]) -> Policy:
        """The cache's policy, with what `options` say in its stead."""
        if not options:
            return self.own
        said = _said(options)
        known = None if said is None else self._known.get(said)
        if known is not None:
            return known[0]
        policy = self.own.changed(options)
        if said is None:
            return replace(policy, lasting=False)
        self._remember(said, policy, options)
        return policy

    def to_set(self, options: Mapping[str, Any]) -> Policy:
        """The same for a value that is not loaded."""
        if of_loads := options.keys() & OF_LOADS:
            raise TypeError(f"{sorted(of_loads)} say how a value is loaded; this one is set")
        return self.of(options)

    def to_read(self, annotation: Any, form: Mapping[str, Any]) -> Policy:
        """The same for values that are only read; `annotation` is what they are, if it is given."""
        if wrong := form.keys() - Format.__annotations__.keys():
            raise TypeError(f"{sorted(wrong)} say nothing of how a value is read")
        policy = self.own if annotation is MISSING else self._of_type(annotation)
        return replace(policy.changed(form), lasting=False) if form else policy

    def _of_type(self, annotation: Any) -> Policy:
        name = name_of(annotation)
        known = None if name is None else self._of_types.get(name)
        if known is not None:
            return known
        policy = self.of({"type": annotation})
        if len(self._of_types) >= REMEMBERED:
            self._of_types.clear()
        if name is not None:
            self._of_types[name] = policy
        return policy

    def _remember(self, said: Said, policy: Policy, options: Mapping[str, Any]) -> None:
        """With the objects that were given: nothing else must come to lie where they lie."""
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[said] = policy, tuple(options.values())


_PLAIN: Final = frozenset({str, int, float, bool, timedelta, type(None)})


def _said(options: Mapping[str, Any]) -> Said | None:
    """What options say, to be remembered by; `None` for what may say something else next time.

    Of objects that is where they lie: two serializers that say they are equal may have two keys.
    """
    if "when" in options or callable(options.get("ttl")):
        return None
    if "steps" in options and type(options["steps"]) is not tuple:
        return None
    kind = name_of(options["type"]) if "type" in options else ()
    if kind is None:
        return None
    said: list[Any] = [kind]
    for name, value in options.items():
        if name != "type":
            said += name, type(value), value if type(value) in _PLAIN else _place(value)
    return tuple(said)


def _place(value: Any) -> Any:
    if type(value) is tuple:
        return tuple(map(id, cast("tuple[object, ...]", value)))
    return id(value)
