"""A password is of no use here, and no message shows it."""

from typing import Any, Final

import pytest

from cachekit import Cache
from cachekit.errors import ConfigurationError
from cachekit_memcached import MemcachedBackend

SECRET: Final = "s3cret"


@pytest.mark.parametrize(
    "servers",
    [
        "memcached://u:s3cret@shop",
        "memcached://:s3cret@shop",
        "memcached://s3cret@shop",
        "memcached://u:s3cret@shop:x",
        "memcached://u:s3cret@one,two",
        "memcached://one,u:s3cret@two",
        "memcached://u:s3cret@[::1",
        "memcached://u:s3cret@a\u2100b",
        "memcached://[s3cret:a@shop:x",
        "memcached://u:a/s3cret@shop",
        "memcached://u:1/s3cret@shop",
        "memcached://u:1?s3cret=1@shop",
        "memcached://u:a#s3cret@shop",
        "memcached://u:s3cret/a@shop",
        "memcached://u:s3cret#a@shop",
        "memcached://shop?password=s3cret",
        "memcached://shop?password=s3cret&timeout=x",
        "memcached//u:s3cret@shop",
        "redis://u:s3cret@shop",
        "redis://:s3cret@shop/0?password=s3cret",
        "u:s3cret@shop",
        ["u:s3cret@shop"],
        ["one", "memcached://u:s3cret@shop"],
        {"url": "memcached://u:s3cret@shop"},
        [b"u:s3cret@shop"],
    ],
)
def test_no_password_is_told(servers: Any) -> None:
    with pytest.raises(ConfigurationError) as raised:
        MemcachedBackend(servers)
    shown: BaseException | None = raised.value
    while shown is not None:
        assert SECRET not in str(shown)
        shown = None if shown.__suppress_context__ else shown.__cause__ or shown.__context__


@pytest.mark.parametrize("url", ["memcached://u:s3cret@shop", "memcached://u:1?x=s3cret@shop"])
def test_a_password_is_of_no_use(url: str) -> None:
    with pytest.raises(ConfigurationError, match="which this backend does not send: leave it out"):
        Cache(url, namespace="n")
