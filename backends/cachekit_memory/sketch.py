"""About how often each key was asked for, in a few bytes for each, however many keys there are."""

from collections.abc import Hashable
from typing import Final

MOST: Final = 255
"""Counts end here: each is one byte."""

COUNTS: Final = 32
"""There are at least so many counts for each cached key, so that few keys share one."""

LEAST: Final = 4096
"""There are at least so many counts: what is copied while few grow to many would disturb."""

PERIOD: Final = 16
"""All counts halve after at least so many requests for each cached key."""

BLOCK: Final = 64
"""So many counts are halved together."""

MIX: Final = 0x9E3779B97F4A7C15
HALVES: Final = tuple(bytes(count >> times for count in range(MOST + 1)) for times in range(9))


class Sketch:
    """Counts that halve with time, so that what was popular once is forgotten.

    A key has one count, which it may share with others: a count-min sketch of one row. Two rows
    change the mean hit ratio by less than 0.2 points, and a miss takes longer. A block of counts is
    halved when one of it is next needed, so that no request waits for all of them.
    """

    def __init__(self) -> None:
        self.keys = 1
        """The most cached keys that this is made for."""
        self._counts = bytearray(LEAST)
        self._ages = bytearray(LEAST // BLOCK)
        self._age = 0
        self._requests = 0

    def count(self, key: Hashable) -> int:
        """About how often `key` was asked for lately, up to 255."""
        return self._counts[self._place(key)]

    def add(self, key: Hashable, requests: int) -> None:
        """Count so many requests for `key`."""
        place = self._place(key)
        self._counts[place] = min(MOST, self._counts[place] + requests)
        self._requests += requests
        if self._requests >= PERIOD * self.keys:
            self._requests, self._age = 0, (self._age + 1) & MOST

    def grow(self) -> None:
        """Be made for twice as many keys, each with the count that it had."""
        self.keys *= 2
        if COUNTS * self.keys > len(self._counts):
            self._counts *= 2
            self._ages *= 2

    def _place(self, key: Hashable) -> int:
        """Where the count of `key` is, halved as often as it should be."""
        place = (hash(key) * MIX >> 40) & len(self._counts) - 1
        block = place // BLOCK
        if self._ages[block] != self._age:
            self._halve(block)
        return place

    def _halve(self, block: int) -> None:
        times = (self._age - self._ages[block]) & MOST
        counts = slice(block * BLOCK, (block + 1) * BLOCK)
        self._counts[counts] = self._counts[counts].translate(HALVES[min(times, 8)])
        self._ages[block] = self._age
