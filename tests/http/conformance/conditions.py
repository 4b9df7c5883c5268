"""Conditions of clients, and those that the cache asks with."""

from tests.http.conformance.script import HOUR, At, Fields, Script, Seen, Step, script

HIT, MISS = Seen.CACHE, Seen.ORIGIN
CHANGED = "Wed, 01 Nov 2023 00:00:00 GMT"
EARLIER, LATER = "Tue, 31 Oct 2023 00:00:00 GMT", "Thu, 02 Nov 2023 00:00:00 GMT"


def _matched(name: str, etag: str, sent: str, gets: int) -> Script:
    """What a client with `sent` gets of an answer with `etag`."""
    second = Step(sends={"if-none-match": sent}, seen=HIT, gets=gets)
    return script(name, Step(answers={**HOUR, "etag": etag}), second)


ETAGS = [
    _matched("strong", '"abc"', '"abc"', 304),
    _matched("weak", 'W/"abc"', 'W/"abc"', 304),
    _matched("strong by weak", '"abc"', 'W/"abc"', 304),
    _matched("weak by strong", 'W/"abc"', '"abc"', 304),
    _matched("first of some", '"abc"', '"abc", "b"', 304),
    _matched("second of some", '"abc"', '"a", "abc", "b"', 304),
    _matched("last of some", '"abc"', '"a", "b" , "abc"', 304),
    _matched("without space", '"abc"', '"a","abc"', 304),
    _matched("comma inside", '"a,b"', '"x", "a,b"', 304),
    _matched("any", '"abc"', "*", 304),
    _matched("characters beyond ASCII", '"abc\xf6"', '"abc\xf6"', 304),
    _matched("backslash", '"a\\b"', '"a\\b"', 304),
    _matched("another", '"abc"', '"abd"', 200),
    _matched("another case", '"abc"', '"ABC"', 200),
    _matched("small w", '"abc"', 'w/"abc"', 200),
    _matched("weak without slash", '"abc"', 'W"abc"', 200),
    _matched("quoted by unquoted", '"abc"', "abc", 200),
    _matched("unquoted by quoted", "abc", '"abc"', 200),
    script(
        "precedence over a date that holds",
        Step(answers={**HOUR, "etag": '"abc"', "last-modified": CHANGED}),
        Step(sends={"if-none-match": '"x"', "if-modified-since": CHANGED}, seen=HIT, gets=200),
    ),
    script(
        "precedence over a date that does not",
        Step(answers={**HOUR, "etag": '"abc"', "last-modified": CHANGED}),
        Step(sends={"if-none-match": '"abc"', "if-modified-since": EARLIER}, seen=HIT, gets=304),
    ),
    script(
        "forwarded on a miss",
        Step(sends={"if-none-match": '"abc"'}, saw={"if-none-match": '"abc"'}),
    ),
    script(
        "forwarded without quotes",
        Step(sends={"if-none-match": "abc"}, saw={"if-none-match": "abc"}),
    ),
    script(
        "asked with when stale",
        Step(answers={"cache-control": "max-age=2", "etag": '"abc"'}, wait=3),
        Step(answers={**HOUR, "etag": '"abc"'}, seen=Seen.BY_ETAG, gets=200),
        Step(seen=HIT, gets=200),
    ),
    script(
        "asked with when stale, weak",
        Step(answers={"cache-control": "max-age=2", "etag": 'W/"abc"'}, wait=3),
        Step(answers={**HOUR, "etag": 'W/"abc"'}, seen=Seen.BY_ETAG, gets=200),
    ),
    script(
        "asked with when stale, unquoted",
        Step(answers={"cache-control": "max-age=2", "etag": "abc"}, wait=3),
        Step(answers={**HOUR, "etag": "abc"}, seen=Seen.BY_ETAG, gets=200),
    ),
    script(
        "asked with by the client's own, which still holds",
        Step(answers={"cache-control": "max-age=2", "etag": '"abc"'}, wait=3),
        Step(
            sends={"if-none-match": '"abc"'},
            answers={**HOUR, "etag": '"abc"'},
            seen=Seen.BY_ETAG,
            gets=304,
        ),
        Step(seen=HIT, gets=200),
    ),
    script(
        "asked with by the client's own, which is another",
        Step(answers={"cache-control": "max-age=2", "etag": '"abc"'}, says="it", wait=3),
        Step(
            sends={"if-none-match": '"old"'},
            answers={**HOUR, "etag": '"abc"'},
            seen=Seen.BY_ETAG,
            gets=200,
            body="it",
        ),
    ),
    script(
        "the client's own 304 is not stored",
        Step(sends={"if-none-match": '"abc"'}, status=304, answers={**HOUR, "etag": '"abc"'}),
        Step(answers=HOUR, seen=MISS, gets=200),
    ),
    script(
        "changed when asked",
        Step(answers={"cache-control": "max-age=2", "etag": '"a"'}, says="old", wait=3),
        Step(answers={**HOUR, "etag": '"b"'}, says="new", seen=MISS, body="new"),
        Step(seen=HIT, body="new", has={"etag": '"b"'}),
    ),
    script(
        "of the variant when stale",
        Step(
            sends={"abc": "123"},
            answers={"cache-control": "max-age=2", "etag": '"a"', "vary": "abc"},
            wait=3,
        ),
        Step(
            sends={"abc": "123"},
            answers={**HOUR, "etag": '"a"', "vary": "abc"},
            seen=Seen.BY_ETAG,
            saw={"abc": "123"},
        ),
    ),
    script(
        "not of another variant",
        Step(
            sends={"abc": "123"},
            answers={"cache-control": "max-age=2", "etag": '"a"', "vary": "abc"},
            wait=3,
        ),
        Step(
            sends={"abc": "456"},
            answers={**HOUR, "etag": '"b"', "vary": "abc"},
            seen=MISS,
            saw_not=["if-none-match"],
        ),
    ),
    script(
        "a 304 from the cache has what it must",
        Step(
            answers={
                **HOUR,
                "etag": '"abc"',
                "vary": "abc",
                "content-location": "/it",
                "expires": At(3600),
            }
        ),
        Step(
            sends={"if-none-match": '"abc"'},
            gets=304,
            seen=HIT,
            has={**HOUR, "etag": '"abc"', "vary": "abc", "content-location": "/it"},
            lacks=["content-length"],
        ),
    ),
]


def _since(name: str, answers: Fields, since: str | At, gets: int) -> Script:
    second = Step(sends={"if-modified-since": since}, seen=HIT, gets=gets)
    return script(name, Step(answers={**HOUR, **answers}), second)


DATES = [
    _since("the same date", {"last-modified": CHANGED}, CHANGED, 304),
    _since("a later date", {"last-modified": CHANGED}, LATER, 304),
    _since("an earlier date", {"last-modified": CHANGED}, EARLIER, 200),
    _since("rfc 850", {"last-modified": CHANGED}, "Wednesday, 01-Nov-23 00:00:00 GMT", 304),
    _since("asctime", {"last-modified": CHANGED}, "Wed Nov  1 00:00:00 2023", 304),
    _since("no date", {"last-modified": CHANGED}, "now", 200),
    _since("by Date", {"date": At(0)}, At(2), 304),
    _since("before Date", {"date": At(0)}, At(-60), 200),
    script(
        "asked with when stale",
        Step(answers={"cache-control": "max-age=2", "last-modified": CHANGED}, wait=3),
        Step(
            answers={**HOUR, "last-modified": CHANGED},
            seen=Seen.BY_DATE,
            saw={"if-modified-since": CHANGED},
            gets=200,
        ),
        Step(seen=HIT, gets=200),
    ),
    script(
        "both when stale",
        Step(
            answers={"cache-control": "max-age=2", "last-modified": CHANGED, "etag": '"a"'},
            wait=3,
        ),
        Step(
            answers={**HOUR, "etag": '"a"'},
            seen=Seen.BY_ETAG,
            saw={"if-modified-since": CHANGED, "if-none-match": '"a"'},
        ),
    ),
    script(
        "neither when there is none",
        Step(answers={"cache-control": "max-age=2"}, wait=3),
        Step(seen=MISS, saw_not=["if-none-match", "if-modified-since"]),
    ),
]
