"""What a URL or a list may say of the servers, and what it says is used."""

import re
from datetime import timedelta
from typing import Any, Final

import pytest

from cachekit import Cache
from cachekit.errors import ConfigurationError
from cachekit_memcached import MemcachedBackend
from tests.memcached.place import Place
from tests.servers.base import ServerError
from tests.servers.fixtures import Starter, ThreeMemcacheds
from tests.servers.memcached import MemcachedServer


def names(servers: Any) -> list[str]:
    return [server.name for server in MemcachedBackend(servers).servers]


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("memcached://shop", ["shop:11211"]),
        ("memcached://shop/", ["shop:11211"]),
        ("memcached://shop:7000", ["shop:7000"]),
        ("MEMCACHED://Shop:7000/", ["shop:7000"]),
        ("memcached://one,two:7000,three", ["one:11211", "two:7000", "three:11211"]),
        ("memcached://127.0.0.1:1,my_shop.example.org:65535?prefix=x", None),
        ("memcached://größe", ["größe:11211"]),
        ("memcached://[::1]", ["[::1]:11211"]),
        ("memcached://[::1]:7000,[FE80::1]", ["[::1]:7000", "[fe80::1]:11211"]),
        ("memcached://[fe80::1%Eth0]:7000", ["[fe80::1%Eth0]:7000"]),
    ],
)
def test_where_servers_are(url: str, servers: list[str] | None) -> None:
    told = url.partition("://")[2].partition("?")[0].split(",")
    assert names(url) == (told if servers is None else servers)
    if servers is not None:
        assert names(servers) == names(tuple(servers)) == servers


def test_what_is_dialled() -> None:
    (one, two) = MemcachedBackend(["[::1]:7000", "Shop"]).servers
    assert (one.host, one.port, two.host, two.port) == ("::1", 7000, "shop", 11211)


def test_arguments_may_be_said_in_the_query() -> None:
    said = MemcachedBackend("memcached://shop?prefix=a%3A+b&timeout=0.5&connect_timeout=2&tls=true")
    assert said._prefix == b"a: b"
    assert said._settings == (0.5, 2.0, {"ssl": True})
    plain = MemcachedBackend("memcached://shop")
    assert plain._prefix == b"ck:"
    assert plain._settings == (0.2, 0.2, {})
    given = MemcachedBackend("memcached://shop?tls=false", prefix="", timeout=timedelta(seconds=2))
    assert given._prefix == b""
    assert given._settings == (2.0, 0.2, {})


def test_it_may_be_said_twice() -> None:
    twice = MemcachedBackend("memcached://shop?timeout=2&prefix=x", timeout=2, prefix="x")
    assert (twice._settings.timeout, twice._prefix) == (2.0, b"x")


SERVER: Final = "is no server: write host or host:port, with a port from 1 to 65535, and an IPv6 "
WANTED: Final = "write memcached://host:11211,host:11211?prefix=shop:, or a list of 'host:port'"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", f"'' is no URL of memcached: {WANTED}"),
        ("shop:11211", f"'shop:11211' is no URL of memcached: {WANTED}"),
        ("memcached:shop", f"'memcached:shop' is no URL of memcached: {WANTED}"),
        (" memcached://shop", f"' memcached://shop' is no URL of memcached: {WANTED}"),
        ("redis://shop", f"'redis://shop' is no URL of memcached: {WANTED}"),
        ("memcached://shop#1", f"'memcached://shop#1' is no URL of memcached: {WANTED}"),
        ("memcached://", f"'' {SERVER}"),
        ("memcached:///", f"'' {SERVER}"),
        ("memcached://one,,two", f"'' {SERVER}"),
        ("memcached://one, two", f"' two' {SERVER}"),
        ("memcached://one;two", f"'one;two' {SERVER}"),
        ("memcached://shop/0", f"'shop/0' {SERVER}"),
        ("memcached://shop//", f"'shop/' {SERVER}"),
        ("memcached://:7000", f"':7000' {SERVER}"),
        ("memcached://shop:", f"'shop:' {SERVER}"),
        ("memcached://shop:0", f"'shop:0' {SERVER}"),
        ("memcached://shop:65536", f"'shop:65536' {SERVER}"),
        ("memcached://shop:-1", f"'shop:-1' {SERVER}"),
        ("memcached://shop:x", f"'shop:x' {SERVER}"),
        ("memcached://shop:²", f"'shop:²' {SERVER}"),
        ("memcached://shop:1:2", f"'shop:1:2' {SERVER}"),
        ("memcached://a b", f"'a b' {SERVER}"),
        ("memcached://a\n", f"'a\\n' {SERVER}"),
        ("memcached://a\tb", f"'a\\tb' {SERVER}"),
        ("memcached://a\0", f"'a\\x00' {SERVER}"),
        ("memcached://a\ud800", f"'a\\ud800' {SERVER}"),
        ("memcached://a\u2100b", f"'a\u2100b' {SERVER}"),
        ("memcached://::1", f"'::1' {SERVER}"),
        ("memcached://[::1", f"'[::1' {SERVER}"),
        ("memcached://[::1]7000", f"'[::1]7000' {SERVER}"),
        ("memcached://[shop]:7000", f"'[shop]:7000' {SERVER}"),
        ("memcached://[127.0.0.1]", f"'[127.0.0.1]' {SERVER}"),
        ("memcached://[]", f"'[]' {SERVER}"),
        ("memcached://shop,Shop:11211", "shop:11211 is given twice: name each server once"),
        ("memcached://[::1],[::1]:11211", "[::1]:11211 is given twice: name each server once"),
        ("memcached://shop?nothing=1", "no parameter 'nothing'; it takes prefix, timeout, conn"),
        ("memcached://shop?Timeout=1", "no parameter 'Timeout'; it takes prefix, timeout, conn"),
        ("memcached://shop?conn_args=1", "no parameter 'conn_args'; it takes prefix, timeout, "),
        ("memcached://shop?servers=two", "no parameter 'servers'; it takes prefix, timeout, "),
        ("memcached://shop?timeout=1&timeout=1", "timeout is given twice in the URL"),
        *(
            (f"memcached://shop?{name}={text}", f"{name}={text!r} will not do: write seconds, ab")
            for name in ("timeout", "connect_timeout")
            for text in ("", "0", "-1", "soon", "nan", "inf", "1e99")
        ),
        *(
            (f"memcached://shop?tls={text}", f"tls={text!r} will not do: write true or false")
            for text in ("", "yes", "1", "TRUE")
        ),
        (f"memcached://shop?prefix={'x' * 65}", "x' will not do: write a str of at most 64 char"),
    ],
)
def test_a_bad_url_says_what_to_write(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        MemcachedBackend(url)


@pytest.mark.parametrize(
    ("servers", "said"),
    [
        ([], f"servers=[] will not do: {WANTED}"),
        ((), f"servers=() will not do: {WANTED}"),
        (None, f"servers=None will not do: {WANTED}"),
        (11211, f"servers=11211 will not do: {WANTED}"),
        (b"shop:11211", f"servers=b'shop:11211' will not do: {WANTED}"),
        ({"shop"}, f"servers={{'shop'}} will not do: {WANTED}"),
        ({"shop": 11211}, f"servers={{'shop': 11211}} will not do: {WANTED}"),
        ([b"shop"], f"servers=[b'shop'] will not do: {WANTED}"),
        ([("shop", 11211)], f"servers=[('shop', 11211)] will not do: {WANTED}"),
        (["shop", None], f"servers=['shop', None] will not do: {WANTED}"),
        (["memcached://shop"], f"'memcached://shop' {SERVER}"),
        (["one,two"], f"'one,two' {SERVER}"),
        (["shop?tls=true"], f"'shop?tls=true' {SERVER}"),
        (["shop/"], f"'shop/' {SERVER}"),
        (["shop", ""], f"'' {SERVER}"),
        (["::1"], f"'::1' {SERVER}"),
        (["shop", "two", "SHOP:11211"], "shop:11211 is given twice: name each server once"),
    ],
)
def test_a_bad_list_says_what_to_write(servers: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        MemcachedBackend(servers)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"timeout": 0}, "timeout must be above 0 and at most ten years, not 0 s"),
        ({"timeout": True}, "timeout must be seconds or a timedelta, not True"),
        ({"timeout": "1"}, "timeout must be seconds or a timedelta, not '1'"),
        ({"timeout": float("nan")}, "timeout must be above 0 and at most ten years, not nan s"),
        ({"connect_timeout": None}, "connect_timeout must be seconds or a timedelta, not None"),
        ({"connect_timeout": -1}, "connect_timeout must be above 0 and at most ten years"),
        ({"prefix": b"ck:"}, "prefix=b'ck:' will not do: write a str of at most 64 characters"),
        ({"prefix": None}, "prefix=None will not do: write a str of at most 64 characters"),
        ({"prefix": "x" * 65}, "x' will not do: write a str of at most 64 characters"),
        ({"conn_args": 5}, "conn_args=5 will not do: write a dict, {'ssl': context}"),
        ({"conn_args": "ssl"}, "conn_args='ssl' will not do: write a dict, {'ssl': context}"),
        ({"conn_args": [("ssl", True)]}, "conn_args=something of type list will not do: write a "),
        ({"conn_args": {"limit": 5}}, "conn_args has 'limit'; it takes ssl, server_hostname, "),
        ({"conn_args": {"host": "x"}}, "conn_args has 'host'; it takes ssl, server_hostname, "),
        ({"conn_args": {5: 5}}, "conn_args has 5; it takes ssl, server_hostname, "),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, Any], said: str) -> None:
    for servers in ("memcached://shop", ["shop"]):
        with pytest.raises(ConfigurationError, match=re.escape(said)):
            MemcachedBackend(servers, **arguments)


@pytest.mark.parametrize(
    ("query", "arguments", "said"),
    [
        ("timeout=1", {"timeout": 2}, "timeout= is 2 as an argument, and in the URL 1.0: give one"),
        ("connect_timeout=1", {"connect_timeout": 2}, "connect_timeout= is 2 as an argument"),
        ("prefix=x", {"prefix": "y"}, "prefix= is 'y' as an argument, and in the URL 'x'"),
        ("tls=true", {"conn_args": {"ssl": None}}, "ssl in conn_args and tls= in the URL: give"),
        ("tls=false", {"conn_args": {"ssl": True}}, "ssl in conn_args and tls= in the URL: give"),
    ],
)
def test_what_is_said_twice_is_the_same(query: str, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        MemcachedBackend(f"memcached://shop?{query}", **arguments)


# -- and it is used


async def test_a_cache_by_url(three_memcacheds: ThreeMemcacheds, prefix: str) -> None:
    """Of several servers each has its share."""
    hosts = ",".join(server.address for server in three_memcacheds)
    url = f"memcached://{hosts}?prefix={prefix}&timeout=5&connect_timeout=5"
    async with Cache(url, namespace="n", deadline=5.0) as cache:
        await cache.set_many({f"{number}": number for number in range(50)}, ttl=60)
        assert await cache.get("7") == 7
    place = Place(three_memcacheds, prefix)
    held = [server for number in range(50) for server in place.door.places(f"v:n:{number}")]
    assert len(held) == 50
    assert len(set(map(id, held))) == 3


async def test_a_cache_by_an_address_of_version_6(start: Starter, prefix: str) -> None:
    try:
        server = start(MemcachedServer(options=("-l", "::1")))
    except ServerError as error:
        pytest.skip(f"there is no address of version 6: {error}")
    url = f"memcached://[::1]:{server.port}?prefix={prefix}&timeout=5"
    async with Cache(url, namespace="n", deadline=5.0) as cache:
        await cache.set("k", "v", ttl=60)
        assert await cache.get("k") == "v"
    assert server.command(f"get {prefix}v:n:k".encode()) != b"END"
