"""Whether something around the application has told it who asks, by what is in no key."""

from collections.abc import Mapping
from typing import Any, cast

from cachekit.http.asked import Asked


def is_known(scope: Mapping[str, Any], asked: Asked) -> bool:
    """Whether the answer to a request is for one user, whatever it says of itself.

    A session with something in it is the client's own, as a Set-Cookie would be, which a middleware
    outside adds later. A user, or a certificate, counts where neither credentials nor a rule for
    cookies say that this is seen to.
    """
    if scope.get("session"):
        return True
    if asked.known_user or (asked.rule is not None and asked.rule.cookies is not None):
        return False
    return _is_authenticated(scope.get("user")) or _has_certificate(scope)


def _is_authenticated(user: Any) -> bool:
    """As Starlette's users tell it; one who cannot tell is somebody."""
    try:
        return bool(getattr(user, "is_authenticated", False))
    except NotImplementedError:
        return True


def _has_certificate(scope: Mapping[str, Any]) -> bool:
    """By the TLS extension of ASGI."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    tls: dict[str, Any] = extensions.get("tls") or {}
    return bool(tls.get("client_cert_name") or tls.get("client_cert_chain"))


def untouched(scope: Mapping[str, Any]) -> dict[str, Any]:
    """A copy for a further run: an application puts what it finds out into the scope it is given,
    where it is mounted, say, and who asks."""
    return {name: _copied(it) for name, it in scope.items()}


def _copied(value: Any) -> Any:
    return cast("dict[str, Any]", value).copy() if type(value) is dict else value
