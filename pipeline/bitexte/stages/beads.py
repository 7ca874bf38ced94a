"""What a bead of sentences is worth: its features, and their weights.

A bead is a run of sentences of one side with a run of the other. Its score is a weighted sum of
how like the runs are: the cosine of their vectors, made of their sentences' (as in Vecalign,
Thompson & Koehn 2019), and, where there is a table of word translations, the shares of content
words that the other side translates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitexte.stages import lexicon as lexicons
from bitexte.stages.lexicon import Lexicon
from bitexte.stages.tokens import words

Floats = NDArray[np.floating]
Places = NDArray[np.int64]
Encode = Callable[[Sequence[str]], NDArray[np.float32]]

LONGEST_RUN = 4
SHAPES = tuple((a, b) for a in range(1, LONGEST_RUN + 1) for b in range(1, LONGEST_RUN + 1))

# What a bead is scored by. The first six grow with the square root of its length in characters.
FEATURES = (
    "cosine",  # of the two runs' vectors
    "least",  # the smaller share of content words that the other side translates
    "mean",  # the share of content words of both sides that are translated
    "mass",  # 1
    "length",  # how unlike the lengths are: x² / (1 + x²) of the logarithm x of their ratio
    "outside",  # cosine of each run with the most like sentence just outside the other one
    "swapped",  # of two with two sentences: how much better they go together crosswise
    "1-1",
    "1-2",
    "2-2",
    "1-3",
    "2-3",
    "more",
)
# What a sentence without a counterpart costs: a constant, and one that grows as above.
NULL_FEATURES = ("null", "null mass")

# Fitted on the development halves of the gold sets by `models/recipe/beads.py`.
WITH_LEXICON: Mapping[str, float] = {
    "cosine": 0.694,
    "least": 0.522,
    "mean": 0.525,
    "mass": -0.502,
    "length": -0.560,
    "outside": -0.110,
    "swapped": 0.190,
    "1-1": 0.141,
    "1-2": 0.042,
    "2-2": -0.112,
    "1-3": -0.053,
    "2-3": -0.175,
    "more": -0.337,
    "null": -0.144,
    "null mass": 0.023,
}
WITHOUT_LEXICON: Mapping[str, float] = {
    "cosine": 1.007,
    "least": 0.000,
    "mean": 0.000,
    "mass": -0.489,
    "length": -0.618,
    "outside": -0.111,
    "swapped": 0.166,
    "1-1": 0.141,
    "1-2": 0.040,
    "2-2": -0.125,
    "1-3": -0.051,
    "2-3": -0.193,
    "more": -0.366,
    "null": -0.146,
    "null mass": -0.020,
}
# Short sentences differ more in length, by chance, than long ones.
LENGTH_PAD = 10
# One language takes more room than another: by how much is believed after so many characters, and
# up to this ratio.
USUAL_CHARS, MOST_RATIO = 2000, 1.3
# Words that stand in every other sentence say nothing: e^-3.5 of all words, and more.
COMMON, RAREST = 3.5, 12.0
# So much content is taken as untranslated in every run: short runs are covered by chance.
DOUBT = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The sentences of one side: texts [n], unit vectors [n, d], lengths in characters [n]."""

    texts: Sequence[str]
    vectors: Floats
    lengths: Floats

    def part(self, start: int, end: int) -> Side:
        """Return a run of the sentences."""
        return Side(self.texts[start:end], self.vectors[start:end], self.lengths[start:end])


def sides(source: Sequence[str], target: Sequence[str], encode: Encode) -> tuple[Side, Side]:
    """Measure both sides; lengths of the target are scaled to make both texts equally long."""
    found = []
    for texts in (source, target):
        vectors = np.asarray(encode(texts), np.float64)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        lengths = np.array([len(text) + LENGTH_PAD for text in texts], np.float64)
        found.append(Side(texts, vectors / np.maximum(norms, 1e-9), lengths))
    left, right = found
    # A short text tells little of how long its language is, and one that was cut tells nothing.
    ratio = (left.lengths.sum() + USUAL_CHARS) / (right.lengths.sum() + USUAL_CHARS)
    ratio = min(max(ratio, 1 / MOST_RATIO), MOST_RATIO)
    return left, Side(right.texts, right.vectors, right.lengths * ratio)


def weights(lexicon: Lexicon | None) -> Mapping[str, float]:
    """Return the weights of the features: other ones where no lexicon helps."""
    return WITHOUT_LEXICON if lexicon is None else WITH_LEXICON


class Features:
    """What there is to say of every possible bead of two texts."""

    def __init__(
        self, left: Side, right: Side, lexicon: Lexicon | None, languages: tuple[str, str]
    ) -> None:
        self.left, self.right = left, right
        self.rows, self.columns = len(left.texts), len(right.texts)
        self.mean = (left.lengths.sum() + right.lengths.sum()) / (self.rows + self.columns)
        self._runs = [
            [_run_vectors(side, size) for size in range(1, LONGEST_RUN + 1)]
            for side in (left, right)
        ]
        self._cosines = left.vectors @ right.vectors.T
        both = self.rows and self.columns
        self._cover = (
            Cover(left.texts, right.texts, lexicon, languages) if lexicon and both else None
        )

    def shapes(self) -> list[tuple[int, int]]:
        """List the shapes that beads of these texts can have."""
        return [(a, b) for a, b in SHAPES if a <= self.rows and b <= self.columns]

    def of(self, a: int, b: int) -> Floats:
        """Return the features of all beads of a source and b target sentences.

        Shape (rows - a + 1, columns - b + 1, features): by the first sentence of each side.
        """
        x, y = self._runs[0][a - 1], self._runs[1][b - 1]
        mass = self.mass(a, b)
        unlike = np.log(self._lengths(a, b, np.divide)) ** 2
        found: Floats = np.zeros((*mass.shape, len(FEATURES)))
        found[..., 0] = x @ y.T
        if self._cover:
            found[..., 1], found[..., 2] = self._cover.shares(a, b)
        found[..., 3] = 1
        found[..., 4] = unlike / (1 + unlike)
        found[..., 5] = (
            _outside(x @ self.right.vectors.T, b) + _outside(y @ self.left.vectors.T, a).T
        )
        if (a, b) == (2, 2):
            found[..., 6] = np.maximum(0, self._crosswise())
        found[..., :6] *= mass[..., None]
        found[..., 7 + _kind(a, b)] = 1
        return found

    def mass(self, a: int, b: int) -> Floats:
        """Return the square root of each bead's length, in sentences of mean length."""
        mass: Floats = np.sqrt(self._lengths(a, b, np.add) / 2 / self.mean)
        return mass

    def _lengths(self, a: int, b: int, operation: Callable[[Floats, Floats], Floats]) -> Floats:
        left, right = _sums(self.left.lengths, a), _sums(self.right.lengths, b)
        lengths: Floats = operation(left[:, None], right[None, :])
        return lengths

    def null(self, side: Side) -> Floats:
        """Return the features of each sentence of a side left alone, (sentences, 2)."""
        mass = np.sqrt(side.lengths / 2 / self.mean)
        return np.stack([np.ones_like(mass), mass], axis=1)

    def _crosswise(self) -> Floats:
        near = self._cosines
        return near[:-1, 1:] + near[1:, :-1] - near[:-1, :-1] - near[1:, 1:]


class Cover:
    """How much of each run of sentences the other side's runs translate, by content words.

    A word counts once a sentence, by the surprise that it is, and is translated as well as its
    best translation on the other side is probable.
    """

    def __init__(
        self,
        source: Sequence[str],
        target: Sequence[str],
        lexicon: Lexicon,
        languages: tuple[str, str],
    ) -> None:
        left, right = _Vocabulary(source, languages[0]), _Vocabulary(target, languages[1])
        rows, columns = lexicon.numbers(left.keys), lexicon.numbers(right.keys, target=True)
        shares = lexicon.share_source[rows], lexicon.share_target[columns]
        i, j, lift = lexicon.known(rows, columns)
        same = np.array(list(left.shared(right)), np.int64).reshape(-1, 2)
        i, j = np.append(i, same[:, 0]), np.append(j, same[:, 1])
        forward, backward = (
            np.append(np.minimum(lift * share, 1), np.ones(len(same)))
            for share in (shares[1][j[: len(lift)]], shares[0][i[: len(lift)]])
        )
        self._weights = left.weights(shares[0]), right.weights(shares[1])
        # Of each word of one side, how probable its best translation in each sentence of the other.
        self._best = right.best(i, j, forward, len(rows)), left.best(j, i, backward, len(columns))
        self._memo: dict[tuple[int, int], Floats] = {}

    def shares(self, a: int, b: int) -> tuple[Floats, Floats]:
        """Return for runs of a and b sentences the smaller share covered, and that of both."""
        x, y = _sums(self._covered(0, b), a), _sums(self._covered(1, a), b).T
        whole_x = _sums(self._weights[0].sum(axis=1), a)[:, None]
        whole_y = _sums(self._weights[1].sum(axis=1), b)[None, :]
        least = np.minimum(x / (whole_x + DOUBT), y / (whole_y + DOUBT))
        return least, (x + y) / (whole_x + whole_y + 2 * DOUBT)

    def _covered(self, side: int, size: int) -> Floats:
        """Weigh the words of each sentence of a side that a run of the other side translates."""
        if (side, size) not in self._memo:
            best = self._best[side]
            width = best.shape[1] - size + 1
            runs = best[:, :width]
            for shift in range(1, size):
                runs = np.maximum(runs, best[:, shift : shift + width])
            self._memo[side, size] = self._weights[side] @ runs
        return self._memo[side, size]


class _Vocabulary:
    """The different words of some sentences, and which sentences hold them."""

    def __init__(self, texts: Sequence[str], lang: str) -> None:
        self._places: dict[str, int] = {}
        self.sentences = [
            sorted({self._number(text[start:end]) for start, end in words(text, lang)})
            for text in texts
        ]
        self.keys = list(self._places)

    def _number(self, word: str) -> int:
        return self._places.setdefault(lexicons.key(word), len(self._places))

    def shared(self, other: _Vocabulary) -> Iterator[tuple[int, int]]:
        """Yield the words that stand on both sides as they are: names and numbers."""
        for word, place in self._places.items():
            if word in other._places and any(map(str.isalnum, word)):
                yield place, other._places[word]

    def best(self, others: Places, own: Places, chance: Floats, size: int) -> Floats:
        """Find how well each of `size` words of the other side is translated in each sentence.

        `chance[k]` is the probability that word `own[k]` translates word `others[k]`; the shape
        is (size, sentences).
        """
        held = [len(sentence) for sentence in self.sentences]
        where = np.repeat(np.arange(len(held)), held)
        flat = np.array([word for sentence in self.sentences for word in sentence], np.int64)
        order = np.argsort(flat, kind="stable")
        counts = np.bincount(flat, minlength=len(self.keys))
        first = np.cumsum(counts) - counts
        # Each pair of words once for each sentence that holds the word of this side.
        times = counts[own]
        starts = np.repeat(first[own] - (np.cumsum(times) - times), times)
        found = np.zeros((size, len(held)), np.float32)
        spots = np.repeat(others, times), where[order[starts + np.arange(times.sum())]]
        np.maximum.at(found, spots, np.repeat(chance, times).astype(np.float32))
        return found

    def weights(self, shares: Floats) -> Floats:
        """Weigh the words that each sentence holds, (sentences, words), by their rarity."""
        rarity = np.minimum(-np.log(np.maximum(shares, 1e-9)), RAREST)
        content = [any(map(str.isalnum, word)) for word in self.keys]
        weight = np.maximum(rarity - COMMON, 0) * content
        found = np.zeros((len(self.sentences), len(self.keys)), np.float32)
        for row, held in enumerate(self.sentences):
            found[row, held] = weight[held]
        return found


def _run_vectors(side: Side, size: int) -> Floats:
    """Make unit vectors of all runs of so many sentences: long sentences count for more."""
    runs = _sums(side.vectors * np.sqrt(side.lengths)[:, None], size)
    unit: Floats = runs / np.maximum(np.linalg.norm(runs, axis=1, keepdims=True), 1e-9)
    return unit


def _sums(rows: Floats, size: int) -> Floats:
    """Sum each run of so many rows: (max(0, n - size + 1), …)."""
    total = np.concatenate([np.zeros((1, *rows.shape[1:])), np.cumsum(rows, axis=0)])
    sums: Floats = total[size:] - total[: max(0, len(total) - size)]
    return sums


def _outside(near: Floats, size: int) -> Floats:
    """Find the likest of the two sentences around each run of the columns; none counts 0."""
    padded = np.pad(near, ((0, 0), (1, 1)))
    return np.maximum(padded[:, : -size - 1], padded[:, size + 1 :])


def _kind(a: int, b: int) -> int:
    """Return the number of the prior of a shape, as FEATURES lists them from 1-1 on."""
    if (a, b) == (2, 2):
        return 2
    return min(a + b - 2 + (a + b > 3), 5)
