"""Whether an answer was older than an update that had been acknowledged before the question."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from examples.places.demo.traffic import Ask
from examples.places.models import EVERYWHERE


class Claim(NamedTuple):
    """An answer shows `subject` as it was after the update numbered `version`."""

    subject: str
    version: int


class Watch:
    """Keeps what was acknowledged and counts the answers that are older."""

    def __init__(self) -> None:
        self._acknowledged: dict[str, int] = {}
        self.checked = 0
        self.stale: list[str] = []

    def before(self) -> Mapping[str, int]:
        """What every answer to a question asked now must know of."""
        return self._acknowledged.copy()

    def answered(self, ask: Ask, answer: Any, before: Mapping[str, int]) -> None:
        """Judge the answer to a read; take an update as acknowledged from here on."""
        claims = list(claimed(ask, answer))
        if ask.method == "GET":
            self._check(claims, before)
        else:
            self._acknowledge(claims)

    def _check(self, claims: list[Claim], before: Mapping[str, int]) -> None:
        self.checked += 1
        old = [claim for claim in claims if claim.version < before.get(claim.subject, 0)]
        if old:
            needed = ", ".join(f"{before[claim.subject]} of {claim.subject}" for claim in old)
            self.stale.append(f"an answer did not know of update {needed}")

    def _acknowledge(self, claims: list[Claim]) -> None:
        for subject, version in claims:
            self._acknowledged[subject] = max(version, self._acknowledged.get(subject, 0))


def claimed(ask: Ask, answer: Any) -> Iterator[Claim]:
    """What an answer says it knows of."""
    if "places" in answer and "total" in answer:
        yield Claim(f"country {ask.query.get('country', EVERYWHERE)}", answer["version"])
        for place in answer["places"]:
            yield Claim(f"place {place['id']}", place["version"])
    elif "median_population" in answer:
        yield Claim(f"country {answer['country']}", answer["version"])
    elif "user" in answer:
        yield Claim(f"user {answer['user']}", answer["version"])
    else:
        yield from _claimed_of_place(ask, answer)


def _claimed_of_place(ask: Ask, answer: Any) -> Iterator[Claim]:
    yield Claim(f"place {answer['id']}", answer["version"])
    if ask.method == "PATCH":  # an update of a place is one of its country as well
        yield Claim(f"country {answer['country']}", answer["version"])
        yield Claim(f"country {EVERYWHERE}", answer["version"])
