"""Sentences as pieces: as transformers cuts them, and within the model's limit."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitexte import ModelError
from bitexte.engines.pieces import EOS, Hypothesis, Pieces, batches, loops, translate
from conftest import DISPATCH, ROOT

TEXT = DISPATCH.read_text("utf-8")
VARIED = [
    *TEXT.split(". "),
    "Bonjour.",
    "« Prix : 12\u202f000 € », a-t-il dit…",
    "L’été à Saint-Ouen\u00a0: 4,2 %",
    "Emoji \U0001f642 et 日本語, ﬁn ½",
    "  des   espaces\tet des\nlignes  ",
    "⟦3⟧ www.belga.be @afp #info",
]


@pytest.fixture(scope="module")
def pieces(tiny_model: Path) -> Pieces:
    return Pieces(tiny_model)


def marian_tokenizer(folder: Path) -> Any:
    from transformers import MarianTokenizer

    return MarianTokenizer.from_pretrained(folder)


@pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")
@pytest.mark.parametrize("which", ["tiny", "embedded"])
def test_pieces_are_those_of_the_marian_tokenizer(which: str, tiny_model: Path) -> None:
    folder = tiny_model if which == "tiny" else ROOT / "models" / "fr-en"
    own, reference = Pieces(folder), marian_tokenizer(folder)
    for text in VARIED:
        ids = [own.vocabulary.get(piece, own.vocabulary["<unk>"]) for piece in own.encode(text)]
        assert ids == reference.encode(text)
        assert own.decode(own.encode(text)) == reference.decode(ids, skip_special_tokens=True)


def test_encoding_ends_with_the_end_mark_and_decoding_drops_it(pieces: Pieces) -> None:
    encoded = pieces.encode("Bonjour à tous.")
    assert encoded[-1] == EOS
    assert pieces.decode(encoded) == "Bonjour à tous."


def test_bytes_that_make_no_character_are_left_out(pieces: Pieces) -> None:
    assert pieces.decode(["▁Bon", "<0xF0>", "<0x9F>"]).startswith("Bon")
    assert "\ufffd" not in pieces.decode(["▁Bon", "<0xF0>", "<0x9F>"])


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u00a0", "\u200b", "\ufeff", "\x01 \x02"])
def test_a_blank_text_has_no_parts(pieces: Pieces, text: str) -> None:
    assert pieces.parts(text) == []


def test_a_text_within_the_limit_is_one_part(pieces: Pieces) -> None:
    assert pieces.parts(" Bonjour à tous. ") == ["Bonjour à tous."]


@pytest.mark.parametrize(
    ("mark", "weaker"), [(";", ","), (":", ","), (";", ":"), (",", ""), (" –", "")]
)
def test_a_long_sentence_is_cut_at_its_strongest_clause_boundary(
    pieces: Pieces, mark: str, weaker: str
) -> None:
    clause = "elle est là et " * 5
    text = f"{clause}là{mark} elle est là{weaker} {clause * 4}"
    assert pieces.parts(text)[0] == f"{clause}là{mark}"


def test_without_a_boundary_it_is_cut_between_words(pieces: Pieces) -> None:
    parts = pieces.parts("mot " * 200)
    assert len(parts) > 1
    assert all(set(part.split()) == {"mot"} for part in parts)


def test_a_word_that_no_model_takes_is_cut_inside(pieces: Pieces) -> None:
    word = "x1" * 5_000
    parts = pieces.parts(word)
    assert "".join(parts).replace(" ", "") == word


@pytest.mark.parametrize("character", ["\ufdfa", "\u3316"])
def test_a_character_that_stands_for_many_counts_as_many(pieces: Pieces, character: str) -> None:
    """SentencePiece spells U+FDFA out, in eighteen letters."""
    for text in (character * 200, f"{character * 4} " * 50, f"{character * 12} mot" + " mot" * 99):
        parts = pieces.parts(text)
        assert "".join(parts).replace(" ", "") == text.replace(" ", "")
        assert all(len(pieces.encode(part)) <= pieces.limit for part in parts)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(st.sampled_from("aé, ;:–.'0\n\u00a0\U0001f642"), max_size=600))
def test_nothing_is_lost_and_every_part_fits(pieces: Pieces, text: str) -> None:
    parts = pieces.parts(text)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(len(pieces.encode(part)) <= pieces.limit for part in parts)


def test_a_language_code_of_the_vocabulary_is_one_piece(pieces: Pieces) -> None:
    pieces.vocabulary[">>eng<<"] = 5
    try:
        assert pieces.encode(">>eng<< Bonjour.")[0] == ">>eng<<"
        assert pieces.encode(">>fra<< Bonjour.")[0] != ">>fra<<"
    finally:
        del pieces.vocabulary[">>eng<<"]


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("a b c d e f g h", "a b c d e f g h", False),
        ("a b c", "x y z w " * 4, True),
        ("a b c", "x y z w " * 3, False),
        ("a b c", "x " * 7, True),
        ("x y z w " * 5, "x y z w " * 5, False),
        ("x y z w " * 4, "x y z w " * 9, True),
        ("a", "", False),
    ],
)
def test_a_loop_is_four_pieces_over_and_over(source: str, target: str, expected: bool) -> None:
    assert loops(source.split(), target.split()) is expected


def test_a_looping_target_is_generated_again_with_that_forbidden(pieces: Pieces) -> None:
    asked = []

    def generate(sources: list[list[str]], no_repeat: int) -> list[Hypothesis]:
        asked.append((len(sources), no_repeat))
        once, round_and_round = ["▁une", "▁fois"], ["▁en"] * 20
        first = [Hypothesis(once, -1.0), Hypothesis(round_and_round, -0.1)]
        return first if not no_repeat else [Hypothesis(["▁plus"], -2.0)]

    found = translate(["Bonjour.", "Bonsoir."], pieces, generate)
    assert asked == [(2, 0), (1, 4)]
    assert [one.text for one in found] == ["une fois", "plus"]


@given(lengths=st.lists(st.integers(1, 60), max_size=50), most=st.integers(1, 200))
def test_batches_hold_every_place_once_and_keep_to_their_size(
    lengths: list[int], most: int
) -> None:
    sources = [["x"] * length for length in lengths]
    groups = batches(sources, most)
    assert sorted(place for group in groups for place in group) == list(range(len(sources)))
    for group in groups:
        assert len(group) == 1 or max(lengths[place] for place in group) * len(group) <= most


def test_a_damaged_piece_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "source.spm").write_bytes(b"no model")
    with pytest.raises(ModelError, match="cannot read the model's pieces"):
        Pieces(tmp_path)
