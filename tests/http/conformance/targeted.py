"""Targeted fields, and who has credentials or cookies."""

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


def _cdn(said: str, **more: str) -> Fields:
    return {"cdn-cache-control": said, **{k.replace("_", "-"): v for k, v in more.items()}}


def _held(name: str, answers: Fields, *, wait: float = 0) -> Script:
    return reused(name, answers, wait=wait, needs="targets")


def _not_held(name: str, answers: Fields, *, wait: float = 0) -> Script:
    return not_reused(name, answers, wait=wait, needs="targets")


TARGETED = [
    _held("max-age", _cdn("max-age=3600")),
    _not_held("max-age 0", _cdn("max-age=0")),
    _not_held("max-age over", _cdn("max-age=2"), wait=3),
    _held("2^31", _cdn("max-age=2147483648")),
    _not_held("Age", _cdn("max-age=3600", age="7200")),
    _held("beside Expires past", {**_cdn("max-age=3600"), "expires": At(-7200)}),
    _held("beside Expires unreadable", _cdn("max-age=3600", expires="0")),
    _not_held("0 beside Expires", {**_cdn("max-age=0"), "expires": At(3600)}),
    _held("long beside short", _cdn("max-age=3600", cache_control="max-age=1"), wait=2),
    _not_held("short beside long", _cdn("max-age=1", cache_control="max-age=3600"), wait=2),
    _held("beside no-store", _cdn("max-age=3600", cache_control="no-store")),
    _held("beside no-cache", _cdn("max-age=3600", cache_control="no-cache")),
    _held("beside private", _cdn("max-age=3600", cache_control="private")),
    _not_held("no-store", _cdn("no-store")),
    _not_held("no-store beside fresh", _cdn("no-store", cache_control="max-age=3600")),
    _not_held("no-cache", _cdn("no-cache")),
    _not_held("no-cache beside fresh", _cdn("no-cache", cache_control="max-age=3600")),
    _not_held("private", _cdn("private")),
    _not_held("private beside fresh", _cdn("private", cache_control="max-age=3600")),
    _not_held("must-revalidate", _cdn("max-age=2, must-revalidate"), wait=3),
    _held("extension", _cdn("max-age=3600, extension")),
    _held("extension before", _cdn("foobar=60, max-age=3600")),
    _held("inner list", _cdn("foo=(1 2), max-age=3600")),
    _held("parameters", _cdn("max-age=3600;a=b")),
    _held("last of two", _cdn("max-age=0, max-age=3600")),
    _held("lines", {"cdn-cache-control": ["max-age=3600", "foo"]}),
    _held("unreadable beside fresh", _cdn("max-age=0, &&&&&", cache_control="max-age=3600")),
    _not_held("unreadable alone", _cdn("max-age=3600, &&&&&")),
    _held("empty beside fresh", _cdn("", cache_control="max-age=3600")),
    _not_held("in capitals", _cdn("MaX-aGe=3600")),
    _not_held("space before =", _cdn("max-age =3600")),
    _not_held("space behind =", _cdn("max-age= 3600")),
    _not_held("max-age as a string", _cdn('max-age="3600"')),
    _not_held("max-age as a decimal", _cdn("max-age=3600.0")),
    _not_held("max-age negative", _cdn("max-age=-1")),
    _held("quoted", _cdn('extension="max-age=0", max-age=3600')),
    script(
        "passed on",
        Step(answers=_cdn("max-age=9", foo="bar"), has={"cdn-cache-control": "max-age=9"}),
        Step(seen=HIT, has={"cdn-cache-control": "max-age=9"}),
        needs="targets",
    ),
    script(
        "not a target: passed on and not obeyed",
        Step(answers=_cdn("max-age=9"), has={"cdn-cache-control": "max-age=9"}),
        Step(seen=MISS),
        needs="no targets",
    ),
]

ANNA, BEN = {"authorization": "anna"}, {"authorization": "ben"}
CREDENTIALS = [
    script("not for another", Step(sends=ANNA, answers=HOUR), Step(seen=MISS)),
    script("not for the same", Step(sends=ANNA, answers=HOUR), Step(sends=ANNA, seen=MISS)),
    *(
        script(
            f"{said} for the same",
            Step(sends=ANNA, answers={"cache-control": said}),
            Step(sends=ANNA, seen=HIT),
        )
        for said in ("max-age=9, public", "max-age=9, must-revalidate", "s-maxage=9")
    ),
    *(
        script(
            f"{said} for another",
            Step(sends=ANNA, answers={"cache-control": said}),
            Step(sends=BEN, answers=HOUR, seen=MISS),
            Step(seen=MISS),
            stricter="RFC 9111 3.5 allows to share it; one that says so by mistake would leak",
        )
        for said in ("max-age=9, public", "max-age=9, must-revalidate", "s-maxage=9")
    ),
    script(
        "what all get is not for who has credentials",
        Step(answers=HOUR),
        Step(sends=ANNA, answers=HOUR, seen=MISS),
        stricter="the answer may depend on them, whoever asked first",
    ),
    script(
        "a request with cookies",
        Step(answers=HOUR),
        Step(sends={"cookie": "a=b"}, answers=HOUR, seen=MISS),
        Step(seen=HIT),
        stricter="a cookie may be a session; a rule says that it is none",
    ),
    not_reused(
        "an answer that sets a cookie",
        {**HOUR, "set-cookie": "a=b"},
        stricter="RFC 9111 7.3 leaves it open: the cookie may be a session",
    ),
]
