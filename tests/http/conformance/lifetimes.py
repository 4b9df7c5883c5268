"""How long an answer may be used again: Cache-Control, Expires, Age, and guesses."""

from tests.http.conformance.script import At, Script, Seen, Step, not_reused, reused, script

PAST = {"cache-control": "max-age=0"}

EXPLICIT = [
    not_reused("no lifetime", {}),
    reused("max-age", {"cache-control": "max-age=3600"}),
    not_reused("max-age over", {"cache-control": "max-age=2"}, wait=3),
    reused("max-age not over", {"cache-control": "max-age=5"}, wait=3),
    not_reused("max-age 0", {"cache-control": "max-age=0"}),
    reused("max-age 2^31 - 1", {"cache-control": "max-age=2147483647"}),
    reused("max-age 2^31", {"cache-control": "max-age=2147483648"}),
    reused("max-age 2^31 + 1", {"cache-control": "max-age=2147483649"}),
    reused("max-age beyond 64 bits", {"cache-control": "max-age=" + "9" * 30}),
    reused("max-age greater than Age", {"cache-control": "max-age=3600", "age": "1800"}),
    not_reused("max-age less than Age", {"cache-control": "max-age=3600", "age": "7200"}),
    not_reused("max-age and an old Date", {"cache-control": "max-age=3600", "date": At(-7200)}),
    reused("max-age and a Date ahead", {"cache-control": "max-age=3600", "date": At(3600)}),
    reused("max-age before Expires past", {"cache-control": "max-age=3600", "expires": At(-7200)}),
    reused("max-age before Expires 0", {"cache-control": "max-age=3600", "expires": "0"}),
    not_reused("max-age 0 before Expires", {"cache-control": "max-age=0", "expires": At(3600)}),
    reused("s-maxage before max-age", {"cache-control": "max-age=1, s-maxage=3600"}, wait=2),
    reused("s-maxage at the front", {"cache-control": "s-maxage=3600, max-age=1"}, wait=2),
    not_reused("s-maxage shorter", {"cache-control": "max-age=3600, s-maxage=1"}, wait=2),
    not_reused("s-maxage 0", {"cache-control": "max-age=3600, s-maxage=0"}),
    reused("s-maxage before Expires", {"cache-control": "s-maxage=3600", "expires": At(-10)}),
    reused("Expires ahead", {"expires": At(3600)}),
    not_reused("Expires past", {"expires": At(-3600)}),
    not_reused("Expires now", {"expires": At(0)}),
    not_reused("Expires over", {"expires": At(2)}, wait=3),
    not_reused("Expires and Date past", {"date": At(-7200), "expires": At(-3600)}),
    not_reused("Expires and Age", {"date": At(0), "expires": At(3600), "age": "7200"}),
    reused("Expires, Age, slow Date", {"date": At(-10), "expires": At(3600), "age": "15"}),
    not_reused("Expires with a Date ahead", {"date": At(7200), "expires": At(3600)}),
    not_reused("Expires, a Date behind, Age", {"date": At(-10), "expires": At(10), "age": "25"}),
    reused("Expires in the far future", {"expires": "Thu, 18 Aug 2050 02:01:18 GMT"}),
]

CC_PARSING = [
    reused("max-age in capitals", {"cache-control": "MaX-aGe=3600"}),
    reused("extension behind", {"cache-control": "max-age=3600, extension"}),
    reused("extension before", {"cache-control": "extension, max-age=3600"}),
    reused("extension with a value", {"cache-control": "foobar=60, max-age=3600"}),
    reused("empty members", {"cache-control": ",, max-age=3600 ,"}),
    reused("no space", {"cache-control": "public,max-age=3600"}),
    reused("tabs", {"cache-control": "public,\tmax-age=3600\t"}),
    reused("two lines", {"cache-control": ["public", "max-age=3600"]}),
    not_reused("two lines, no-store behind", {"cache-control": ["max-age=3600", "no-store"]}),
    reused("leading zeros", {"cache-control": "max-age=003600"}),
    not_reused("negative", {"cache-control": "max-age=-3600"}),
    not_reused("a letter before", {"cache-control": "max-age=a3600"}),
    not_reused("a letter behind", {"cache-control": "max-age=3600a"}),
    not_reused("a fraction", {"cache-control": "max-age=3600.0"}),
    not_reused("single quotes", {"cache-control": "max-age='3600'"}),
    reused("quotes", {"cache-control": 'max-age="3600"'}),
    not_reused("an empty argument", {"cache-control": "max-age="}),
    not_reused("no argument", {"cache-control": "max-age"}),
    not_reused("space before =", {"cache-control": "max-age =3600"}),
    not_reused("space behind =", {"cache-control": "max-age= 3600"}),
    not_reused(
        "max-age quoted in another", {"cache-control": 'extension="max-age=3600", max-age=0'}
    ),
    not_reused("max-age 0, quoted max-age", {"cache-control": 'max-age=0, extension="max-age=9"'}),
    reused("quoted max-age 0", {"cache-control": 'extension="max-age=0", max-age=3600'}),
    reused("a quoted comma", {"cache-control": 'extension="a, max-age=0,", max-age=3600'}),
    reused("an escaped quote", {"cache-control": 'ext="a\\", max-age=0, ", max-age=3600'}),
    not_reused("only in quotes", {"cache-control": 'extension="max-age=3600"'}),
    not_reused("a longer name", {"cache-control": "xmax-age=3600"}),
    not_reused("a name that is longer behind", {"cache-control": "max-agex=3600"}),
    not_reused("no-store in capitals", {"cache-control": "No-StOrE, max-age=3600"}),
    not_reused("an unclosed quote before", {"cache-control": 'a="b, no-store, max-age=3600'}),
    not_reused("first of two counts", {"cache-control": "max-age=0, max-age=3600"}),
    not_reused("semicolons", {"cache-control": "public; max-age=3600"}),
]

AGE_PARSING = [
    reused("Age no number", {"cache-control": "max-age=3600", "age": "abc"}),
    reused("Age negative", {"cache-control": "max-age=3600", "age": "-7200"}),
    reused("Age with a fraction", {"cache-control": "max-age=3600", "age": "7200.0"}),
    reused("Age with a letter behind", {"cache-control": "max-age=3600", "age": "7200a"}),
    reused("Age with a letter before", {"cache-control": "max-age=3600", "age": "a7200"}),
    reused("Age in quotes", {"cache-control": "max-age=3600", "age": '"7200"'}),
    reused("Age empty", {"cache-control": "max-age=3600", "age": ""}),
    reused("Age with a parameter", {"cache-control": "max-age=3600", "age": "7200;foo=bar"}),
    not_reused("Age listed, first old", {"cache-control": "max-age=3600", "age": "7200, 0"}),
    reused("Age listed, first 0", {"cache-control": "max-age=3600", "age": "0, 7200"}),
    reused("Age listed, twice 0", {"cache-control": "max-age=3600", "age": "0, 0"}),
    not_reused("Age in lines, first old", {"cache-control": "max-age=3600", "age": ["7200", "0"]}),
    reused("Age in lines, first 0", {"cache-control": "max-age=3600", "age": ["0", "7200"]}),
    not_reused("Age, then none", {"cache-control": "max-age=3600", "age": "7200, abc"}),
    not_reused("Age 2^31 - 1", {"cache-control": "max-age=3600", "age": "2147483647"}),
    not_reused("Age 2^31", {"cache-control": "max-age=3600", "age": "2147483648"}),
    not_reused("Age beyond 64 bits", {"cache-control": "max-age=3600", "age": "9" * 30}),
    not_reused("Age with zeros", {"cache-control": "max-age=3600", "age": "007200"}),
]

_IMF = "%a, %d %b %Y %H:%M:%S GMT"
DATE_PARSING = [
    reused("rfc 850", {"expires": At(3600, "%A, %d-%b-%y %H:%M:%S GMT")}),
    reused("asctime", {"expires": At(3600, "%a %b %e %H:%M:%S %Y")}),
    reused("month in capitals", {"expires": "Fri, 01 JAN 2038 01:01:01 GMT"}),
    reused("weekday in capitals", {"expires": "FRI, 01 Jan 2038 01:01:01 GMT"}),
    reused("zone in small letters", {"expires": "Fri, 01 Jan 2038 01:01:01 gmt"}),
    reused("another weekday", {"expires": "Mon, 01 Jan 2038 01:01:01 GMT"}),
    not_reused("expires 0", {"expires": "0"}),
    not_reused("expires -1", {"expires": "-1"}),
    not_reused("expires empty", {"expires": ""}),
    not_reused("a word", {"expires": "never"}),
    not_reused("UTC", {"expires": At(3600, "%a, %d %b %Y %H:%M:%S UTC")}),
    not_reused("AEST", {"expires": At(90000, "%a, %d %b %Y %H:%M:%S AEST")}),
    not_reused("an offset", {"expires": At(3600, "%a, %d %b %Y %H:%M:%S +0000")}),
    not_reused("no zone", {"expires": At(3600, "%a, %d %b %Y %H:%M:%S")}),
    not_reused("year of two digits", {"expires": At(3600, "%a, %d %b %y %H:%M:%S GMT")}),
    not_reused("hour of one digit", {"expires": "Fri, 01 Jan 2038 1:01:01 GMT"}),
    not_reused("dashes", {"expires": At(3600, "%a, %d-%b-%Y %H:%M:%S GMT")}),
    not_reused("no comma", {"expires": At(3600, "%a %d %b %Y %H:%M:%S GMT")}),
    not_reused("dots in the time", {"expires": At(3600, "%a, %d %b %Y %H.%M.%S GMT")}),
    not_reused("double spaces", {"expires": At(3600, "%a, %d  %b  %Y  %H:%M:%S GMT")}),
    not_reused("ISO 8601", {"expires": At(3600, "%Y-%m-%dT%H:%M:%SZ")}),
    not_reused("seconds since the epoch", {"expires": "2147483647"}),
    not_reused("31st of February", {"expires": "Fri, 31 Feb 2038 01:01:01 GMT"}),
    reused("Date unreadable", {"cache-control": "max-age=3600", "date": "yesterday"}),
]

STORABLE = (200, 203, 204, 299, 300, 301, 302, 303, 307, 308, 400, 404, 405, 410, 414, 499, 500)
STATUSES: list[Script] = [
    *(reused(f"{s} fresh", {"cache-control": "max-age=3600"}, status=s) for s in STORABLE),
    *(
        reused(f"{s} fresh", {"cache-control": "max-age=99"}, status=s)
        for s in (502, 503, 504, 599)
    ),
    *(not_reused(f"{s} stale", {"cache-control": "max-age=2"}, wait=3, status=s) for s in STORABLE),
    *(
        not_reused(f"{s} stale", {"cache-control": "max-age=2"}, wait=3, status=s)
        for s in (502, 503, 504, 599)
    ),
    reused("must-understand", {"cache-control": "max-age=3600, no-store, must-understand"}),
    not_reused(
        "must-understand, unknown status",
        {"cache-control": "max-age=3600, no-store, must-understand"},
        status=599,
    ),
    not_reused(
        "must-understand alone, unknown status",
        {"cache-control": "max-age=3600, must-understand"},
        status=599,
    ),
    script(
        "a redirect keeps its Location",
        Step(status=301, answers={"cache-control": "max-age=9", "location": "/there"}),
        Step(seen=Seen.CACHE, gets=301, has={"location": "/there"}),
    ),
]

CHANGED = At(-100_000)
GUESSED = (200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)
NOT_GUESSED = (201, 202, 302, 303, 307, 403, 429, 502, 503, 504, 599)
GUESSES: list[Script] = [
    *(
        reused(f"{s} guessed", {"last-modified": CHANGED}, status=s, needs="heuristics")
        for s in GUESSED
    ),
    *(
        not_reused(f"{s} not guessed", {"last-modified": CHANGED}, status=s, needs="heuristics")
        for s in NOT_GUESSED
    ),
    reused(
        "599 public",
        {"last-modified": CHANGED, "cache-control": "public"},
        status=599,
        needs="heuristics",
    ),
    not_reused(
        "guess over", {"last-modified": At(-100), "date": At(0)}, wait=20, needs="heuristics"
    ),
    *(
        reused(f"guess by {d} s", {"last-modified": At(-d)}, wait=d // 20, needs="heuristics")
        for d in (60, 600, 3600, 86400, 604800)
    ),
    not_reused("changed ahead", {"last-modified": At(3600)}, needs="heuristics"),
    not_reused(
        "explicit beats a guess",
        {"last-modified": CHANGED, "cache-control": "max-age=0"},
        needs="heuristics",
    ),
    not_reused(
        "unreadable Expires beats a guess",
        {"last-modified": CHANGED, "expires": "0"},
        needs="heuristics",
    ),
    not_reused(
        "unreadable max-age beats a guess",
        {"last-modified": CHANGED, "cache-control": "max-age=x"},
        needs="heuristics",
    ),
    script(
        "a guess tells its Age",
        Step(answers={"last-modified": CHANGED}, wait=5),
        Step(seen=Seen.CACHE, older=5),
        needs="heuristics",
    ),
]
