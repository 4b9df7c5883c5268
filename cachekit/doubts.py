"""What a read of several nodes, or of one key after the other, leaves in doubt."""

from collections.abc import Mapping, Sequence

from cachekit.backend import Unreached
from cachekit.entry import Entry


def in_doubt(keys: Sequence[str], found: Mapping[str, Entry | Unreached]) -> list[str]:
    """Those of `keys` that are records of tags of what was found, and do not hold as they are.

    Servers that are asked at once do not answer at once: such a record may be made, or renewed,
    after it was read and before an entry that carries it was.
    """
    asked = set(keys)
    doubts: dict[str, None] = {}
    for entry in found.values():
        if isinstance(entry, Entry):
            for tag, version in entry.tags.items():
                if tag in asked and not _holds(found.get(tag), version):
                    doubts[tag] = None
    return list(doubts)


def _holds(record: Entry | Unreached | None, version: int) -> bool:
    """Whether it has this version, or was not reached, which another read does not mend."""
    return isinstance(record, Unreached) or (record is not None and record.version == version)
