"""What becomes of a stored response that is found to be still good."""

from tests.http.conformance.script import HOUR, Fields, Script, Seen, Step, script

HIT, MISS = Seen.CACHE, Seen.ORIGIN
CHANGED = "Wed, 01 Nov 2023 00:00:00 GMT"

UPDATED: dict[str, tuple[str, str]] = {
    "test-header": ("a", "b"),
    "x-test-header": ("a", "b"),
    "content-foo": ("a", "b"),
    "x-content-foo": ("a", "b"),
    "cache-control": ("max-age=1", "max-age=3600"),
    "content-location": ("/a", "/b"),
    "content-md5": ("rL0Y20zC+Fzt72VPzMSk2A==", "N7UdGUp1E+RbVvZSTy1R8g=="),
    "content-security-policy": ("default-src 'self'", "default-src 'none'"),
    "content-type": ("text/plain", "text/plain;charset=utf-8"),
    "clear-site-data": ('"cache"', '"cookies"'),
    "expires": ("Fri, 01 Jan 2038 01:01:01 GMT", "Mon, 11 Jan 2038 11:11:11 GMT"),
    "public-key-pins": ("a", "b"),
    "www-authenticate": ("Basic", "Bearer"),
    "x-frame-options": ("deny", "sameorigin"),
    "x-xss-protection": ("1", "0"),
    "set-cookie2": ("a=b", "c=d"),
    "content-range": ("bytes 0-9/10", "bytes 0-8/9"),
    "content-encoding": ("a", "b"),
}
STORED = [name for name in UPDATED if name != "cache-control"]
KEPT = {"content-length": ("10", "5")}


def _updated(name: str, old: str, new: str, *, stays: bool, stricter: str = "") -> Script:
    """A field that the 304 has another value of."""
    first: Fields = {"cache-control": "max-age=1", "etag": '"abc"', name: old}
    second: Fields = {**HOUR, "etag": '"abc"', name: new}
    has: Fields = {name: old if stays else new}
    return script(
        f"304 with {name}",
        Step(answers=first, wait=3, says="0123456789"),
        Step(answers=second, seen=Seen.BY_ETAG, gets=200, has=has, body="0123456789"),
        Step(seen=HIT, has=has, body="0123456789"),
        stricter=stricter,
    )


OF_THE_BODY = {"content-encoding", "content-range"}
UPDATES = [
    *(
        _updated(name, old, new, stays=False)
        for name, (old, new) in UPDATED.items()
        if name not in OF_THE_BODY
    ),
    *(
        _updated(name, *UPDATED[name], stays=True, stricter="the stored body has the old one (3.2)")
        for name in sorted(OF_THE_BODY)
    ),
    *(_updated(name, old, new, stays=True) for name, (old, new) in KEPT.items()),
    script(
        "304 with another ETag",
        Step(answers={"cache-control": "max-age=1", "etag": '"abc"'}, wait=3, says="old"),
        Step(
            answers={**HOUR, "etag": '"def"'},
            seen=Seen.BY_ETAG,
            again=200,
            says="new",
            body="new",
            has={"etag": '"def"'},
        ),
        Step(seen=HIT, body="new", has={"etag": '"def"'}),
        stricter="it tells of another state (RFC 9111 4.3.4), so that is asked for",
    ),
    script(
        "304 with a weak ETag",
        Step(answers={"cache-control": "max-age=1", "etag": '"abc"'}, wait=3, says="old"),
        Step(answers={**HOUR, "etag": 'W/"abc"'}, seen=Seen.BY_ETAG, gets=200, body="old"),
        Step(seen=HIT, body="old"),
    ),
    script(
        "304 with another Vary",
        Step(
            sends={"foo": "1"},
            answers={"cache-control": "max-age=1", "etag": '"abc"', "vary": "foo"},
            says="one",
            wait=3,
        ),
        Step(
            sends={"foo": "1"},
            answers={**HOUR, "etag": '"abc"', "vary": "bar"},
            seen=Seen.BY_ETAG,
            gets=200,
            has={"vary": ["foo", "bar"]},
        ),
        Step(sends={"foo": "1"}, seen=HIT, body="one"),
        Step(sends={"foo": "2"}, answers=HOUR, says="two", seen=MISS, body="two"),
        stricter="a 304 often has no Vary but that of a middleware; both together are safe",
    ),
    script(
        "304 without a field leaves it",
        Step(
            answers={"cache-control": "max-age=1", "last-modified": CHANGED, "test-header": "a"},
            wait=3,
        ),
        Step(answers=HOUR, seen=Seen.BY_DATE, gets=200, has={"test-header": "a"}),
        Step(seen=HIT, has={"test-header": "a"}),
    ),
    script(
        "304 makes it young again",
        Step(answers={"cache-control": "max-age=5", "etag": '"a"'}, wait=9),
        Step(answers={"cache-control": "max-age=5", "etag": '"a"'}, seen=Seen.BY_ETAG, gets=200),
        Step(seen=HIT, has={"age": "0"}),
    ),
    script(
        "304 without Cache-Control",
        Step(answers={"cache-control": "max-age=5", "etag": '"a"'}, wait=9),
        Step(answers={"etag": '"a"'}, seen=Seen.BY_ETAG, gets=200),
        Step(seen=HIT, has={"cache-control": "max-age=5"}),
    ),
    script(
        "304 with no-store",
        Step(answers={"cache-control": "max-age=5", "etag": '"a"'}, wait=9, says="it"),
        Step(
            answers={"cache-control": "no-store", "etag": '"a"'},
            seen=Seen.BY_ETAG,
            gets=200,
            body="it",
        ),
        Step(seen=MISS, saw_not=["if-none-match"]),
    ),
    script(
        "304 that sets a cookie",
        Step(answers={"cache-control": "max-age=5", "etag": '"a"'}, wait=9, says="it"),
        Step(
            answers={**HOUR, "etag": '"a"', "set-cookie": "a=b"},
            seen=Seen.BY_ETAG,
            gets=200,
            body="it",
            has={"set-cookie": "a=b"},
        ),
        Step(seen=MISS, lacks=["set-cookie"]),
        stricter="the cookie may be a session",
    ),
]
