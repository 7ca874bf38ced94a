"""Sentences of a memory that are nearly the one at hand."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from bitexte.records import Suggestion

MOST = 3


class Near:
    """The units of a memory, ready to be searched for sentences like another.

    Likeness is that of rapidfuzz's `ratio`: twice the longest common subsequence over both
    lengths (Indel distance), in [0, 1].
    """

    def __init__(self, units: Iterable[tuple[str, str]], floor: float) -> None:
        self._units = sorted(units, key=lambda unit: len(unit[0]))
        self._sources = [source for source, _ in self._units]
        self._lengths = [len(source) for source in self._sources]
        self._floor = floor

    def suggest(self, text: str) -> tuple[Suggestion, ...]:
        """List the units at least as like as the floor, the best first, at most three."""
        from rapidfuzz import fuzz, process

        # Nothing much shorter or longer can have so much in common.
        shortest = len(text) * self._floor / (2 - self._floor)
        longest = len(text) * (2 - self._floor) / self._floor
        first, last = bisect_left(self._lengths, shortest), bisect_right(self._lengths, longest)
        found = process.extract(
            text,
            self._sources[first:last],
            scorer=fuzz.ratio,
            processor=None,
            score_cutoff=100 * self._floor,
            limit=MOST,
        )
        return tuple(
            Suggestion(
                source=source, target=self._units[first + place][1], score=round(score / 100, 4)
            )
            for source, score, place in found
        )
