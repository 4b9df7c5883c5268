"""Each benchmark runs, with as little work as it can have; what it measures is for people."""

import re

import orjson
import pytest

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.measuring import calls_in
from benchmarks.payloads import payloads
from benchmarks.serializers import MOST_BYTES, envelope

LITTLE = ["--rounds", "1", "--hits", "2", "--span", "0"]


def test_several_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    main(["hit", "misses", *LITTLE])
    shown = capsys.readouterr().out
    assert "hit: a decorated async def" in shown
    assert "misses: a miss over its load" in shown
    assert "into bytes" not in shown


def test_all_serializers_and_steps_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    main(["serializers", *LITTLE])
    shown = capsys.readouterr().out
    names = "orjson", "msgpack", "pydantic", "pickle-blake2b", "msgpack\\+zstd", "msgpack\\+aesgcm"
    for name in (*names, "msgpack\\+blake2b", "plain orjson", "plain pickle"):
        assert len(re.findall(f"│ {name} +│", shown)) == 3, f"{name} in {shown}"
    assert "hit:" not in shown
    assert re.search(r"limit +│ +80 │ +3.00 │ +│ +3.00 │", shown)


def test_what_there_is_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--list"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        *BENCHMARKS,
        "profile",
    ]


@pytest.mark.parametrize("wrong", [["serialisers"], ["--rounds", "0"]])
def test_a_wrong_argument_is_named(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(wrong)
    assert wrong[-1] in capsys.readouterr().err


def test_payloads_are_the_same_in_every_run_and_as_large_as_they_say() -> None:
    first, again = payloads(), payloads()
    assert first == again
    sizes = [len(orjson.dumps(payload.plain)) for payload in first]
    assert [round(size, -len(str(size)) + 1) for size in sizes] == [300, 30_000, 1_000_000]


def test_the_envelope_is_within_its_limit() -> None:
    assert envelope().size <= MOST_BYTES


def test_calls_are_as_many_as_fill_the_time() -> None:
    assert calls_in(0.0, lambda: None) == 1
    assert calls_in(0.001, lambda: None) > 100
