"""What is given where something else belongs may be a key: no message shows it."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from cachekit import Cache, ConfigurationError
from cachekit.signing import Signing
from cachekit_msgpack import MsgpackSerializer
from cachekit_pickle import PickleSerializer
from cachekit_zstd import ZstdCompression
from tests.serializers.test_typed_functions import named

SECRET: Final = b"ssss" * 8
OTHER: Final = b"oooo" * 8

MISTAKES: dict[str, Callable[[Any], Any]] = {
    "the algorithm of a signature": lambda key: Signing([OTHER], key),
    "the algorithm of a pickle": lambda key: PickleSerializer([OTHER], key),
    "a level of compression": ZstdCompression,
    "a threshold": lambda key: ZstdCompression(threshold=key),
    "one of the types": lambda key: MsgpackSerializer(types=[key]),
    "steps": lambda key: Cache(steps=key),
    "one of the steps": lambda key: Cache(steps=[Signing([OTHER]), key]),
    "a serializer": lambda key: Cache(serializer=key),
    "a type": lambda key: Cache(type=key),
    "a type of a function": lambda key: Cache().cached(type=key),
}

SHAPES: dict[str, Any] = {
    "bytes": SECRET,
    "a bytearray": bytearray(SECRET),
    "a list": [SECRET, SECRET],
    "a tuple": (SECRET,),
    "a dict": {"key": SECRET},
}


def shown(error: BaseException) -> str:
    """All that a log would have of it."""
    return "".join(repr(part) for part in (error, error.__cause__, error.__context__))


@pytest.mark.parametrize("given", named(SHAPES))
@pytest.mark.parametrize("mistake", named(MISTAKES))
def test_no_message_shows_what_may_be_a_key(mistake: Callable[[Any], Any], given: Any) -> None:
    with pytest.raises((ConfigurationError, TypeError)) as refused:
        mistake(given)
    assert "ssss" not in shown(refused.value)
    assert SECRET.hex() not in shown(refused.value)
    assert "oooo" not in shown(refused.value)
