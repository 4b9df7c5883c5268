"""A request as the response cache looks at it: what it is for, and what makes it another one's."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import Any, Final
from urllib.parse import quote, unquote

from cachekit.http.cache_control import Directives
from cachekit.http.cookies import counted
from cachekit.http.fields import OWS, Headers, combined, lines, members
from cachekit.http.rules import Rule
from cachekit.http.stored import Stored
from cachekit.http.telltale import CONDITIONS, FORWARDED, SILENT, TELLS, Tells, tells_who

_HOST: Final = re.compile(rb"[-0-9A-Za-z._~!$&'()*+,;=:%\[\]]+")
_NAME: Final = itemgetter(0)
_ADDRESS: Final = re.compile(
    rb'(?<![^;, \t])(?:for|by)=("?)[\[\]0-9a-z.:_-]+\1(?=[ \t]*(?:[;,]|\Z))', re.IGNORECASE
)
_SHORT: Final = 200
_DIRECTING: Final = frozenset({b"cache-control", b"pragma"})
_APART: Final = int(Tells.APART)

NOTHING: Final = Directives({})


@dataclass(slots=True, eq=False)
class Asked:
    """A request for something that may be in the cache.

    `key` names what it asks for, `resource` all the versions of that; `bare`: there is none of the
    fields that make a difference to caches. `directives`: those of its Cache-Control.
    """

    head_only: bool
    headers: Headers
    resource: str
    key: str
    bare: bool = True
    rule: Rule | None = None
    directives: Directives = NOTHING

    @property
    def known_user(self) -> bool:
        """Whether it has credentials."""
        return any(tells_who(name) for name, _ in self.headers)

    @property
    def loads(self) -> bool:
        """Whether the answer to it is what others get, too: all of it, and from wherever it is."""
        if self.head_only or "only-if-cached" in self.directives:
            return False
        return self.bare or not lines(self.headers, b"range")

    def tags_at(self, key: str) -> tuple[str, ...]:
        """What a response that lies at `key` is forgotten by: its resource, unless that is it."""
        own = () if self.rule is None else self.rule.tags
        return tuple(own) if key == self.resource else (self.resource, *own)

    def selected(self, names: Sequence[bytes]) -> tuple[bytes | None, ...]:
        """What its fields of those names say; of those that are secret, a digest."""
        return tuple(_veiled(name, normal(self.headers, name)) for name in names)

    def suits(self, stored: Stored) -> bool:
        """Whether a response is one to such a request (RFC 9111 4.1)."""
        return not stored.vary or self.selected(stored.vary) == stored.selected

    def variant(self, key: str, stored: Stored) -> str:
        """Where the response is that is the one for this request, if what is at `key` is not."""
        said = zip(stored.vary, self.selected(stored.vary), strict=True)
        return f"{key}\n{_digest(said)}"


def plain(scope: Mapping[str, Any]) -> str | None:
    """The key of a request whose fields make no difference; `None`: there is more to look at."""
    said: dict[bytes, bytes] = dict(scope["headers"])
    if not SILENT.issuperset(said) or len(said) != len(scope["headers"]):
        return None
    resource, moved = _located(scope, said.get(b"host"))
    return None if moved else resource


def ask(scope: Mapping[str, Any], rule: Rule | None, obeys: bool = True) -> Asked | None:
    """What a GET or HEAD asks for; `None`: it is not for the cache.

    `obeys`: whether its Cache-Control counts.
    """
    headers: Headers = scope["headers"]
    resource, moved = _located(scope, _only_host(headers))
    if resource is None or (rule is not None and not rule.store):
        return None
    head_only = scope["method"] == "HEAD"
    noted = [line for line in headers if TELLS[line[0]]]
    if len(noted) == 1 and not moved:
        return Asked(head_only, headers, resource, resource, True, rule)
    names = {name for name, _ in noted}
    if names & FORWARDED or _has_body(noted):
        return None
    if b"cookie" in names and (rule is None or rule.cookies is None):
        return None
    apart = [_aimed(line) for line in noted if TELLS[line[0]] >= _APART]
    if rule is not None and rule.cookies:
        apart += counted(headers, rule.cookies)
    if moved:
        apart.append((b":path", scope["path"].encode("utf-8", "surrogatepass")))
    key = f"{resource}\n{_digest(sorted(apart, key=_NAME))}" if apart else resource
    bare = names.isdisjoint(CONDITIONS)
    told = _directives(headers) if obeys and not names.isdisjoint(_DIRECTING) else NOTHING
    return Asked(head_only, headers, resource, key, bare, rule, told)


def _aimed(line: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """A line without the addresses that Forwarded has for each client (RFC 7239 5.1, 5.2)."""
    name, value = line
    return (name, _ADDRESS.sub(b"", value)) if name == b"forwarded" else line


def _directives(headers: Headers) -> Directives:
    """What its Cache-Control says; Pragma counts where there is none (RFC 9111 5.4)."""
    said = Directives.of(headers)
    if not said and b"no-cache" in members(combined(headers, b"pragma") or b""):
        return Directives({"no-cache": [None]})
    return said


def resource_of(scope: Mapping[str, Any]) -> str | None:
    """The URI as it was sent; `None` where it is not clear which host is meant."""
    return _located(scope, _only_host(scope["headers"]))[0]


def _only_host(headers: Headers) -> bytes | None:
    hosts = [value for name, value in headers if name == b"host"]
    return hosts[0] if len(hosts) == 1 else None


def _located(scope: Mapping[str, Any], host: bytes | None) -> tuple[str | None, bool]:
    """The URI, and whether something outside has put another path in the place of its own."""
    if host is None:
        return None, False
    sent: bytes = scope.get("raw_path") or _raw(scope["path"])
    query: bytes = scope["query_string"]
    find = _uri if len(sent) + len(query) <= _SHORT else _uri.__wrapped__
    return find(scope.get("scheme", "http"), host, sent, query, scope["path"])


@lru_cache(maxsize=4096)
def _uri(scheme: str, host: bytes, sent: bytes, query: bytes, path: str) -> tuple[str | None, bool]:
    """None for a host that reaches into the path, so that it looks like another URL's, and for an
    end of line, behind which keys have what else makes a difference."""
    if not _HOST.fullmatch(host) or sent[:1] != b"/" or b"\n" in sent + query:
        return None, False
    whole = (host.lower() + sent + b"?" + query).decode("latin-1")
    raw = sent.decode("latin-1")
    return f"{scheme}://{whole}", raw != path and unquote(raw) != path


def _raw(path: str) -> bytes:
    """A path as it may have been sent, where the server does not tell."""
    return quote(path, safe="/!$&'()*+,;=:@~", errors="surrogatepass").encode()


def normal(headers: Headers, name: bytes) -> bytes | None:
    """A field for comparison: all its lines, with as much space as another might have."""
    found = lines(headers, name)
    if not found:
        return None
    if name == b"cookie":  # it is no comma list
        return b"\n".join(found)
    joined = b",".join(map(_tight, found))
    return joined.lower() if name in _CASELESS else joined


def _tight(line: bytes) -> bytes:
    """Without space beside commas, unless that may be in a quoted string."""
    return line if b'"' in line else b",".join(part.strip(OWS) for part in line.split(b","))


_CASELESS: Final = frozenset({b"accept-language", b"accept-encoding", b"accept-charset"})


def _has_body(noted: Headers) -> bool:
    """Whether a body comes, which would make a difference that the key does not have."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(OWS) != b"0")
        for name, value in noted
    )


def _veiled(name: bytes, said: bytes | None) -> bytes | None:
    if said is None or not (name == b"cookie" or tells_who(name)):
        return said
    return _digest([(name, said)]).encode()


def _digest(said: Iterable[tuple[bytes, bytes | None]]) -> str:
    """In the place of what fields say: there may be secrets in it."""
    return blake2b(repr(list(said)).encode(), digest_size=16).hexdigest()
