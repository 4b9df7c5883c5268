"""Which fields tell who asks."""

import pytest

from cachekit.http.telltale import CREDENTIALS, OVERRIDES, TELLS, Tells, tells_who

SOUND = [
    *("x-acme-session", "x-acme-auth", "acme-token", "x-jwt", "x-customer-no", "x-account-id"),
    *("x-tenant-slug", "x-user-name", "x-authenticated-userid", "x-oidc-sub", "x-org-id"),
    *("x-client-cert", "ssl-client-cert", "x-client-id", "x-xsrf-token", "x-secret", "x-sso"),
    *("X-Acme-Token", "x-impersonate", "x-webauth-user", "login", "password"),
]
OTHERS = [
    *("user-agent", "x-user-agent", "sec-fetch-user", "x-appengine-user-ip", "accept", "dnt"),
    *("accept-language", "accept-encoding", "x-request-id", "traceparent", "x-forwarded-for"),
    *("referer", "connection", "upgrade-insecure-requests", "sec-ch-ua", "x-author", "via"),
    *("x-requested-with", "x-amzn-trace-id", "x-real-ip", "priority", "save-data", "te"),
]


@pytest.mark.parametrize("name", [*SOUND, *(each.decode() for each in sorted(CREDENTIALS))])
def test_what_sounds_like_who_asks_tells_who_asks(name: str) -> None:
    assert tells_who(name.encode())


@pytest.mark.parametrize("name", OTHERS)
def test_what_every_browser_sends_tells_nothing_of_who_asks(name: str) -> None:
    assert not tells_who(name.encode())


def test_what_misleads_is_apart_and_nobody() -> None:
    assert {TELLS[name] for name in OVERRIDES} == {Tells.APART}


def test_names_that_are_made_up_are_told_and_not_all_remembered() -> None:
    for number in range(5000):
        assert TELLS[b"x-made-up-%d" % number] == Tells.NOTHING
        assert TELLS[b"x-token-%d" % number] == Tells.WHO
    assert TELLS[b"x" * 10_000 + b"-token"] == Tells.WHO
    assert len(TELLS) <= 2000
    assert max(map(len, TELLS)) <= 100
