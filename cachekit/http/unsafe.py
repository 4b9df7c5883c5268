"""What an answer to a request that changes something makes the cache forget (RFC 9111 4.4)."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from cachekit.http.fields import Headers, lines
from cachekit.http.structured import strings
from cachekit.invalidation import Key, Tag, Target

ELSEWHERE = (b"location", b"content-location")
"""Fields that name what else was changed."""


def forgotten_by(resource: str, status: int, headers: Headers) -> list[Target]:
    """What is no longer good after such an answer; nothing if it is an error."""
    if not 200 <= status < 400:
        return []
    found: list[Target] = []
    for each in dict.fromkeys([resource, *_named(resource, headers)]):
        found += versions_of(each)
    return [*found, *(Tag(tag) for tag in groups(resource, headers, b"cache-group-invalidation"))]


def versions_of(resource: str) -> list[Target]:
    """All that is stored of a resource: what anyone gets, and what depends on some fields."""
    return [Key(resource), Tag(resource)]


def groups(resource: str, headers: Headers, name: bytes) -> list[str]:
    """The tags of the groups that a field names; they are of one origin (RFC 9875)."""
    origin = "/".join(resource.split("/", 3)[:3])
    return [f"group:{origin}:{group}" for group in strings(headers, name) or ()]


def written(url: str) -> str:
    """A URL as clients send it: what is not ASCII is UTF-8, escaped."""
    return quote(url, safe=_ASCII)


_ASCII: Final = "".join(map(chr, range(33, 127)))


def located(url: str) -> str:
    """A URL as `Asked.resource` has it. Raises `ValueError` for what is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"{url!r} is no URL of a resource: write 'https://host/path'")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path or '/'}?{parts.query}"


def _named(resource: str, headers: Headers) -> Iterator[str]:
    """What other fields name, of the same origin: nobody may forget what is another's."""
    for name in ELSEWHERE:
        for value in lines(headers, name):
            try:
                other = located(urljoin(resource, value.decode("latin-1").strip()))
            except ValueError:
                continue
            if other.split("/", 3)[:3] == resource.split("/", 3)[:3]:
                yield other
