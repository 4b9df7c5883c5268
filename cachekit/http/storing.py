"""Whether a response may be stored, and as what (RFC 9111 3, 5861; stricter where it is safer)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cachekit.http.asked import Asked
from cachekit.http.cache_control import Directives
from cachekit.http.fields import Headers, combined, first, is_token, lines, members, without
from cachekit.http.freshness import Governing, governing, heuristic, initial_age
from cachekit.http.policy import Policy
from cachekit.http.stored import Stored

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"te",
        b"transfer-encoding",
        b"upgrade",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
    }
)
"""Fields that are for one connection (RFC 9110 7.6.1, 9111 3.1)."""

UNDERSTOOD: Final = frozenset(
    {200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501}
)
"""Statuses whose storing is understood, as `must-understand` wants it (RFC 9111 5.2.2.3)."""

NEVER_WHOLE: Final = frozenset({206, 226, 304})
"""Statuses of answers that are no response by themselves (RFC 9110 15, 3229 10.4.1)."""

NEVER_STALE: Final = frozenset({"must-revalidate", "proxy-revalidate", "s-maxage", "no-cache"})


@dataclass(frozen=True, slots=True)
class Received:
    """The head of a response: what was asked, and when that was sent and this came."""

    asked: Asked
    status: int
    headers: Headers
    requested: float
    received: float


@dataclass(frozen=True, slots=True)
class Storing:
    """How a cache stores: see `ResponseCache`."""

    targets: Sequence[bytes] = ()
    heuristics: bool = False
    keep: float = 3600.0

    def judge(self, came: Received, policy: Policy | None) -> Stored | str:
        """What is stored but for the body, or why nothing is."""
        own = governing(came.headers, self.targets)
        said = _by_policy(came, own, policy)
        why = _forbidden(came, said.directives, own.directives)
        return why or self._fresh(came, said)

    def _fresh(self, came: Received, said: Governing) -> Stored | str:
        lifetime = said.explicit(came.headers, came.received)
        if lifetime is None and self.heuristics:
            lifetime = heuristic(came.status, said, came.headers, came.received)
        if lifetime is None and "no-cache" not in said.directives:
            return "no-freshness"
        stored = _as_stored(came, said.directives, lifetime or 0.0)
        useful = stored.lifetime > stored.age or stored.while_revalidate or stored.can_be_validated
        return stored if useful else "no-freshness"


def _by_policy(came: Received, own: Governing, policy: Policy | None) -> Governing:
    """What the route says for this cache, unless the answer itself forbids to keep it."""
    if policy is None or not 200 <= came.status < 300:
        return own
    if any(name in own.directives for name in ("private", "no-store", "no-cache")):
        return own
    if b"no-cache" in members((combined(came.headers, b"pragma") or b"").lower()):
        return own  # as older applications say it
    silent = not own.directives and first(came.headers, b"expires") is None
    ours = policy.server or (policy.browser if silent else None)
    if ours is None:
        return own
    said = dict(Directives.of([(b"cache-control", bytes(ours))]).arguments)
    shared = said.pop("s-maxage", None)  # among ours there is no other kind
    return Governing(Directives({**said, "max-age": shared} if shared else said), expires=False)


def _forbidden(came: Received, said: Directives, own: Directives) -> str:
    """Why it may not be stored, if so."""
    if not 200 <= came.status < 600 or came.status in NEVER_WHOLE:
        return "status"
    if "no-store" in said and not ("must-understand" in said and came.status in UNDERSTOOD):
        return "no-store"
    if "must-understand" in said and came.status not in UNDERSTOOD:
        return "must-understand"
    if said.bare("private"):
        return "private"
    if lines(came.headers, b"set-cookie"):  # RFC 9111 7.3 leaves it open: it may be a session
        return "set-cookie"
    if not all(is_token(name) and name != b"*" for name in _vary(came.headers)):
        return "vary"  # what is no field's name was meant to tell answers apart, too
    if came.asked.known_user and not _has_consent(own):
        return "credentials"
    if (combined(came.headers, b"content-type") or b"").lower().startswith(b"text/event-stream"):
        return "stream"
    return "request" if "no-store" in came.asked.directives else ""


def _has_consent(own: Directives) -> bool:
    """Whether an answer to who has credentials says itself that it may be stored (9111 3.5)."""
    return any(name in own for name in ("public", "must-revalidate", "s-maxage"))


def _as_stored(came: Received, said: Directives, lifetime: float) -> Stored:
    vary = tuple(sorted(set(_vary(came.headers))))
    strict = any(said.bare(name) if name == "no-cache" else name in said for name in NEVER_STALE)
    return Stored(
        came.status,
        kept(came.headers, said.fields("no-cache") | said.fields("private")),
        b"",
        came.received,
        initial_age(came.headers, came.requested, came.received),
        lifetime,
        0.0 if strict else float(said.seconds("stale-while-revalidate") or 0),
        0.0 if strict else float(said.seconds("stale-if-error") or 0),
        strict,
        said.bare("no-cache"),
        vary,
        came.asked.selected(vary),
    )


def kept(
    headers: Headers, named: frozenset[bytes] = frozenset()
) -> tuple[tuple[bytes, bytes], ...]:
    """All fields but those of the connection, and those that only a new answer may have."""
    connection = members(combined(headers, b"connection") or b"")
    gone = HOP_BY_HOP | named | {name.lower() for name in connection} | {b"age"}
    return tuple((name.lower(), value) for name, value in without(headers, gone))


def _vary(headers: Headers) -> list[bytes]:
    return [name.lower() for name in members(combined(headers, b"vary") or b"")]
