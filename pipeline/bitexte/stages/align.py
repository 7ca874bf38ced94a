"""Which source sentences go with which target sentences.

A bead is a run of at most four source sentences with a run of at most four target sentences that
say the same; a sentence without a counterpart is a bead of its own with an empty side. The best
monotone sequence of beads is found by dynamic programming (Gale & Church 1993), as hunalign (Varga
et al. 2005), Vecalign (Thompson & Koehn 2019) and Bertalign (Liu & Zhu 2023) do; `beads.py` says
what each is worth. Long texts are cut at sure anchors first (Moore 2002), so that time grows with
their length and not with its square.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bitexte.stages import lexicon as lexicons
from bitexte.stages.beads import (
    FEATURES,
    NULL_FEATURES,
    Encode,
    Features,
    Floats,
    Places,
    Side,
    sides,
    weights,
)

VERSION = "a1"  # goes into the signature of aligned texts: raise it when the output changes

# A text is cut where this many sentences in a row go one to one, beyond doubt, once so many
# sentences have passed; far more often only where the tables of a part would not fit the memory.
SURE_RUN, PART_SENTENCES, MOST_CELLS, LONGEST_PART = 4, 64, 1_000_000, 4000
ANCHOR_COSINE = 0.4
# Cells of the similarity matrix held at a time while anchors are looked for.
BLOCK_CELLS = 4_000_000

# From the score of a bead, taken by its mass, to how sure it is: fitted on the same sets, with
# beads between texts that have nothing in common as wrong ones.
SHARPNESS = 12.0


@dataclass(frozen=True, slots=True)
class Bead:
    """Sentences `source[0]` to `source[1]`, end excluded, go with `target[0]` to `target[1]`.

    An empty side is an omission or an addition, and its bead holds one sentence. `score` in
    [0, 1] says how like the two sides are; it is 0 where one is empty.
    """

    source: tuple[int, int]
    target: tuple[int, int]
    score: float


def align(
    source: Sequence[str],
    target: Sequence[str],
    encode: Encode,
    languages: tuple[str, str] = ("fr", "en"),
) -> tuple[Bead, ...]:
    """Align two texts, sentence by sentence; the beads are in order and hold every sentence once.

    `encode` gives a vector for each sentence, [n, d], such that sentences of the two languages
    that mean the same lie close. Two neighbours that a translator swapped come out as one bead.
    """
    if not source or not target:
        nulls = [Bead((i, i + 1), (0, 0), 0.0) for i in range(len(source))]
        return tuple(nulls or [Bead((0, 0), (j, j + 1), 0.0) for j in range(len(target))])
    left, right = sides(source, target, encode)
    lexicon = lexicons.load(*languages)
    beads: list[Bead] = []
    for (i, i_end), (j, j_end) in parts(left, right):
        features = Features(left.part(i, i_end), right.part(j, j_end), lexicon, languages)
        beads += [_moved(bead, i, j) for bead in decode(features, weights(lexicon))]
    return tuple(beads)


def _moved(bead: Bead, i: int, j: int) -> Bead:
    (start, end), (first, last) = bead.source, bead.target
    return Bead((start + i, end + i), (first + j, last + j), bead.score)


def parts(left: Side, right: Side) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Cut two long texts into parts that can be aligned on their own: spans of both sides."""
    i = j = 0
    for i_end, j_end in [*_cuts(left, right), (len(left.texts), len(right.texts))]:
        yield from _bounded((i, i_end), (j, j_end))
        i, j = i_end, j_end


def _cuts(left: Side, right: Side) -> Iterator[tuple[int, int]]:
    """Yield places between two sentences of each side, in the midst of a sure run."""
    chain = _chain(_mutual(left.vectors, right.vectors))
    last, half = 0, SURE_RUN // 2
    for place in range(len(chain) - SURE_RUN + 1):
        (i, j), (i_end, j_end) = chain[place], chain[place + SURE_RUN - 1]
        if i_end - i == j_end - j == SURE_RUN - 1 and i + half - last >= PART_SENTENCES:
            last = i + half
            yield i + half, j + half


def _mutual(source: Floats, target: Floats) -> list[tuple[int, int]]:
    """Find the pairs of sentences that are each other's nearest, and near; in source order."""
    rows = max(1, BLOCK_CELLS // len(target))
    best = np.full(len(target), -1.0)
    back = np.zeros(len(target), np.int64)
    ahead: list[Places] = []
    narrow = target.astype(np.float32)
    for start in range(0, len(source), rows):
        near = source[start : start + rows].astype(np.float32) @ narrow.T
        ahead.append(near.argmax(axis=1))
        nearest = near.max(axis=0)
        back = np.where(nearest > best, near.argmax(axis=0) + start, back)
        best = np.maximum(nearest, best)
    partner = np.concatenate(ahead)
    sure = (back[partner] == np.arange(len(source))) & (best[partner] >= ANCHOR_COSINE)
    return [(int(i), int(partner[i])) for i in np.flatnonzero(sure)]


def _chain(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Keep the longest sequence of pairs that rises on both sides (Schensted 1961)."""
    tails: list[int] = []
    places: list[int] = []
    before: list[int] = []
    for place, (_, j) in enumerate(pairs):
        length = bisect_left(tails, j)
        before.append(places[length - 1] if length else -1)
        tails[length : length + 1] = [j]
        places[length : length + 1] = [place]
    chain = []
    place = places[-1] if places else -1
    while place >= 0:
        chain.append(pairs[place])
        place = before[place]
    return chain[::-1]


def _bounded(
    source: tuple[int, int], target: tuple[int, int]
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Halve a part whose tables would not fit: nothing in it goes together beyond doubt."""
    (i, i_end), (j, j_end) = source, target
    rows, columns = i_end - i, j_end - j
    if rows * columns <= MOST_CELLS and max(rows, columns) <= LONGEST_PART:
        yield source, target
        return
    middle, centre = (i + i_end) // 2, (j + j_end) // 2
    yield from _bounded((i, middle), (j, centre))
    yield from _bounded((middle, i_end), (centre, j_end))


def decode(features: Features, weight: Mapping[str, float]) -> list[Bead]:
    """Find the sequence of beads whose scores sum highest."""
    wanted = np.array([weight[name] for name in FEATURES])
    spare = np.array([weight[name] for name in NULL_FEATURES])
    shapes = features.shapes()
    scores = [features.of(a, b) @ wanted for a, b in shapes]
    left, right = features.null(features.left) @ spare, features.null(features.right) @ spare
    masses = [features.mass(a, b) for a, b in shapes]
    beads = []
    for source, target in path(shapes, scores, left, right):
        shape = source[1] - source[0], target[1] - target[0]
        sure = 0.0
        if all(shape):
            place, first = shapes.index(shape), (source[0], target[0])
            sure = 1 / (1 + math.exp(-SHARPNESS * scores[place][first] / masses[place][first]))
        beads.append(Bead(source, target, round(sure, 4)))
    return beads


def path(
    shapes: Sequence[tuple[int, int]], scores: Sequence[Floats], left: Floats, right: Floats
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the spans of the best sequence of beads, in order.

    `scores[k][i, j]` is the score of a bead of shape `shapes[k]` from sentences i and j on, `left`
    and `right` those of single sentences left alone. Among equals, earlier shapes win.
    """
    rows, columns = len(left), len(right)
    spent = np.concatenate([[0.0], np.cumsum(right)])
    best = np.full((rows + 1, columns + 1), -np.inf)
    choice = np.zeros((rows + 1, columns + 1), np.int8)
    moves = [*shapes, (1, 0), (0, 1)]
    for i in range(rows + 1):
        row = np.full((len(moves) - 1, columns + 1), -np.inf)
        for k, (a, b) in enumerate(shapes):
            if i >= a:
                row[k, b:] = best[i - a, : columns + 1 - b] + scores[k][i - a]
        if i:
            row[-1] = best[i - 1] + left[i - 1]
        choice[i] = row.argmax(axis=0)
        reached = row.max(axis=0)
        if not i:
            reached[0] = 0.0
        # Any number of target sentences may be left alone after a cell of this row.
        best[i] = np.maximum.accumulate(reached - spent) + spent
        choice[i, best[i] > reached + 1e-9] = len(moves) - 1
    spans = []
    i, j = rows, columns
    while i or j:
        a, b = moves[choice[i, j]]
        spans.append(((i - a, i), (j - b, j)))
        i, j = i - a, j - b
    return spans[::-1]
