"""Sentences with sentences: beads, nulls, cuts, and what is said of texts that do not belong."""

import gzip
import importlib
import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitexte.engines.vectors import DIMENSIONS, encode
from bitexte.stages import align as stage
from bitexte.stages.align import Bead, align, path
from bitexte.stages.beads import FEATURES, SHAPES, WITH_LEXICON, WITHOUT_LEXICON

GOLD = Path(__file__).parent / "quality" / "alignment"

PANNE = ("La panne a duré deux heures.", "The outage lasted two hours.")
MAIRE = ("Le maire de Namur a démissionné lundi.", "The mayor of Namur resigned on Monday.")
PRIX = ("Le prix du pain augmente de 4 %.", "The price of bread is rising by 4%.")
STADE = ("Le stade sera fermé tout l'été.", "The stadium will be closed all summer.")
TRAIN = (
    "Aucun train ne circulait, et les voyageurs ont dormi dans la gare.",
    "No train was running. Travellers slept in the station.",
)

# What stands on each side, and the beads it makes.
CASES = {
    "one to one": ([PANNE[0], MAIRE[0], PRIX[0]], [PANNE[1], MAIRE[1], PRIX[1]], "1-1 1-1 1-1"),
    "one to two": ([PANNE[0], TRAIN[0]], [PANNE[1], *TRAIN[1].split(". ")], "1-1 1-2"),
    "two to one": ([PANNE[0], MAIRE[0], PRIX[0]], [f"{PANNE[1]} {MAIRE[1]}", PRIX[1]], "2-1 1-1"),
    "an omission": ([PANNE[0], STADE[0], PRIX[0]], [PANNE[1], PRIX[1]], "1-1 1-0 1-1"),
    "an addition": ([PANNE[0], PRIX[0]], [PANNE[1], STADE[1], PRIX[1]], "1-1 0-1 1-1"),
    "an omission first": ([STADE[0], PRIX[0]], [PRIX[1]], "1-0 1-1"),
    "an addition last": ([PRIX[0]], [PRIX[1], STADE[1]], "1-1 0-1"),
    "two that changed places": (
        [PANNE[0], MAIRE[0], PRIX[0], STADE[0]],
        [PANNE[1], PRIX[1], MAIRE[1], STADE[1]],
        "1-1 2-2 1-1",
    ),
    "nothing on one side": ([PANNE[0], PRIX[0]], [], "1-0 1-0"),
    "nothing at all": ([], [], ""),
}


def shapes(beads: tuple[Bead, ...]) -> str:
    return " ".join(
        f"{one.source[1] - one.source[0]}-{one.target[1] - one.target[0]}" for one in beads
    )


def documents(name: str) -> list[dict[str, Any]]:
    with gzip.open(GOLD / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize(("source", "target", "wanted"), CASES.values(), ids=CASES)
def test_texts_fall_into_beads(source: list[str], target: list[str], wanted: str) -> None:
    assert shapes(align(source, target, encode)) == wanted


@pytest.mark.parametrize(("source", "target", "wanted"), CASES.values(), ids=CASES)
def test_the_other_direction_gives_the_same_beads(
    source: list[str], target: list[str], wanted: str
) -> None:
    """There is no table from English to French: vectors and lengths alone do it."""
    turned = align(target, source, encode, ("en", "fr"))
    assert shapes(turned) == " ".join(shape[::-1] for shape in wanted.split())


def test_a_bead_is_sure_of_what_belongs_together_and_not_of_what_does_not() -> None:
    right = align([PANNE[0]], [PANNE[1]], encode)
    assert right[0].score > 0.9
    wrong = align([PANNE[0], MAIRE[0]], [STADE[1], PRIX[1]], encode)
    assert all(bead.score < 0.5 for bead in wrong)


def test_texts_that_have_nothing_in_common_are_mostly_nulls() -> None:
    one, other = documents("pud-light")[:2]
    beads = align(one["src"], other["tgt"], encode)
    alone = [bead for bead in beads if not bead.score]
    assert len(alone) > 0.6 * len(beads)


@given(
    st.lists(st.sampled_from(range(5)), max_size=8), st.lists(st.sampled_from(range(5)), max_size=8)
)
@settings(max_examples=40, deadline=None)
def test_every_sentence_is_in_one_bead_and_all_are_in_order(
    left: list[int], right: list[int]
) -> None:
    texts = (PANNE, MAIRE, PRIX, STADE, TRAIN)
    beads = align([texts[n][0] for n in left], [texts[n][1] for n in right], encode)
    places = [0, 0]
    for bead in beads:
        assert [bead.source[0], bead.target[0]] == places
        places = [bead.source[1], bead.target[1]]
        assert 0 <= bead.score <= 1
    assert places == [len(left), len(right)]


def test_the_vectors_have_length_one_and_do_not_depend_on_company() -> None:
    alone, together = encode([PANNE[0]]), encode([PANNE[0], "", "é" * 5000, PANNE[0]])
    assert together.shape == (4, DIMENSIONS)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-3)
    assert np.allclose(alone[0], together[0], atol=1e-5)
    assert encode([]).shape == (0, DIMENSIONS)


def test_weights_are_given_for_every_feature() -> None:
    assert list(WITH_LEXICON) == list(WITHOUT_LEXICON)
    assert list(WITH_LEXICON)[: len(FEATURES)] == list(FEATURES)


# ---- the recipe of the weights


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "models" / "recipe")
    return importlib.import_module("beads")


def test_the_recipe_learns_weights_from_gold_beads(recipe: Any) -> None:
    items = [recipe.item(document, True) for document in documents("pud-light")[:4]]
    fat = np.array([0.5 if name == "more" else 0.0 for name in recipe.NAMES])
    learned = recipe.fit(items, fat, np.ones(len(fat)))
    assert recipe.score(items, fat)[0] < 20
    assert recipe.score(items, learned)[0] > 90


def test_the_recipe_cuts_long_gold_texts_without_losing_a_sentence(recipe: Any) -> None:
    whole = documents("novels")[0]
    parts = list(recipe.documents(GOLD / "novels.jsonl.gz"))
    mine = [part for part in parts if part["id"] == whole["id"]]
    assert len(mine) > 3
    for side, place in (("src", 0), ("tgt", 1)):
        assert [text for part in mine for text in part[side]] == whole[side]
        linked = sorted(n for link in whole["gold"] for n in link[place])
        assert sum(len(link[place]) for part in mine for link in part["gold"]) == len(linked)


# ---- the best path ------------------------------------------------------------------------------


def brute(scores: list[Any], left: Any, right: Any, i: int, j: int) -> float:
    """Try every sequence of beads from sentences i and j on."""
    if i == len(left) and j == len(right):
        return 0.0
    tries = []
    for (a, b), table in zip(SHAPES, scores, strict=True):
        if i + a <= len(left) and j + b <= len(right):
            tries.append(table[i, j] + brute(scores, left, right, i + a, j + b))
    if i < len(left):
        tries.append(left[i] + brute(scores, left, right, i + 1, j))
    if j < len(right):
        tries.append(right[j] + brute(scores, left, right, i, j + 1))
    return float(max(tries))


@pytest.mark.parametrize("seed", range(12))
def test_no_sequence_of_beads_sums_higher_than_the_one_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 5, 2)
    scores = [rng.normal(size=(max(0, rows - a + 1), max(0, columns - b + 1))) for a, b in SHAPES]
    left, right = rng.normal(size=rows), rng.normal(size=columns)
    fitting = [place for place, (a, b) in enumerate(SHAPES) if a <= rows and b <= columns]
    found = path(
        [SHAPES[place] for place in fitting], [scores[place] for place in fitting], left, right
    )
    total = 0.0
    for (i, end), (j, last) in found:
        if end > i and last > j:
            total += scores[SHAPES.index((end - i, last - j))][i, j]
        else:
            total += left[i] if end > i else right[j]
    assert total == pytest.approx(brute(scores, left, right, 0, 0))


# ---- long texts ---------------------------------------------------------------------------------


def long_text() -> tuple[list[str], list[str]]:
    """Join documents of the gold set into some 450 sentences a side."""
    gold = documents("pud-light")
    return [s for d in gold for s in d["src"]], [s for d in gold for s in d["tgt"]]


def test_a_long_text_is_cut_at_sure_places_and_loses_nothing() -> None:
    source, target = long_text()
    left, right = stage.sides(source, target, encode)
    parts = list(stage.parts(left, right))
    assert len(parts) > 3
    ends = [(i_end, j_end) for (_, i_end), (_, j_end) in parts]
    starts = [(i, j) for (i, _), (j, _) in parts]
    assert starts == [(0, 0), *ends[:-1]]
    assert ends[-1] == (len(source), len(target))


def test_cutting_changes_hardly_any_bead(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = long_text()
    cut = align(source, target, encode)
    monkeypatch.setattr(stage, "PART_SENTENCES", 10**6)
    whole = align(source, target, encode)
    spans = [{(bead.source, bead.target) for bead in beads} for beads in (cut, whole)]
    assert len(spans[0] ^ spans[1]) <= 0.01 * len(spans[1])


def test_a_chapter_left_out_does_not_mislead_what_follows() -> None:
    source, target = long_text()
    shorter = target[:100] + target[300:]
    beads = align(source, shorter, encode)
    last = [bead for bead in beads if bead.source[0] >= 330]
    assert sum(bead.score > 0.8 for bead in last) > 0.8 * len(last)


def test_one_sentence_against_a_book_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "LONGEST_PART", 50)
    _, target = long_text()
    beads = align(["Oui."], target, encode)
    assert sum(bead.target[1] - bead.target[0] for bead in beads) == len(target)


@pytest.mark.parametrize("cells", [1, 30, 1000])
def test_what_would_not_fit_the_memory_is_halved(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "MOST_CELLS", cells)
    source, target = (side[:40] for side in long_text())
    beads = align(source, target[:7], encode)
    covered = [set(), set()]  # type: list[set[int]]
    for bead, side in product(beads, (0, 1)):
        covered[side] |= set(range(*(bead.source, bead.target)[side]))
    assert covered == [set(range(40)), set(range(7))]
