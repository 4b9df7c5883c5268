"""The suite for authors of steps notices lies, and lets the truth pass."""

import inspect
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from cachekit.testing.steps import StepSuite
from tests.testing import lying_guards, lying_steps

ROOT = Path(__file__).parents[2]
STEPS, GUARDS = "tests/testing/lying_steps.py", "tests/testing/lying_guards.py"

BOMB = "bombs_take_no_memory"
ELSEWHERE = "another_process_gives_it_the_same_id_and_makes_what_it_reads"
MOVED = "nothing_can_be_moved_into_the_context_or_out_of_it"
LIES: list[tuple[str, str, str]] = [
    ("IsCalledTooMuch", "its_id_is_1_to_32_printable_ascii_characters_without_a_plus", "37"),
    ("HashesItsName", ELSEWHERE, "in another process it is"),
    ("CountsItsBytes", "its_id_stays_as_it_is", "honest"),
    ("ReturnsWhatItFilled", "data_comes_back_as_it_was", "bytes, not bytearray"),
    ("WritesText", "it_adds_at_most_1_kb", "more than the 1048576 of the data"),
    ("StripsZeros", "data_comes_back_as_it_was", "came back as"),
    ("SharesABuffer", "threads_do_not_disturb_each_other", "among threads"),
    ("KnowsNoLimit", "what_is_over_the_limit_is_refused", "at a limit of 0 was read"),
    ("CutsAtTheLimit", "what_is_over_the_limit_is_refused", "at a limit of 0 was read"),
    ("StopsBeforeTheLimit", "data_comes_back_as_it_was", "not 2199 bytes"),
    ("LooksAfterwards", "its_own_bytes_of_much_more_take_no_memory", "asked for more than"),
    ("ExpandsZlib", BOMB, "1 GiB as zlib asked for more than 256 MB"),
    ("ExpandsDeflate", BOMB, "1 GiB as deflate asked for more than 256 MB"),
    ("ExpandsGzip", BOMB, "1 GiB as gzip asked for more than 256 MB"),
    ("ExpandsBz2", BOMB, "1 GiB as bz2 asked for more than 256 MB"),
    ("ExpandsXz", BOMB, "1 GiB as xz asked for more than 256 MB"),
    ("ExpandsZstd", BOMB, "1 GiB as zstd asked for more than 256 MB"),
    ("ExpandsBehindAByte", BOMB, "1 GiB as gzip after"),
    ("BelievesLengths", "a_claim_of_gigabytes_takes_no_memory", "asked for more than 256 MB"),
    ("Recurses", "bytes_nested_without_end_harm_nobody", "ended the process: SIGABRT"),
    ("Exits", "bytes_of_other_formats_harm_nobody", "no bytes raised SystemExit"),
    ("ReadsHalf", "damaged_bytes_harm_nobody", "no UnreadableError"),
    ("Guesses", "random_bytes_harm_nobody", "was read as NoneType, not bytes"),
    ("Pickles", "nothing_that_bytes_name_is_called_or_imported", "called what the bytes name"),
]
SIGNED_LIES: list[tuple[str, str, str]] = [
    ("MakesUpAKey", ELSEWHERE, "it reads 0 of 6"),
    ("ForgetsTheContext", "bytes_of_another_context_are_refused", "was read"),
    ("KnowsTheKeyOnly", "bytes_of_another_context_are_refused", "was read"),
    ("LooksAtHalfTheCode", "a_changed_bit_is_noticed", "bit 0 of byte 8 changed"),
    ("SignsTheBeginning", "what_is_missing_or_added_is_noticed", "without the last 1 was read"),
    ("LetsUnsignedPass", "what_is_missing_or_added_is_noticed", "without the"),
    (
        "SignsNoBorder",
        MOVED,
        "the last 1 of their context, put at 16 of 16 bytes, was read",
    ),
    ("SignsTheContextLast", MOVED, "the first 1 of their context, put at 16 of 16 bytes, was"),
    ("SignsAColonBetween", MOVED, "bytes without b':' at 16, put behind their context, was read"),
]
HIDDEN_LIES: list[tuple[str, str, str]] = [
    ("FixesTheNonce", "the_same_data_never_become_the_same_bytes", "became 1 different"),
    ("CountsFromZero", "a_process_that_was_forked_makes_other_bytes", "another one uses again"),
    ("HidesNothing", "the_data_cannot_be_seen_in_the_bytes", "of the data is in the bytes"),
    ("HidesEachBlockAlike", "the_data_cannot_be_seen_in_the_bytes", "is repeated in the bytes"),
]
ALL = [
    *((f"{STEPS}::TestLiars", *lie) for lie in LIES),
    *((f"{GUARDS}::TestSignedLiars", *lie) for lie in SIGNED_LIES),
    *((f"{GUARDS}::TestHiddenLiars", *lie) for lie in HIDDEN_LIES),
    (
        f"{STEPS}::TestHanging",
        "CountsTo",
        "bytes_of_other_formats_harm_nobody",
        "0xc1 took more than",
    ),
]

HONEST = (f"{STEPS}::TestHonest", f"{GUARDS}::TestSigned")


@cache
def report() -> list[str]:
    """What pytest says of all lies, and of what does not lie: a line for each that it noticed."""
    lies = [f"{kit}::test_{test}[{liar}]" for kit, liar, test, _ in ALL]
    tests = [*lies, *HONEST]
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--tb=short", *tests],
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": "", "COLUMNS": "400"},
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("liar", "test", "why"), [lie[1:] for lie in ALL], ids=[f"{lie[1]}-{lie[2]}" for lie in ALL]
)
def test_a_lie_is_noticed(liar: str, test: str, why: str) -> None:
    (line,) = [line for line in report() if f"::test_{test}[{liar}]" in line]
    assert line.startswith("FAILED")
    assert why in line


def test_the_truth_passes() -> None:
    assert [line for line in report() if any(f"{kit}::" in line for kit in HONEST)] == []
    assert f"{len(ALL)} failed" in report()[-1]


def test_every_liar_is_asked() -> None:
    liars: list[type[object]] = lying_steps.liars(lying_steps.Honest)
    liars += [*lying_guards.Signed.__subclasses__(), *lying_guards.Hidden.__subclasses__()]
    assert {liar for _, liar, _, _ in ALL} == {liar.__name__ for liar in liars}


def test_a_suite_without_a_step_says_what_to_write() -> None:
    class Forgetful(StepSuite):
        guards = False
        hides = False

    with pytest.raises(NotImplementedError, match="Forgetful has no step: write a fixture"):
        inspect.unwrap(Forgetful.step)(Forgetful())
