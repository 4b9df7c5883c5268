"""Which fields of a request tell who asks, or mislead the application about what is asked for."""

import re
from enum import IntEnum
from typing import Final

CREDENTIALS: Final = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"x-api-key",
        b"api-key",
        b"apikey",
        b"x-apikey",
        b"x-auth-token",
        b"x-auth",
        b"x-access-token",
        b"x-session-id",
        b"x-session-token",
        b"x-session",
        b"x-csrf-token",
        b"x-user",
        b"x-user-id",
        b"x-user-token",
        b"x-tenant",
        b"x-tenant-id",
        b"x-forwarded-user",
        b"x-forwarded-email",
        b"x-forwarded-access-token",
        b"x-forwarded-client-cert",
        b"x-remote-user",
        b"remote-user",
        b"x-amz-security-token",
        b"x-amzn-oidc-data",
        b"x-amzn-oidc-identity",
        b"x-goog-iap-jwt-assertion",
        b"x-goog-authenticated-user-email",
        b"cf-access-jwt-assertion",
    }
)
"""Fields that say who asks: an answer to one is kept apart, and only if it says it may be.

So are all others whose names sound like that: `X-Acme-Session`, `X-Customer-No`.
"""

OVERRIDES: Final = frozenset(
    {
        b"forwarded",
        b"origin",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-forwarded-protocol",
        b"x-forwarded-scheme",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-path",
        b"x-forwarded-uri",
        b"x-forwarded-server",
        b"x-forwarded-ssl",
        b"x-url-scheme",
        b"x-host",
        b"x-original-host",
        b"x-original-url",
        b"x-original-uri",
        b"x-rewrite-url",
        b"x-script-name",
        b"x-http-method-override",
        b"x-http-method",
        b"x-method-override",
        b"front-end-https",
    }
)
"""Fields by which an application may be led to think that it was asked for something else, or by
another site: CORS may answer to `Origin` without saying `Vary`."""

CONDITIONS: Final = frozenset(
    {b"if-none-match", b"if-modified-since", b"if-range", b"range", b"cache-control", b"pragma"}
)
"""Fields that make a difference to a cache."""

BODY: Final = frozenset({b"content-length", b"transfer-encoding"})
FORWARDED: Final = frozenset({b"if-match", b"if-unmodified-since", b"upgrade", b"expect"})
"""Fields of requests that only the application can answer."""

_SOUNDS: Final = re.compile(
    rb"auth(?!ors?\b|ority)|token|session|secret|passw|api-?key|jwt|csrf|xsrf|\bsso\b|oidc|saml"
    rb"|user(?!-?agent|-ip)|tenant|account|customer|identity|principal|credential|e-?mail|login"
    rb"|impersonat|client-?(?:id|cert)|\b(?:org|organi[sz]ation|workspace|member|device)-id\b"
)
_OF_BROWSERS: Final = frozenset({b"sec-fetch-user"})
_SHORT: Final = 100
_REMEMBERED: Final = 2000


class Tells(IntEnum):
    """What a field is to the cache."""

    NOTHING = 0
    NOTED = 1
    APART = 2
    WHO = 3


_WHO: Final = int(Tells.WHO)


def tells_who(name: bytes) -> bool:
    """Whether a field of that name, in lower case, may say who asks."""
    return TELLS[name] == _WHO


class _Tells(dict[bytes, int]):
    """By name; all is looked at anew once clients have made up too many."""

    def __missing__(self, name: bytes) -> int:
        found = int(_told_by(name))
        if len(self) >= _REMEMBERED:
            self.clear()
            SILENT.clear()
        if len(name) <= _SHORT:
            self[name] = found
            if found == Tells.NOTHING or name == b"host":
                SILENT.add(name)
        return found


def _told_by(name: bytes) -> Tells:
    name = name.lower()
    if name in CREDENTIALS or (name not in _OF_BROWSERS and _SOUNDS.search(name)):
        return Tells.WHO
    if name in OVERRIDES:
        return Tells.APART
    noted = name in CONDITIONS or name in BODY or name in FORWARDED or name in (b"host", b"cookie")
    return Tells.NOTED if noted else Tells.NOTHING


TELLS: Final = _Tells()
"""What each field tells, as `Tells`."""

SILENT: Final[set[bytes]] = set()
"""The names in `TELLS` that make no difference beside the URL: they tell nothing, or the host."""
