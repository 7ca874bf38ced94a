"""Which source words go with which target words.

Two hidden Markov models (Vogel, Ney and Tillmann 1996; with Och and Ney's 2003 empty word) read a
pair, one each way: words follow one another in one language about as they do in the other, and
what a word is linked to is told by a table (`bitexte.stages.lexicon`), by spelling, and by a
translation model's attention where there is one. A link is kept where both models agree on it:
where the geometric mean of their posteriors passes a threshold (Liang, Taskar and Klein 2006).

Nothing is learned from the input, and no pair is read with another: the links of a pair are the
same in any company. Works on any pair of texts, whoever translated them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bitexte.records import Links
from bitexte.stages.lexicon import UNKNOWN, Lexicon, key

# Goes into every signature: raise it when the output changes, be it by the words themselves.
VERSION = "w1"

Floats: TypeAlias = NDArray[np.float64]
Words: TypeAlias = Sequence[str]

# A link is kept from this posterior on.
THRESHOLD = 0.5
# The lift of two words of which nothing is known, and of two that are spelt alike, for words that
# the table lacks and for those it has; what is spelt alike in part counts for less.
FLOOR = 0.2
SAME, ALIKE = 1000.0, 300.0
KNOWN = 0.05
ALIKE_CHARS, MIN_ALIKE_CHARS, MIN_ALIKE = 12, 3, 0.5
# The share of a word's occurrences that are linked to nothing, for a word not in the table, and
# how much of that share counts.
ALONE, ALONE_WEIGHT = 0.2, 0.7
# How far attention is believed: its power beside a table and without one, and what stands for
# attention that is nowhere.
TRUST, TRUST_ALONE, DOUBT = 0.7, 1.5, 0.3

# How often the next word is linked d words after the last one: counted on French and English, then
# adjusted on Alibi with the constants above.
NEXT, AGAIN = 0.5, 0.01  # d = 1, d = 0
AHEAD, AHEAD_POWER = 0.145, 2.75  # d = 2, and how it falls from there
BACK, BACK_POWER = 0.08, 1.85  # d = -1, and how it falls from there

# A pair with a longer side is cut in two, and links across the cut are lost.
MAX_WORDS = 512
# Pairs of like size are read together, so many cells at a time.
BATCH_CELLS = 1 << 16
# Any word may be linked; and no division by nothing.
MIN_LINKED, TINY = 0.2, 1e-300


@dataclass(frozen=True, slots=True)
class _Block:
    """A pair, or a part of one that is too large to read at once."""

    pair: int
    source: slice
    target: slice

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.stop - self.source.start, self.target.stop - self.target.start


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What is known of a block before its words' order.

    `lift` (source, target words) compares a link with chance; `alone_source` and `alone_target`
    hold each word's probability of being linked to nothing.
    """

    lift: Floats
    alone_source: Floats
    alone_target: Floats


def link(
    pairs: Sequence[tuple[Words, Words]],
    lexicon: Lexicon | None,
    attention: Sequence[Floats | None] | None = None,
) -> list[Links]:
    """Return the links of each pair, in the order of the pairs.

    A pair is the words of a source and of a target as they stand in the text; a link is the
    positions of two of them, from 0, and links are sorted. `lexicon` is None for languages without
    a table. `attention`, of shape (source, target words), says for each target word how much of
    the model's attention each source word had, in [0, 1]; None for a pair without any.
    """
    given = attention or [None] * len(pairs)
    blocks = [
        block
        for number, (source, target) in enumerate(pairs)
        for block in _blocks(number, slice(0, len(source)), slice(0, len(target)))
    ]
    found: list[list[tuple[int, int]]] = [[] for _ in pairs]
    for batch in _batches(blocks):
        evidence = [
            _evidence(
                pairs[block.pair][0][block.source],
                pairs[block.pair][1][block.target],
                lexicon,
                _part(given[block.pair], block),
            )
            for block in batch
        ]
        for block, agreed in zip(batch, _agreement(evidence), strict=True):
            rows, columns = np.nonzero(agreed > THRESHOLD)
            rows, columns = rows + block.source.start, columns + block.target.start
            found[block.pair] += zip(rows.tolist(), columns.tolist(), strict=True)
    return [tuple(sorted(links)) for links in found]


def _blocks(pair: int, source: slice, target: slice) -> Iterator[_Block]:
    """Halve a pair until its parts can be read; a pair with an empty side has no part."""
    block = _Block(pair, source, target)
    rows, columns = block.shape
    if not rows or not columns:
        return
    if max(rows, columns) <= MAX_WORDS:
        yield block
        return
    middle, centre = source.start + rows // 2, target.start + columns // 2
    yield from _blocks(pair, slice(source.start, middle), slice(target.start, centre))
    yield from _blocks(pair, slice(middle, source.stop), slice(centre, target.stop))


def _batches(blocks: Sequence[_Block]) -> Iterator[list[_Block]]:
    """Group blocks of like shape."""
    batch: list[_Block] = []
    rows = columns = 0
    for block in sorted(blocks, key=lambda block: block.shape):
        rows, columns = (max(a, b) for a, b in zip(block.shape, (rows, columns), strict=True))
        if batch and rows * columns * (len(batch) + 1) > BATCH_CELLS:
            yield batch
            batch, (rows, columns) = [], block.shape
        batch.append(block)
    if batch:
        yield batch


def _part(attention: Floats | None, block: _Block) -> Floats | None:
    return None if attention is None else attention[block.source, block.target]


def _evidence(
    source: Words, target: Words, lexicon: Lexicon | None, attention: Floats | None
) -> _Evidence:
    left, right = [key(word) for word in source], [key(word) for word in target]
    likeness = _likeness(left, right)
    alone = [np.full(len(side), ALONE) for side in (left, right)]
    if lexicon:
        rows, columns = lexicon.numbers(left), lexicon.numbers(right, target=True)
        known = (rows != UNKNOWN)[:, None] & (columns != UNKNOWN)
        numbers = _numbers(left)[:, None] & _numbers(right)
        likeness[known & ~numbers] *= KNOWN
        # A number goes with the same number, whatever a table has seen beside it.
        likeness = np.maximum(likeness, lexicon.lifts(rows, columns) * ~numbers)
        alone = [lexicon.alone_source[rows], lexicon.alone_target[columns]]
        alone = [np.where(np.isnan(shares), ALONE, shares) for shares in alone]
    lift = likeness + FLOOR
    if attention is not None:
        trust = TRUST if lexicon else TRUST_ALONE
        lift *= ((attention * len(source) + DOUBT) / (1 + DOUBT)) ** trust
    return _Evidence(lift, *alone)


def _likeness(left: Sequence[str], right: Sequence[str]) -> Floats:
    """Return the lift that spelling gives: the same word, or the same beginning of one."""
    rows, columns = _letters(left), _letters(right)
    equal = (rows[:, None] == columns) & (rows[:, None] > 0)
    common = np.logical_and.accumulate(equal, axis=2).sum(axis=2)
    longest = np.maximum(_lengths(left)[:, None], _lengths(right))
    share = common / longest
    alike = (common >= MIN_ALIKE_CHARS) & (share > MIN_ALIKE) & ~_numbers(left)[:, None]
    return np.where(_same(left, right), SAME, np.where(alike, ALIKE * share**2, 0.0))


def _numbers(words: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([word.replace(".", "").isdigit() for word in words], bool)


def _same(left: Sequence[str], right: Sequence[str]) -> NDArray[np.bool_]:
    numbers: dict[str, int] = {}
    rows, columns = (
        np.array([numbers.setdefault(word, len(numbers)) for word in side])
        for side in (left, right)
    )
    same: NDArray[np.bool_] = rows[:, None] == columns
    return same


def _letters(words: Sequence[str]) -> NDArray[np.uint32]:
    """Return the first letters of words as numbers, 0 after a word's end."""
    cut = np.array([word[:ALIKE_CHARS] for word in words], f"U{ALIKE_CHARS}")
    return cut.view(np.uint32).reshape(len(words), ALIKE_CHARS)


def _lengths(words: Sequence[str]) -> NDArray[np.int64]:
    return np.array([max(1, len(word)) for word in words])


def _agreement(evidence: Sequence[_Evidence]) -> list[Floats]:
    """Return the geometric mean of both models' posteriors, of the shape of each lift."""
    rows = np.array([len(one.alone_source) for one in evidence])
    columns = np.array([len(one.alone_target) for one in evidence])
    lift = np.zeros((len(evidence), rows.max(), columns.max()))
    # An absent word is linked to nothing, which leaves the models as they were.
    alone_source, alone_target = np.ones(lift.shape[:2]), np.ones((len(evidence), columns.max()))
    for place, one in enumerate(evidence):
        lift[place, : rows[place], : columns[place]] = one.lift
        alone_source[place, : rows[place]] = one.alone_source
        alone_target[place, : columns[place]] = one.alone_target
    backward = _posterior(lift, alone_source, columns)
    forward = _posterior(lift.swapaxes(1, 2), alone_target, rows).swapaxes(1, 2)
    agreed = np.sqrt(forward * backward)
    return [agreed[place, :m, :n] for place, (m, n) in enumerate(zip(rows, columns, strict=True))]


def _posterior(lift: Floats, alone: Floats, states: NDArray[np.int64]) -> Floats:
    """Return each link's posterior in a model that emits one side's words from the other's.

    `lift` has the shape (pairs, emitted words, states), `alone` (pairs, emitted words); `states`
    counts each pair's states. A word that is linked to nothing leaves the state as it was.
    """
    steps, width = lift.shape[1:]
    jumps, starts, reach = _jumps(width, states)
    weight = np.clip(1 - alone, MIN_LINKED, 1) * (lift.sum(axis=2) > 0)
    emitted = lift * weight[:, :, None]
    nothing = np.where(weight > 0, alone * ALONE_WEIGHT, 1.0)
    linked, scale = np.empty_like(lift), np.empty(alone.shape)
    before = starts
    for step in range(steps):
        arrived = before if step == 0 else (before / reach) @ jumps
        here = arrived * emitted[:, step]
        after = here + nothing[:, step, None] * before
        scale[:, step] = np.maximum(after.sum(axis=1), TINY)
        linked[:, step] = here / scale[:, step, None]
        before = after / scale[:, step, None]
    ends = np.where(
        np.arange(width) < states[:, None], _frequency(states[:, None] - np.arange(width)), 0
    )
    later = ends / np.maximum((before * ends).sum(axis=1), TINY)[:, None]
    for step in range(steps - 1, -1, -1):
        linked[:, step] *= later
        if step:
            ahead = (emitted[:, step] * later) @ jumps.T / reach
            later = (ahead + nothing[:, step, None] * later) / scale[:, step, None]
    return linked


def _jumps(width: int, states: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Return jump frequencies (from, to), the first state's probabilities, and each row's sum."""
    place = np.arange(width)
    jumps = _frequency(place - place[:, None])
    present = place < states[:, None]
    starts = np.where(present, _frequency(place + 1), 0)
    sums = np.cumsum(jumps, axis=1)[:, states - 1].T
    return jumps, starts / starts.sum(axis=1, keepdims=True), sums


def _frequency(jump: NDArray[np.int64]) -> Floats:
    """Return how often a jump so wide is made; not normalised."""
    width = np.maximum(np.abs(jump), 1).astype(float)
    ahead, back = AHEAD * (width / 2) ** -AHEAD_POWER, BACK * width**-BACK_POWER
    return np.select(
        [jump == 1, jump == 0, jump > 0],
        [np.full(jump.shape, NEXT), np.full(jump.shape, AGAIN), ahead],
        back,
    )
