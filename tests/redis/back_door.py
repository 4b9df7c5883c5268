"""The way into a server past the backend."""

from collections.abc import Callable
from typing import Any, Final

from cachekit.testing.backends import BackDoor

LIFE: Final = 8
"""So many bytes before the envelope name the life of the server."""


class RedisDoor(BackDoor):
    """`command` sends one command to the server that has the key in its first argument."""

    def __init__(self, command: Callable[..., Any], prefix: str) -> None:
        self._command = command
        self._prefix = prefix

    def has(self, key: str) -> bool:
        return bool(self._command("EXISTS", self._name(key)))

    def drop(self, key: str) -> None:
        self._command("DEL", self._name(key))

    def damage(self, key: str, change: Callable[[bytes], bytes]) -> None:
        """The envelope alone: what has another life is absent whatever comes after it."""
        there = self._command("GET", self._name(key))
        damaged = there[:LIFE] + change(there[LIFE:])
        self._command("SET", self._name(key), damaged, "KEEPTTL")

    def _name(self, key: str) -> bytes:
        return (self._prefix + key).encode("utf-8", "surrogatepass")
