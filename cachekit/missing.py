"""What stands for nothing, where `None` is something."""

from enum import Enum
from typing import Final, Literal, TypeAlias


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
"""Nothing there, or nothing given: `None` may be cached, and may be given."""

IsMissing: TypeAlias = Literal[Missing.MISSING]
