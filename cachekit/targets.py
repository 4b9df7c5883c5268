"""Targets as what a store knows: its keys."""

from collections.abc import Collection, Iterable, Mapping

from cachekit.errors import ConfigurationError
from cachekit.invalidation import TARGETS, Key, Tag, Target
from cachekit.keys import prefix_keys, tag_key, value_key


def title(key: str) -> str:
    """How a user's key is called in messages."""
    return f"Key({key!r})"


class Doomed:
    """Store keys of what is to be forgotten, each with the name its user gave it."""

    def __init__(self, keys: Mapping[str, str] | None = None) -> None:
        self.keys: dict[str, str] = dict(keys or {})
        self.tags: dict[str, str] = {}
        self.prefixes: dict[str, str] = {}

    @classmethod
    def of(cls, namespace: str, targets: Iterable[Target]) -> "Doomed":
        doomed = cls()
        for target in targets:
            if not isinstance(target, TARGETS):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(
                    f"invalidate() takes Key, Tag and Prefix objects, not {target!r}"
                )
            doomed._add(namespace, target)
        return doomed

    def _add(self, namespace: str, target: Target) -> None:
        if isinstance(target, Key):
            self.keys[value_key(namespace, target.text)] = title(target.text)
        elif isinstance(target, Tag):
            self.tags[tag_key(namespace, target.name)] = f"Tag({target.name!r})"
        else:
            for prefix in prefix_keys(namespace, target.text):
                self.prefixes[prefix] = f"Prefix({target.text!r})"

    def update(self, other: "Doomed") -> None:
        self.keys.update(other.keys)
        self.tags.update(other.tags)
        self.prefixes.update(other.prefixes)

    def covers(self, key: str, tags: Collection[str]) -> bool:
        """Whether what is under `key`, and carries `tags`, is among what is to be forgotten."""
        if key in self.keys or not self.tags.keys().isdisjoint(tags):
            return True
        return any(key.startswith(prefix) for prefix in self.prefixes)

    def __len__(self) -> int:
        return len(self.keys) + len(self.tags) + len(self.prefixes)
