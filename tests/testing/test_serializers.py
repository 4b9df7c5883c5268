"""The suite for authors of serializers notices lies; that it passes the truth, msgpack shows."""

import inspect
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from cachekit.testing.serializers import SerializerSuite
from tests.testing import lying_serializers

FILE = Path(lying_serializers.__file__)
ROOT = FILE.parents[2]

UNKNOWN = "what_it_cannot_know_comes_back_or_is_refused_by_name"
LIES: list[tuple[str, str, str]] = [
    ("DropsTuples", "no_type_is_changed_in_silence", "(1, (2,)) came back as [1, (2,)]"),
    ("TakesEverything", "no_type_is_changed_in_silence", "came back as"),
    ("TakesEverything", UNKNOWN, "came back as"),
    ("TakesEverything", "a_circle_comes_back_or_is_refused", "came back as something else"),
    ("StraightensCircles", "a_circle_comes_back_or_is_refused", "a dict that holds itself"),
    ("RaisesWhatItLikes", UNKNOWN, "TypeError"),
    ("RaisesWhatItLikes", "what_is_nested_without_end_harms_nobody", "TypeError, no EncodeError"),
    ("SaysNothing", UNKNOWN, "does not say what to cache"),
    ("SaysNothing", "what_it_must_refuse_it_refuses_and_says_what_to_use", "bytes(value)"),
    ("HashesItsSchema", "both_are_the_same_in_another_process", "in another process it has"),
    ("CountsItsValues", "both_stay_as_they_are", "honest"),
    ("IsCalledTooMuch", "its_id_is_1_to_32_ascii_characters", "33"),
    ("IsCalledTooMuch", "its_fingerprint_is_at_most_16_bytes", "17"),
    ("SharesABuffer", "threads_do_not_disturb_each_other", "among threads"),
    ("Remembers", "what_comes_back_is_new_each_time", "is one object, twice"),
    ("Reverses", "a_value_stays_as_it_is", "dumps changed [1, 2] to [2, 1]"),
    ("BelievesLengths", "a_claim_of_gigabytes_takes_no_memory", "asked for more than 256 MB"),
    ("ListsWhatIsWrong", "many_small_items_take_little_memory", "asked for more than 256 MB"),
    ("Recurses", "bytes_nested_without_end_harm_nobody", "ended the process: SIGABRT"),
    ("CountsTo", "bytes_of_other_formats_harm_nobody", "0xc1 took more than"),
    ("Exits", "bytes_of_other_formats_harm_nobody", "no bytes raised SystemExit"),
    ("ReadsHalf", "bytes_of_other_formats_harm_nobody", "no UnreadableError"),
    ("Pickles", "nothing_that_bytes_name_is_called_or_imported", "called what the bytes name"),
    ("Expands", "bombs_take_no_memory", "1 GiB as gzip asked for more than 256 MB"),
    ("WritesDeeperThanItReads", "what_is_nested_comes_back_or_is_refused", "498 lists in each"),
    ("LosesTheDepth", "what_is_nested_comes_back_or_is_refused", "as something else"),
    ("BindsToNothing", "bytes_of_another_entry_are_refused", "was read"),
    ("SignsTheContextOnly", "damaged_bytes_of_an_entry_are_refused", "was read"),
    ("SignsNoBorder", "nothing_can_be_moved_between_an_entry_and_its_bytes", "was read"),
    ("NamesItsEntry", "it_is_called_the_same_for_each_entry", "honest"),
    ("DropsWhatItBinds", "a_value_comes_back_for_its_entry", "(1,) came back as [1]"),
    ("PicklesBehindAByte", "nothing_that_bytes_name_is_called_or_imported", "called what"),
    ("ImportsNames", "nothing_that_bytes_name_is_called_or_imported", "imported what"),
    ("ImportsNamesInMaps", "nothing_that_bytes_name_is_called_or_imported", "imported what"),
    ("ImportsNamesInJson", "nothing_that_bytes_name_is_called_or_imported", "imported what"),
]


@cache
def report() -> str:
    """What pytest says of all lies: one line for each that was noticed."""
    tests = [f"{FILE}::TestLiars::test_{test}[{liar}]" for liar, test, _ in LIES]
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--tb=short", *tests],
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": "", "COLUMNS": "400"},
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("liar", "test", "why"), LIES, ids=[f"{liar}-{test}" for liar, test, _ in LIES]
)
def test_a_lie_is_noticed(liar: str, test: str, why: str) -> None:
    (line,) = [line for line in report().splitlines() if f"::test_{test}[{liar}]" in line]
    assert line.startswith("FAILED")
    assert why in line


def test_every_liar_is_asked() -> None:
    liars = {liar.__name__ for liar in lying_serializers.Honest.__subclasses__()}
    assert {liar for liar, _, _ in LIES} == liars


def test_a_suite_without_a_serializer_says_what_to_write() -> None:
    class Forgetful(SerializerSuite):
        values = [1]

    with pytest.raises(NotImplementedError, match="Forgetful has no serializer: write a fixture"):
        inspect.unwrap(Forgetful.serializer)(Forgetful())
