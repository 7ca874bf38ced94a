"""Fit the weights of sentence alignment on gold alignments.

    python models/recipe/beads.py GOLD/*.jsonl.gz                    # where there is a lexicon
    python models/recipe/beads.py GOLD/*.jsonl.gz --without-lexicon  # for other languages

A gold line is {"id", "src", "tgt", "src_lang", "tgt_lang", "gold": [[[i..], [j..]], ...]}. Prints
the strict F1 and the F1 of nulls of each file for weights fitted on the other half of its
documents, then the weights of all, as `bitexte/stages/beads.py` holds them. A structured
perceptron (Collins 2002), averaged, with a margin. Repeatable; 2 minutes for six sets.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitexte.engines.vectors import encode
from bitexte.stages import beads, lexicon
from bitexte.stages.align import path
from bitexte.stages.beads import FEATURES, NULL_FEATURES, Features

Floats = NDArray[np.floating]
Span = tuple[int, int]
Links = list[tuple[Span, Span]]

NAMES = (*FEATURES, *NULL_FEATURES)
MARGIN, RATE, EPOCHS = 0.05, 0.006, 12
# Documents are cut at gold 1-1 beads: the tables of a novel would not fit the memory.
PART = 120
# Where fitting starts: a likeness counts, every bead and every sentence costs.
START = {
    "cosine": 0.7, "least": 0.5, "mean": 0.5, "mass": -0.35, "length": -0.4, "outside": -0.1,
    "swapped": 0.2, "1-1": 0.1, "1-2": 0.0, "2-2": -0.1, "1-3": -0.05, "2-3": -0.15, "more": -0.25,
    "null": -0.1, "null mass": 0.05,
}  # fmt: skip
WITHOUT = {"cosine": 0.9, "least": 0.0, "mean": 0.0}
# The only real translations among the sets, few and free: each of their documents counts for more.
OFTEN = {"novels": 3, "textberg": 4}


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a document: the features of all its beads, and the gold ones."""

    shapes: list[Span]
    beads: list[Floats]
    nulls: tuple[Floats, Floats]
    gold: Links

    def best(self, weight: Floats, margin: float = 0.0) -> Links:
        """Decode; with a margin, every bead that is not gold is worth so much more."""
        scores = [table @ weight[: len(FEATURES)] + margin for table in self.beads]
        for source, target in self.gold if margin else ():
            shape = source[1] - source[0], target[1] - target[0]
            if shape in self.shapes:
                scores[self.shapes.index(shape)][source[0], target[0]] -= 2 * margin
        left, right = (table @ weight[len(FEATURES) :] for table in self.nulls)
        return path(self.shapes, scores, left, right)

    def sum(self, links: Links) -> Floats:
        """Sum the features of a sequence of beads."""
        total = np.zeros(len(NAMES))
        for source, target in links:
            shape = source[1] - source[0], target[1] - target[0]
            if shape in self.shapes:
                place = self.shapes.index(shape)
                total[: len(FEATURES)] += self.beads[place][source[0], target[0]]
            elif not all(shape):
                side, first = (0, source[0]) if shape[0] else (1, target[0])
                total[len(FEATURES) :] += self.nulls[side][first]
        return total


def documents(file: Path) -> Iterator[dict[str, Any]]:
    """Read gold documents, the long ones in parts."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield from _parts(json.loads(line))


def _parts(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Cut a document after a 1-1 bead once it is long enough, if nothing crosses there."""
    links = [(set(source), set(target)) for source, target in document["gold"]]
    i = j = 0
    for source, target in sorted(map(_ordered, document["gold"])):
        if len(source) == len(target) == 1 and source[0] - i >= PART:
            end, last = source[0] + 1, target[0] + 1
            if all(_side(a, end) == _side(b, last) for a, b in links if a and b):
                yield _part(document, i, end, j, last)
                i, j = end, last
    yield _part(document, i, len(document["src"]), j, len(document["tgt"]))


def _ordered(link: list[list[int]]) -> tuple[list[int], list[int]]:
    return sorted(link[0]), sorted(link[1])


def _side(numbers: set[int], cut: int) -> frozenset[bool]:
    return frozenset(number < cut for number in numbers)


def _part(document: dict[str, Any], i: int, end: int, j: int, last: int) -> dict[str, Any]:
    gold = [
        ([a - i for a in source], [b - j for b in target])
        for source, target in map(_ordered, document["gold"])
        if (source and i <= source[0] < end) or (not source and j <= target[0] < last)
    ]
    texts = {"src": document["src"][i:end], "tgt": document["tgt"][j:last], "gold": gold}
    return {**document, **texts}


def item(document: dict[str, Any], with_lexicon: bool) -> Item:
    """Measure a document."""
    languages = document["src_lang"], document["tgt_lang"]
    left, right = beads.sides(document["src"], document["tgt"], encode)
    table = lexicon.load(*languages) if with_lexicon else None
    features = Features(left, right, table, languages)
    shapes = features.shapes()
    return Item(
        shapes=shapes,
        beads=[features.of(a, b).astype(np.float32) for a, b in shapes],
        nulls=(features.null(left), features.null(right)),
        gold=list(_spans(document["gold"])),
    )


def _spans(gold: Sequence[tuple[list[int], list[int]]]) -> Iterator[tuple[Span, Span]]:
    """Turn gold links into spans; nulls one sentence each."""
    for source, target in gold:
        if source and target:
            yield (source[0], source[-1] + 1), (target[0], target[-1] + 1)
        for number in source if not target else ():
            yield (number, number + 1), (0, 0)
        for number in target if not source else ():
            yield (0, 0), (number, number + 1)


def fit(items: Sequence[Item], start: Floats, free: Floats) -> Floats:
    """Return the weights, averaged over the last two thirds of the passes; `free` may move."""
    rng = np.random.default_rng(0)
    weight, total, count = start.copy(), np.zeros(len(NAMES)), 0
    for epoch in range(EPOCHS):
        for place in rng.permutation(len(items)):
            one = items[place]
            found = one.best(weight, MARGIN)
            step = one.sum(one.gold) - one.sum(found)
            weight += RATE * free * step / max(1.0, len(one.nulls[0]) ** 0.5)
            if epoch >= EPOCHS // 3:
                total, count = total + weight, count + 1
    return np.asarray(total / count)


def score(items: Sequence[Item], weight: Floats) -> tuple[float, float]:
    """Return strict F1 of beads and F1 of nulls, 0 to 100."""
    counts = np.zeros((2, 3))  # beads, nulls: right, found, gold
    for one in items:
        found, gold = _sorted_out(one.best(weight)), _sorted_out(one.gold)
        for row in (0, 1):
            counts[row] += len(found[row] & gold[row]), len(found[row]), len(gold[row])
    beads_f1, nulls_f1 = (200 * right / max(1, found + gold) for right, found, gold in counts)
    return beads_f1, nulls_f1


def _sorted_out(links: Links) -> tuple[set[tuple[int, ...]], set[tuple[int, ...]]]:
    """Part links into beads and nulls, a null being its side and its sentence."""
    whole: set[tuple[int, ...]] = {(*a, *b) for a, b in links if a[1] > a[0] and b[1] > b[0]}
    alone: set[tuple[int, ...]] = {(0, a[0]) for a, b in links if a[1] > a[0] and b[1] == b[0]}
    return whole, alone | {(1, b[0]) for a, b in links if a[1] == a[0] and b[1] > b[0]}


def main() -> None:
    """Fit on halves and score the other halves; fit on all and print the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("gold", type=Path, nargs="+")
    parser.add_argument("--without-lexicon", action="store_true")
    parser.add_argument("--most", type=int, default=60, help="documents of a file")
    flags = parser.parse_args()
    begin = START | WITHOUT if flags.without_lexicon else START
    start = np.array([begin[name] for name in NAMES])
    free = np.array([bool(begin[name]) or name == "1-2" for name in NAMES], float)
    sets: dict[str, list[Item]] = {}
    for file in flags.gold:
        parts = list(documents(file))
        parts = parts[:: -(-len(parts) // flags.most)]
        if flags.without_lexicon or lexicon.load(parts[0]["src_lang"], parts[0]["tgt_lang"]):
            sets[file.name.partition(".")[0]] = [
                item(part, not flags.without_lexicon) for part in parts
            ]
    for half in (0, 1):
        others = {name: items[1 - half :: 2] for name, items in sets.items()}
        weight = fit(_repeated(others), start, free)
        for name, items in sets.items():
            strict, null = score(items[half::2], weight)
            print(f"half {half} {name:16} strict F1 {strict:5.1f} null F1 {null:5.1f}")
    for name, value in zip(NAMES, fit(_repeated(sets), start, free), strict=True):
        print(f'    "{name}": {value:.3f},')


def _repeated(sets: dict[str, list[Item]]) -> list[Item]:
    return [one for name, items in sets.items() for one in items for _ in range(OFTEN.get(name, 1))]


if __name__ == "__main__":
    main()
