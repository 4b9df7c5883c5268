"""Vary, URLs, and what makes other answers be forgotten."""

from tests.http.conformance.script import HOUR, Fields, Script, Seen, Step, script

HIT, MISS = Seen.CACHE, Seen.ORIGIN


def _vary(name: str, vary: str | list[str], first: Fields, second: Fields, seen: Seen) -> Script:
    """Two requests for an answer that varies."""
    answers: Fields = {**HOUR, "vary": vary}
    return script(name, Step(sends=first, answers=answers), Step(sends=second, seen=seen))


ONE, TWO = {"foo": "1"}, {"foo": "2"}
EN: Fields = {"accept-language": "en, de"}

VARY = [
    _vary("the same", "Foo", ONE, ONE, HIT),
    _vary("another", "Foo", ONE, TWO, MISS),
    _vary("stored without", "Foo", {}, ONE, MISS),
    _vary("asked without", "Foo", ONE, {}, MISS),
    _vary("both without", "Foo", {}, {}, HIT),
    _vary("empty is not absent", "Foo", {"foo": ""}, {}, MISS),
    _vary("two, the same", "Foo, Bar", {**ONE, "bar": "a"}, {**ONE, "bar": "a"}, HIT),
    _vary("two, another", "Foo, Bar", {**ONE, "bar": "a"}, {**ONE, "bar": "b"}, MISS),
    _vary("two, one missing", "Foo, Bar", {**ONE, "bar": "a"}, ONE, MISS),
    _vary("two lines", ["Foo", "Bar"], {**ONE, "bar": "a"}, {**ONE, "bar": "b"}, MISS),
    _vary("three, the same", "Foo, Bar, Baz", {**ONE, "baz": "a"}, {**ONE, "baz": "a"}, HIT),
    _vary("three, another", "Foo, Bar, Baz", {**ONE, "baz": "a"}, {**ONE, "baz": "b"}, MISS),
    _vary("not named", "Foo", {**ONE, "other": "a"}, {**ONE, "other": "b"}, HIT),
    _vary("order of fields", "Foo, Bar", {"foo": "1", "bar": "2"}, {"bar": "2", "foo": "1"}, HIT),
    _vary("case of the value", "Foo", {"foo": "a"}, {"foo": "A"}, MISS),
    _vary("order of values", "Foo", {"foo": "1, 2"}, {"foo": "2, 1"}, MISS),
    _vary("lines combined", "Foo", {"foo": ["1", "2"]}, {"foo": "1, 2"}, HIT),
    _vary("space around commas", "Foo", {"foo": "1,2"}, {"foo": "1 ,  2"}, HIT),
    _vary("case of a language", "Accept-Language", EN, {"accept-language": "eN, De"}, HIT),
    _vary("space in languages", "Accept-Language", EN, {"accept-language": "en ,  de"}, HIT),
    script(
        "order of languages",
        Step(sends=EN, answers={**HOUR, "vary": "accept-language"}),
        Step(sends={"accept-language": "de, en"}, seen=MISS),
        stricter="with equal weights, applications take the first that they have",
    ),
    _vary("*", "*", {}, {}, MISS),
    _vary("*, foo", "*, foo", ONE, ONE, MISS),
    _vary("foo, *", "foo, *", ONE, ONE, MISS),
    _vary("empty, *", ", *", {}, {}, MISS),
    _vary("empty line, *", ["", "*"], {}, {}, MISS),
    _vary("foo, * in another line", ["foo", "*"], ONE, ONE, MISS),
    _vary("empty", "", {}, ONE, HIT),
    *(_vary(f"no name: {vary}", vary, ONE, TWO, MISS) for vary in ("foo; bar", '"foo"', "foo bar")),
    script(
        "two variants",
        Step(sends=ONE, answers={**HOUR, "vary": "foo"}, says="one"),
        Step(sends=TWO, answers={**HOUR, "vary": "foo"}, says="two", seen=MISS, body="two"),
        Step(sends=ONE, seen=HIT, body="one"),
        Step(sends=TWO, seen=HIT, body="two"),
        Step(answers={**HOUR, "vary": "foo"}, says="none", seen=MISS, body="none"),
        Step(seen=HIT, body="none"),
        Step(sends=ONE, seen=HIT, body="one"),
    ),
    script(
        "variants that name other fields",
        Step(sends={"foo": "1", "bar": "1"}, answers={**HOUR, "vary": "foo"}, says="a"),
        Step(sends={"foo": "2", "bar": "1"}, answers={**HOUR, "vary": "foo, bar"}, says="b"),
        Step(sends={"foo": "2", "bar": "2"}, answers={**HOUR, "vary": "foo, bar"}, seen=MISS),
        Step(sends={"foo": "2", "bar": "1"}, seen=HIT, body="b"),
        Step(sends={"foo": "1", "bar": "7"}, seen=HIT, body="a"),
    ),
    script(
        "stale variants beside a fresh one",
        Step(sends=ONE, answers={"cache-control": "max-age=2", "vary": "foo"}, wait=3),
        Step(sends=TWO, answers={**HOUR, "vary": "foo"}, says="two", seen=MISS),
        Step(sends=TWO, seen=HIT, body="two"),
        Step(sends=ONE, answers={**HOUR, "vary": "foo"}, says="one", seen=MISS, body="one"),
        Step(sends=ONE, seen=HIT, body="one"),
        Step(sends=TWO, seen=HIT, body="two"),
    ),
    script(
        "variants with the same ETag",
        Step(sends=ONE, answers={**HOUR, "vary": "foo", "etag": '"a"'}, says="one"),
        Step(sends=TWO, answers={**HOUR, "vary": "foo", "etag": '"a"'}, says="two", body="two"),
        Step(sends=TWO, seen=HIT, body="two"),
    ),
    script(
        "an answer that varies no more",
        Step(sends=ONE, answers={"cache-control": "max-age=2", "vary": "foo"}, wait=3),
        Step(sends=ONE, answers=HOUR, says="all", seen=MISS),
        Step(sends=TWO, seen=HIT, body="all"),
    ),
    script(
        "an answer that begins to vary",
        Step(sends=ONE, answers={"cache-control": "max-age=2"}, says="all", wait=3),
        Step(sends=ONE, answers={**HOUR, "vary": "foo"}, says="one", seen=MISS),
        Step(sends=TWO, answers={**HOUR, "vary": "foo"}, says="two", seen=MISS, body="two"),
    ),
]

URLS = [
    script("another host", Step(answers=HOUR), Step(host="elsewhere.test", seen=MISS)),
    script("the same host", Step(answers=HOUR), Step(host="ORIGIN.test", seen=HIT)),
    script("another port", Step(answers=HOUR), Step(host="origin.test:81", seen=MISS)),
    script("the same query", Step(path="?a=1", answers=HOUR), Step(path="?a=1", seen=HIT)),
    script("another query", Step(path="?a=1", answers=HOUR), Step(path="?a=2", seen=MISS)),
    script("no query", Step(path="?a=1", answers=HOUR), Step(seen=MISS)),
    script("another order", Step(path="?a=1&b=2", answers=HOUR), Step(path="?b=2&a=1", seen=MISS)),
    script("another path", Step(path="/a", answers=HOUR), Step(path="/b", seen=MISS)),
    script("path in capitals", Step(path="/a", answers=HOUR), Step(path="/A", seen=MISS)),
    script("a slash behind", Step(path="/a", answers=HOUR), Step(path="/a/", seen=MISS)),
    script("escaped", Step(path="/a", answers=HOUR), Step(path="/%61", seen=MISS)),
]

CHANGES = ("POST", "PUT", "DELETE", "PATCH", "M-SEARCH")


def _forgotten(method: str, status: int, seen: Seen) -> Script:
    return script(
        f"{method} {status}",
        Step(answers=HOUR),
        Step(method=method, status=status, seen=MISS, gets=status),
        Step(seen=seen),
    )


def _forgotten_by(method: str, name: str, value: str, seen: Seen) -> Script:
    """An answer to a change of one URL, which names another."""
    return script(
        f"{method} with {name} {value}",
        Step(path="/other", answers=HOUR),
        Step(path="/other", seen=HIT),
        Step(method=method, path="/it", answers={name: value}, seen=MISS),
        Step(path="/other", seen=seen),
    )


FORGETTING = [
    *(_forgotten(method, 200, MISS) for method in CHANGES),
    *(_forgotten(method, 204, MISS) for method in CHANGES),
    *(_forgotten(method, 303, MISS) for method in CHANGES),
    *(_forgotten(method, 500, HIT) for method in CHANGES),
    *(_forgotten(method, 404, HIT) for method in CHANGES),
    *(_forgotten(method, 200, HIT) for method in ("OPTIONS", "TRACE")),
    *(
        _forgotten_by(method, name, "other", MISS)
        for method in CHANGES
        for name in ("location", "content-location")
    ),
    *(
        script(
            f"POST with {name} elsewhere",
            Step(host="elsewhere.test", answers=HOUR),
            Step(
                method="POST", answers={name: f"http://elsewhere.test/POST-with-{name}-elsewhere"}
            ),
            Step(host="elsewhere.test", seen=HIT),
            Step(host="elsewhere.test", method="POST", seen=MISS),
            Step(host="elsewhere.test", seen=MISS),
        )
        for name in ("location", "content-location")
    ),
    _forgotten_by("GET", "location", "other", HIT),
    script(
        "all variants are forgotten",
        Step(sends=ONE, answers={**HOUR, "vary": "foo"}),
        Step(sends=TWO, answers={**HOUR, "vary": "foo"}),
        Step(method="POST", sends={"foo": "3"}, seen=MISS),
        Step(sends=ONE, seen=MISS),
        Step(sends=TWO, seen=MISS),
    ),
    script(
        "queries are other URLs",
        Step(path="?a", answers=HOUR),
        Step(method="POST", path="?b", seen=MISS),
        Step(path="?a", seen=HIT),
    ),
]

METHODS = [
    script(
        "POST is not answered from the cache",
        Step(answers=HOUR),
        Step(method="POST", status=500, seen=MISS, gets=500),
    ),
    script(
        "POST is not stored",
        Step(method="POST", answers=HOUR),
        Step(seen=MISS),
    ),
    script(
        "POST with Content-Location is not stored",
        Step(method="POST", answers={**HOUR, "content-location": "/POST-with-Content-Location"}),
        Step(seen=MISS),
        stricter="what a request with a body got is not what a GET gets; RFC 9110 9.3.3 leaves it",
    ),
    script(
        "HEAD by a stored GET",
        Step(answers={**HOUR, "foo": "bar"}),
        Step(method="HEAD", seen=HIT, gets=200, has={"foo": "bar"}, body=""),
    ),
    script(
        "HEAD is not stored for GET",
        Step(method="HEAD", answers=HOUR),
        Step(seen=MISS, answers=HOUR, body="HEAD is not stored for GET"),
        Step(seen=HIT, body="HEAD is not stored for GET"),
    ),
    script(
        "HEAD is passed on when stale",
        Step(answers={"cache-control": "max-age=2"}, wait=3),
        Step(method="HEAD", seen=MISS, has={}),
    ),
    script(
        "HEAD tells that it has gone",
        Step(answers={"cache-control": "max-age=2", "etag": '"a"'}, wait=3),
        Step(method="HEAD", status=410, seen=MISS, gets=410),
        Step(seen=MISS, status=410, gets=410),
    ),
    script("an unknown method is passed on", Step(method="FOO", answers=HOUR, seen=MISS)),
]
