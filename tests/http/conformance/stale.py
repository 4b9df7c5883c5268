"""What is served when it is stale, and what is not."""

from tests.http.conformance.script import HOUR, Fields, Script, Seen, Step, script

HIT, MISS = Seen.CACHE, Seen.ORIGIN


def _broken(
    said: str, seen: Seen, status: int, *, name: str, sends: Fields | None = None
) -> Script:
    """An answer that is stale while the origin fails; `status` 0: it breaks the connection."""
    second = Step(sends=sends or {}, seen=seen, fails=not status, status=status or 200, gets=None)
    return script(name, Step(answers={"cache-control": said, "etag": '"a"'}, wait=3), second)


FAILED = (500, 502, 503, 504, 0)
STALE = [
    script(
        "while-revalidate",
        Step(answers={"cache-control": "max-age=1, stale-while-revalidate=60"}, says="old", wait=3),
        Step(answers=HOUR, says="new", seen=HIT, body="old", wait=1),
        Step(seen=HIT, body="new"),
    ),
    script(
        "while-revalidate over",
        Step(answers={"cache-control": "max-age=1, stale-while-revalidate=2"}, wait=9),
        Step(answers=HOUR, seen=MISS),
    ),
    script(
        "while-revalidate and must-revalidate",
        Step(
            answers={"cache-control": "max-age=1, stale-while-revalidate=60, must-revalidate"},
            wait=3,
        ),
        Step(seen=MISS),
    ),
    script(
        "while-revalidate and no-cache",
        Step(answers={"cache-control": "max-age=1, stale-while-revalidate=60, no-cache"}),
        Step(seen=MISS),
    ),
    *(_broken("max-age=2, stale-if-error=60", HIT, s, name=f"if-error {s}") for s in FAILED),
    *(_broken("max-age=2", MISS, s, name=f"not said {s}") for s in FAILED),
    *(
        _broken(f"max-age=2, stale-if-error=60, {never}", MISS, s, name=f"{never} {s}")
        for never in ("must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2")
        for s in (503, 0)
    ),
    _broken("max-age=2, stale-if-error=0", MISS, 503, name="if-error over"),
    _broken("max-age=2, stale-if-error=60", MISS, 404, name="if-error 404"),
    _broken("max-age=2", HIT, 503, name="asked for", sends={"cache-control": "stale-if-error=60"}),
    *(
        _broken(
            f"max-age=2, {never}",
            MISS,
            503,
            name=f"asked for, {never}",
            sends={"cache-control": "stale-if-error=60"},
        )
        for never in ("must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2")
    ),
    script(
        "if-error, and then it is well again",
        Step(answers={"cache-control": "max-age=2, stale-if-error=60"}, says="old", wait=3),
        Step(status=503, seen=HIT, body="old", gets=200, wait=10),
        Step(answers=HOUR, says="new", seen=MISS, body="new"),
        Step(seen=HIT, body="new"),
    ),
    script(
        "an error is passed on where nothing is stored",
        Step(status=503, says="broken", gets=503, body="broken"),
    ),
]
