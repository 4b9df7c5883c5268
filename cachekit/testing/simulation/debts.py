"""Invalidations that were not acknowledged, and are made up for once the store answers again."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cachekit.testing.simulation.checker import Checker, Claim
from cachekit.testing.simulation.link import RECOVERY, Link


class Debtor(NamedTuple):
    """Who has not forgotten something, and since when."""

    link: Link
    claim: Claim
    since: float


class Debts:
    """The promises for what was not acknowledged.

    Whoever has raised the error reads nothing older from then on. Nobody does, once the link was
    good for a while, if the process that holds the journal still lives.
    """

    def __init__(self, checker: Checker, now: Callable[[], float]) -> None:
        self._checker = checker
        self._now = now
        self._debtors: list[Debtor] = []

    def owe(self, link: Link, claims: Sequence[Claim]) -> None:
        """They were not acknowledged."""
        for claim in claims:
            self._checker.promise(claim, claim.who)
            self._debtors.append(Debtor(link, claim, self._now()))

    def collect(self) -> None:
        """Hold everybody to what must have been made up for by now."""
        now, left = self._now(), list[Debtor]()
        for debtor in self._debtors:
            if debtor.since < now - RECOVERY and debtor.link.calm_since(now):
                self._checker.acknowledged(now, debtor.claim)
                self._checker.history.covered["invalidations that were made up for"] += 1
            elif not debtor.link.dead:
                left.append(debtor)
        self._debtors = left
