"""Word-translation probabilities: the table and what stands in for it.

A table holds, for each pair of words that translate each other, their lift: how many times more
often they are linked than two words taken at random, c(f, e) · n / (c(f) · c(e)) over the n links
of a corpus. One number serves both directions, as t(e|f) = lift · p(e) and t(f|e) = lift · p(f).
It also holds how often a word is linked to nothing. `models/recipe/wordtable.py` makes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING
from unicodedata import normalize

from bitexte.stages.language import primary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# A lift is stored in a byte: LEVELS a factor of e, from LOWEST (as a logarithm) on.
LEVELS, LOWEST = 14.0, -1.0
# A word's share and the share of it that is linked to nothing, in a byte each.
SHARE_LEVELS, ALONE_LEVELS = 12.0, 255.0
UNKNOWN = -1

_SPELLING = str.maketrans({"’": "'", "‘": "'", "œ": "oe", "æ": "ae", "‐": "-", "‑": "-"})
_NUMBER = re.compile(r"\d[\d., \xa0\u202f\u2009]*\Z")
_PRONOUN = re.compile(r"-(?:t-)?(?=[^\W\d])")
_FORMS = {
    "l'": "le", "d'": "de", "c'": "ce", "j'": "je", "m'": "me", "n'": "ne", "s'": "se",
    "t'": "te", "qu'": "que", "jusqu'": "jusque", "lorsqu'": "lorsque", "puisqu'": "puisque",
    "quoiqu'": "quoique", "quelqu'": "quelque",
    "n't": "not", "'t": "not", "'ll": "will", "'ve": "have", "'re": "are", "'m": "am",
    "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "...": "…", "--": "—", "–": "—",
}  # fmt: skip


@lru_cache(maxsize=1 << 16)
def key(word: str) -> str:
    """Return the form under which a word stands in a table.

    Lower case, one kind of apostrophe and of quote, elided and contracted words in full (`l'` is
    `le`), inverted pronouns without hyphen (`-t-il` is `il`), and numbers without the marks that
    group their digits, with a decimal point.
    """
    word = normalize("NFC", word.lower()).translate(_SPELLING)
    if _NUMBER.match(word):
        *whole, last = re.split("[.,]", re.sub(r"\s", "", word))
        return "".join(whole) + "." * (bool(whole) and len(last) != 3) + last
    return _FORMS.get(word, _PRONOUN.sub("", word, count=1) if word[:1] == "-" else word)


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The table of a language pair; see `load`.

    `source` and `target` number the words; `alone_*` holds the share of a word's occurrences that
    are linked to nothing, `share_*` its share of all links, both by number, and for an unknown
    word at the end; `codes` are sorted, source number · 2^16 + target number, each with its lift.
    """

    source: dict[str, int]
    target: dict[str, int]
    alone_source: Floats
    alone_target: Floats
    share_source: Floats
    share_target: Floats
    codes: NDArray[np.int64]
    lift: NDArray[np.float32]

    def numbers(self, words: Sequence[str], *, target: bool = False) -> NDArray[np.int64]:
        """Return the number of each key of one side, UNKNOWN for a word not in the table."""
        import numpy as np

        known = self.target if target else self.source
        return np.array([known.get(word, UNKNOWN) for word in words], np.int64)

    def lifts(self, source: NDArray[np.int64], target: NDArray[np.int64]) -> Floats:
        """Return the lift of each word of `source` with each of `target`, 0 where none is known.

        Shape (source words, target words).
        """
        import numpy as np

        wanted = (source[:, None] << 16) | (target[None, :] & 0xFFFF)
        places = np.minimum(np.searchsorted(self.codes, wanted), len(self.codes) - 1)
        found = (self.codes[places] == wanted) & (target[None, :] >= 0)
        return np.where(found, self.lift[places], 0.0)

    def known(
        self, source: NDArray[np.int64], target: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Return the pairs of words that the table knows: places in both lists, and the lift.

        For long lists, where the matrix of `lifts` would be nearly empty; each number at most
        once in `target`.
        """
        import numpy as np

        start, end = (np.searchsorted(self.codes, (source + shift) << 16) for shift in (0, 1))
        sizes = np.where(source >= 0, end - start, 0)
        offsets = np.repeat(start - (np.cumsum(sizes) - sizes), sizes)
        spots = offsets + np.arange(sizes.sum())
        where = np.full(1 << 16, UNKNOWN, np.int64)
        where[target[target >= 0]] = np.flatnonzero(target >= 0)
        columns = where[self.codes[spots] & 0xFFFF]
        rows, there = np.repeat(np.arange(len(source)), sizes), columns >= 0
        return rows[there], columns[there], self.lift[spots[there]]


@cache
def load(source_lang: str, target_lang: str) -> Lexicon | None:
    """Return the table from one language to another (BCP 47 tags); None if there is none."""
    name = f"{primary(source_lang)}-{primary(target_lang)}.words.npz"
    resource = files("bitexte.stages").joinpath("data", name)
    if not resource.is_file():
        return None
    import numpy as np

    with resource.open("rb") as file, np.load(file, allow_pickle=False) as table:
        return read({part: table[part] for part in table.files})


def read(table: dict[str, NDArray[np.uint8]]) -> Lexicon:
    """Unpack a table: its words, their counts and the lifts of their pairs."""
    import numpy as np

    source, target = (
        {word: number for number, word in enumerate(table[side].tobytes().decode().split("\n"))}
        for side in ("source", "target")
    )
    rows = np.repeat(np.arange(len(source), dtype=np.int64), table["pairs"])
    lift = np.exp(np.arange(256) / LEVELS + LOWEST).astype(np.float32)
    return Lexicon(
        source=source,
        target=target,
        alone_source=_alone(table["alone_source"]),
        alone_target=_alone(table["alone_target"]),
        share_source=_share(table["share_source"]),
        share_target=_share(table["share_target"]),
        codes=(rows << 16) | table["partners"],
        lift=lift[table["lift"]],
    )


def _alone(levels: NDArray[np.uint8]) -> Floats:
    import numpy as np

    return np.append(levels / ALONE_LEVELS, np.nan)


def _share(levels: NDArray[np.uint8]) -> Floats:
    import numpy as np

    return np.append(np.exp(levels / -SHARE_LEVELS), 0.0)
