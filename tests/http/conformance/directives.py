"""Directives of answers and of requests, and Pragma."""

from tests.http.conformance.script import (
    HOUR,
    At,
    Fields,
    Script,
    Seen,
    Step,
    not_reused,
    reused,
    script,
)

HIT, MISS = Seen.CACHE, Seen.ORIGIN
TAG, CHANGED = '"abc"', "Wed, 01 Nov 2023 00:00:00 GMT"


def _cc(said: str, **more: str) -> Fields:
    return {"cache-control": said, **{name.replace("_", "-"): text for name, text in more.items()}}


def _asked(name: str, answers: Fields, sends: str, seen: Seen, *, wait: float = 0) -> Script:
    """The second request says something in its Cache-Control."""
    second = Step(sends={"cache-control": sends}, seen=seen)
    return script(name, Step(answers=answers, wait=wait), second)


ANSWERS = [
    not_reused("no-store", _cc("no-store")),
    not_reused("no-store and max-age", _cc("max-age=3600, no-store")),
    not_reused("no-store and Expires", {"cache-control": "no-store", "expires": At(3600)}),
    not_reused("no-store with an argument", _cc("no-store=1, max-age=3600")),
    not_reused("private", _cc("private")),
    not_reused("private and max-age", _cc("private, max-age=3600")),
    not_reused("private and s-maxage", _cc("private, s-maxage=3600")),
    not_reused("no-cache", _cc("no-cache, max-age=3600")),
    not_reused("no-cache in capitals", _cc("No-CACHE, max-age=3600")),
    not_reused("no-cache and Expires", {"cache-control": "no-cache", "expires": At(3600)}),
    script(
        "no-cache is validated by ETag",
        Step(answers=_cc("no-cache, max-age=3600", etag=TAG)),
        Step(answers=_cc("no-cache, max-age=3600", etag=TAG), seen=Seen.BY_ETAG, gets=200),
    ),
    script(
        "no-cache is validated by Last-Modified",
        Step(answers=_cc("no-cache, max-age=3600", last_modified=CHANGED)),
        Step(answers=_cc("no-cache", last_modified=CHANGED), seen=Seen.BY_DATE, gets=200),
    ),
    script(
        "no-cache without a lifetime is validated",
        Step(answers=_cc("no-cache", etag=TAG)),
        Step(answers=_cc("no-cache", etag=TAG), seen=Seen.BY_ETAG, gets=200),
    ),
    reused("must-revalidate while fresh", _cc("max-age=3600, must-revalidate")),
    not_reused("must-revalidate when stale", _cc("max-age=2, must-revalidate"), wait=3),
    reused("proxy-revalidate while fresh", _cc("max-age=3600, proxy-revalidate")),
    reused("immutable while fresh", _cc("max-age=3600, immutable")),
    not_reused("immutable when stale", _cc("max-age=2, immutable"), wait=3),
    script(
        "no-store after an older answer that is fresh",
        Step(answers=_cc("max-age=3600")),
        Step(sends={"cache-control": "no-cache"}, answers=_cc("no-store"), seen=MISS),
        Step(seen=MISS),
    ),
    script(
        "no-store after an older answer that is stale",
        Step(answers=_cc("max-age=2"), wait=3),
        Step(answers=_cc("no-store"), seen=MISS),
        Step(sends={"cache-control": "max-stale=60"}, seen=MISS),
    ),
    script(
        "private after an older answer",
        Step(answers=_cc("max-age=2"), wait=3),
        Step(answers=_cc("private"), seen=MISS),
        Step(sends={"cache-control": "max-stale=60"}, seen=MISS),
    ),
    script(
        "fields named by no-cache",
        Step(answers={**_cc('no-cache="a, b", max-age=9'), "a": "1", "b": "2", "c": "3"}),
        Step(seen=HIT, lacks=["a", "b"], has={"c": "3"}),
    ),
    script(
        "one field named by no-cache",
        Step(answers={**_cc('no-cache="a", max-age=9'), "a": "1", "b": "2"}),
        Step(seen=HIT, lacks=["a"], has={"b": "2"}),
    ),
    script(
        "a field named by no-cache without quotes",
        Step(answers={**_cc("no-cache=a, max-age=9"), "a": "1", "b": "2"}),
        Step(seen=HIT, lacks=["a"], has={"b": "2"}),
    ),
    script(
        "fields named by private",
        Step(answers={**_cc('private="a, B", max-age=9'), "a": "1", "b": "2", "c": "3"}),
        Step(seen=HIT, lacks=["a", "b"], has={"c": "3"}),
    ),
    not_reused("private with an empty list", _cc('private="", max-age=9')),
    not_reused("private named twice, once for all", _cc('private="a", private, max-age=9')),
]

REQUESTS = [
    _asked("max-age 0", HOUR, "max-age=0", MISS),
    _asked("max-age 1 and older", HOUR, "max-age=1", MISS, wait=2),
    _asked("max-age 5 and younger", HOUR, "max-age=5", HIT, wait=2),
    _asked("max-age below Age", {**HOUR, "age": "1800"}, "max-age=600", MISS),
    _asked("max-age in quotes", HOUR, 'max-age="0"', MISS),
    _asked("max-age unreadable", HOUR, "max-age=x", MISS),
    _asked("max-stale", _cc("max-age=2", etag=TAG), "max-stale=1000", HIT, wait=3),
    _asked("max-stale without end", _cc("max-age=2", etag=TAG), "max-stale", HIT, wait=3),
    _asked("max-stale too small", _cc("max-age=2", etag=TAG), "max-stale=1", MISS, wait=5),
    _asked("max-stale by Age", _cc("max-age=9", age="20", etag=TAG), "max-stale=1000", HIT),
    script(
        "max-stale without a validator",
        Step(answers=_cc("max-age=2"), wait=3),
        Step(sends=_cc("max-stale=1000"), seen=MISS),
        stricter="nothing is kept past its freshness that could not be validated: it costs memory",
    ),
    _asked(
        "max-stale and must-revalidate",
        _cc("max-age=2, must-revalidate"),
        "max-stale",
        MISS,
        wait=3,
    ),
    _asked("max-stale and s-maxage", _cc("s-maxage=2"), "max-stale", MISS, wait=3),
    _asked(
        "max-stale and proxy-revalidate",
        _cc("max-age=2, proxy-revalidate"),
        "max-stale",
        MISS,
        wait=3,
    ),
    _asked("min-fresh", _cc("max-age=1500"), "min-fresh=2000", MISS),
    _asked("min-fresh enough", _cc("max-age=1500"), "min-fresh=1000", HIT),
    _asked("min-fresh by Age", _cc("max-age=1500", age="1000"), "min-fresh=1000", MISS),
    _asked("no-cache", HOUR, "no-cache", MISS),
    _asked("No-Cache", HOUR, "No-Cache", MISS),
    _asked("unknown", HOUR, "please", HIT),
    script(
        "no-cache validates by ETag",
        Step(answers={**HOUR, "etag": TAG}),
        Step(sends=_cc("no-cache"), answers={**HOUR, "etag": TAG}, seen=Seen.BY_ETAG, gets=200),
    ),
    script(
        "no-cache validates by Last-Modified",
        Step(answers={**HOUR, "last-modified": CHANGED}),
        Step(
            sends=_cc("no-cache"),
            answers={**HOUR, "last-modified": CHANGED},
            seen=Seen.BY_DATE,
            gets=200,
        ),
    ),
    script(
        "no-store is not stored",
        Step(sends=_cc("no-store"), answers=HOUR),
        Step(seen=MISS),
    ),
    script(
        "no-store may be answered from the cache",
        Step(answers=HOUR),
        Step(sends=_cc("no-store"), seen=HIT),
        Step(seen=HIT),
    ),
    script(
        "only-if-cached without anything stored",
        Step(sends=_cc("only-if-cached"), gets=504),
        Step(answers=HOUR, seen=MISS),
    ),
    script(
        "only-if-cached with something stored",
        Step(answers=HOUR),
        Step(sends=_cc("only-if-cached"), seen=HIT),
    ),
    script(
        "only-if-cached with something stale",
        Step(answers=_cc("max-age=2"), wait=3),
        Step(sends=_cc("only-if-cached"), gets=504),
    ),
    script(
        "what no-cache got is stored",
        Step(answers=HOUR, says="old"),
        Step(sends=_cc("no-cache"), answers=HOUR, says="new", body="new"),
        Step(seen=HIT, body="new"),
    ),
]

PRAGMA = [
    script(
        "in a request",
        Step(answers=HOUR),
        Step(sends={"pragma": "no-cache"}, seen=MISS),
        bare=True,
    ),
    script("another word", Step(answers=HOUR), Step(sends={"pragma": "foo"}, seen=HIT)),
    script(
        "beside Cache-Control",
        Step(answers=HOUR),
        Step(sends={"pragma": "no-cache", "cache-control": "max-stale=2"}, seen=HIT),
    ),
    reused("in an answer", {**HOUR, "pragma": "no-cache"}),
    reused("another word in an answer", {**HOUR, "pragma": "foo"}),
    reused(
        "in an answer without a lifetime",
        {"pragma": "no-cache", "last-modified": At(-100_000)},
        needs="heuristics",
    ),
]
