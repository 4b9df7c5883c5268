"""What a service says of its paths: Cache-Control, cookies, tags."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cachekit.errors import ConfigurationError
from cachekit.http.cache_control import CacheControl
from cachekit.http.policy import Policy

_ODD: Final = re.compile(r"//|/\.\.?(?:/|\Z)|[;\\\x00-\x1f\x7f]|\s\Z|%[0-9A-Fa-f]{2}")
"""What some take for a part of another path: escapes of escapes, an end of line at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What holds for the paths that `path` covers: one, or, with `*` at its end, all that begin so.

    - `browser`, `server`: see `Policy`.
    - `cookies`: a request with cookies is not answered from the cache, nor stored, unless they are
      named here: those that make a difference, `["lang"]`; none at all, `[]`, where the
      answers never depend on who asks.
    - `tags`: what its responses are forgotten by, `cache.invalidate(Tag(…))`.
    - `store`: False keeps the paths out of the cache, whatever their answers say.
    """

    path: str
    browser: CacheControl | None = None
    server: CacheControl | None = None
    cookies: Sequence[str] | None = None
    tags: Sequence[str] = ()
    store: bool = True

    def __post_init__(self) -> None:
        if not self.path.startswith("/") or "*" in self.path[:-1]:
            raise ConfigurationError(
                f"path={self.path!r}: a path begins with '/', and may have one '*', at its end"
            )
        for name in ("cookies", "tags"):
            given = getattr(self, name)
            if isinstance(given, str):
                raise ConfigurationError(f"{name}={given!r} is one str: write {name}=[{given!r}]")
            object.__setattr__(self, name, None if given is None else tuple(given))

    @property
    def policy(self) -> Policy | None:
        """What it says of lifetimes."""
        if self.browser is None and self.server is None:
            return None
        return Policy(self.browser, self.server)

    def covers(self, path: str) -> bool:
        """Whether it is for that path, which is decoded."""
        if self.path.endswith("*"):
            return path.startswith(self.path[:-1])
        return path == self.path


class Rules:
    """Some rules; the first that covers a path counts."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = tuple(rules)
        self._odd: Rule | None = None
        for rule in self._rules:
            if not isinstance(rule, Rule):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(f"rules= has {rule!r}: write Rule(path='/static/*', …)")
            if not rule.store:
                self._odd = Rule(path="/*", store=False)

    def of(self, path: str, root: str = "") -> Rule | None:
        """The rule for a path, without the `root_path` that the application has.

        There is none for a path that others may read as another one; that is not stored either if
        any path is to be kept out. What a rule keeps out by its whole path stays out, too.
        """
        if _ODD.search(path):
            return self._odd
        routed = _routed(path, root)
        if routed != path and any(rule.covers(path) for rule in self._rules if not rule.store):
            return self._odd
        return next((rule for rule in self._rules if rule.covers(routed)), None)


def _routed(path: str, root: str) -> str:
    """A path as routes have it: without what the application is mounted at."""
    root = root.rstrip("/")
    return path[len(root) :] or "/" if root and f"{path}/".startswith(f"{root}/") else path
