"""The way into a store that does not go through the backend under test."""

from abc import ABC, abstractmethod
from collections.abc import Callable


class BackDoor(ABC):
    """Looks into the store, and changes it, past the backend under test.

    It uses a connection of its own, or, if the store can be opened only once in a process, the
    handle that the backend has; but none of the backend's methods: a test that asks a liar whether
    it lied learns nothing. Keys are given as the backend gets them. Subclass it.
    """

    @abstractmethod
    def has(self, key: str) -> bool:
        """Whether the store holds anything under `key`."""

    @abstractmethod
    def drop(self, key: str) -> None:
        """Lose what is under `key`, as an eviction or a restart of the store would."""

    def damage(self, key: str, change: Callable[[bytes], bytes]) -> None:
        """Replace the bytes under `key` by what `change` makes of them; all else stays.

        For a store that keeps no bytes set `keeps_bytes = False` in the suite, and leave this out.
        """
        raise NotImplementedError(
            "this back door has no damage(key, change): write it, or, if the store keeps no "
            "bytes, set keeps_bytes = False in the suite"
        )
