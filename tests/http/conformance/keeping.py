"""Fields that are kept, Age and Date, and ranges."""

from tests.http.conformance.script import HOUR, At, Fields, Script, Seen, Step, script
from tests.http.conformance.updates import STORED, UPDATED

HIT, MISS = Seen.CACHE, Seen.ORIGIN

CONNECTION = {
    "connection": "foo",
    "keep-alive": "timeout=5",
    "proxy-authenticate": "Basic",
    "proxy-authentication-info": "a",
    "proxy-authorization": "a",
    "proxy-connection": "close",
    "te": "gzip",
    "transfer-encoding": "chunked",
    "upgrade": "h2c",
}

FIELDS = [
    *(
        script(
            f"kept: {name}",
            Step(answers={**HOUR, name: UPDATED[name][0]}),
            Step(seen=HIT, has={name: UPDATED[name][0]}),
        )
        for name in STORED
    ),
    script(
        "kept: etag",
        Step(answers={**HOUR, "etag": '"abc"'}),
        Step(seen=HIT, has={"etag": '"abc"'}),
    ),
    script(
        "kept: content-length",
        Step(answers={**HOUR, "content-length": "5"}, says="12345"),
        Step(seen=HIT, has={"content-length": "5"}, body="12345"),
    ),
    script(
        "not kept: set-cookie",
        Step(answers={**HOUR, "set-cookie": "a=b"}),
        Step(seen=MISS, lacks=["set-cookie"]),
        stricter="RFC 9111 7.3 leaves it open: the cookie may be a session",
    ),
    script(
        "kept in their order",
        Step(answers={**HOUR, "link": ["<a>", "<b>"]}),
        Step(seen=HIT, has={"link": ["<a>", "<b>"]}),
    ),
    *(
        script(
            f"not kept: {name}",
            Step(answers={**HOUR, name: value}),
            Step(seen=HIT, lacks=[name]),
        )
        for name, value in CONNECTION.items()
    ),
    script(
        "not kept: what Connection names",
        Step(answers={**HOUR, "connection": "a, B", "a": "1", "b": "2", "c": "3"}),
        Step(seen=HIT, lacks=["a", "b", "connection"], has={"c": "3"}),
    ),
]

AGES = [
    script("Age is told", Step(answers=HOUR, wait=3), Step(seen=HIT, older=3)),
    script("Age goes on", Step(answers={**HOUR, "age": "30"}, wait=3), Step(seen=HIT, older=33)),
    script(
        "Age by Expires",
        Step(answers={"expires": At(3600), "age": "30"}, wait=3),
        Step(seen=HIT, older=33),
    ),
    script("Age by Date", Step(answers={**HOUR, "date": At(-30)}), Step(seen=HIT, older=30)),
    script("Age has the delay", Step(answers=HOUR, slow=3), Step(seen=HIT, older=3)),
    script(
        "Age after a delay and a while",
        Step(answers={**HOUR, "age": "10"}, slow=3, wait=2),
        Step(seen=HIT, older=15),
    ),
    script(
        "Date and Expires stay",
        Step(
            answers={
                "date": "Tue, 14 Nov 2023 22:13:20 GMT",
                "expires": "Wed, 15 Nov 2023 22:13:20 GMT",
            },
            wait=3,
        ),
        Step(
            seen=HIT,
            has={
                "date": "Tue, 14 Nov 2023 22:13:20 GMT",
                "expires": "Wed, 15 Nov 2023 22:13:20 GMT",
            },
        ),
    ),
    script(
        "attachments are kept",
        Step(answers={**HOUR, "content-disposition": 'attachment; filename="a.txt"'}),
        Step(seen=HIT),
    ),
]


def _part(name: str, asked: str, gets: int, body: str, told: str) -> Script:
    """A part of a whole answer that is stored."""
    has: Fields = {"content-range": told, "content-length": str(len(body))} if told else {}
    return script(
        name,
        Step(answers={**HOUR, "etag": '"a"'}, says="01234567890"),
        Step(sends={"range": asked}, seen=HIT, gets=gets, body=body, has=has),
    )


RANGES = [
    _part("first and last", "bytes=0-1", 206, "01", "bytes 0-1/11"),
    _part("in the middle", "bytes=3-4", 206, "34", "bytes 3-4/11"),
    _part("no last", "bytes=9-", 206, "90", "bytes 9-10/11"),
    _part("suffix", "bytes=-1", 206, "0", "bytes 10-10/11"),
    _part("a suffix that is too long", "bytes=-99", 206, "01234567890", "bytes 0-10/11"),
    _part("last too great", "bytes=9-99", 206, "90", "bytes 9-10/11"),
    _part("first too great", "bytes=11-", 416, "", "bytes */11"),
    _part("another unit", "lines=1-2", 200, "01234567890", ""),
    _part("several", "bytes=0-1, 3-4", 200, "01234567890", ""),
    _part("without sense", "bytes=5-1", 200, "01234567890", ""),
    script(
        "If-Range holds",
        Step(answers={**HOUR, "etag": '"a"'}, says="0123"),
        Step(sends={"range": "bytes=0-1", "if-range": '"a"'}, seen=HIT, gets=206, body="01"),
    ),
    script(
        "If-Range does not hold",
        Step(answers={**HOUR, "etag": '"a"'}, says="0123"),
        Step(sends={"range": "bytes=0-1", "if-range": '"b"'}, seen=HIT, gets=200, body="0123"),
    ),
    script(
        "If-Range with a weak tag",
        Step(answers={**HOUR, "etag": 'W/"a"'}, says="0123"),
        Step(sends={"range": "bytes=0-1", "if-range": 'W/"a"'}, seen=HIT, gets=200),
    ),
    script(
        "a part has the fields of the whole",
        Step(answers={**HOUR, "foo": "bar", "etag": '"a"'}, says="0123"),
        Step(sends={"range": "bytes=0-1"}, seen=HIT, has={"foo": "bar", "etag": '"a"'}),
    ),
    script(
        "a part is passed on and not stored as the whole",
        Step(
            sends={"range": "bytes=0-1"},
            status=206,
            answers={**HOUR, "content-range": "bytes 0-1/4"},
            says="01",
            gets=206,
            body="01",
            saw={"range": "bytes=0-1"},
        ),
        Step(answers=HOUR, says="0123", seen=MISS, gets=200, body="0123"),
    ),
    script(
        "a part is not stored",
        Step(
            sends={"range": "bytes=0-1"},
            status=206,
            answers={**HOUR, "content-range": "bytes 0-1/4"},
            says="01",
        ),
        Step(sends={"range": "bytes=0-1"}, status=206, seen=MISS),
        stricter="RFC 9111 3.3 leaves it open, and few applications answer parts",
    ),
    script(
        "a part that nobody asked for",
        Step(status=206, answers={**HOUR, "content-range": "bytes 0-1/4"}, says="01"),
        Step(answers=HOUR, seen=MISS),
    ),
    script(
        "a part does not replace the whole when stale",
        Step(answers={"cache-control": "max-age=2", "etag": '"a"'}, says="0123", wait=3),
        Step(
            sends={"range": "bytes=0-1"},
            status=206,
            answers={**HOUR, "content-range": "bytes 0-1/4"},
            says="01",
            gets=206,
        ),
        Step(answers={**HOUR, "etag": '"a"'}, seen=Seen.BY_ETAG, body="0123"),
    ),
]
