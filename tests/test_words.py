"""Word links: how texts are cut into words, what the table says, which words go together."""

import importlib
import time
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitexte import Config, flow
from bitexte.engines import attention as reading
from bitexte.stages import lexicon, tokens
from bitexte.stages import words as linking

RECIPE = Path(__file__).parents[1] / "models" / "recipe"
HARD, NARROW = "\xa0", "\u202f"

# A text, and its words with | between them.
FRENCH = [
    ("L'école d'été qu'il n'a jusqu'à", "L'|école|d'|été|qu'|il|n'|a|jusqu'|à"),
    ("l’été qu’elle lorsqu'on", "l’|été|qu’|elle|lorsqu'|on"),
    ("l'« amour » ", "l'|«|amour|»"),
    ("jusqu'aujourd'hui", "jusqu'|aujourd'hui"),
    ("prud'homme grand'mère presqu'île O'Brien", "prud'homme|grand'mère|presqu'île|O'Brien"),
    ("N'Djamena, M'Bala", "N'Djamena|,|M'Bala"),
    ("L'ÉTÉ J'AI", "L'|ÉTÉ|J'|AI"),
    ("peut-être États-Unis lui-même celui-ci", "peut-être|États-Unis|lui-même|celui-ci"),
    ("chef-d'œuvre Côte-d'Or", "chef-d'œuvre|Côte-d'Or"),
    ("a-t-il dit-elle est-ce DIT-IL", "a|-t-il|dit|-elle|est|-ce|DIT|-IL"),
    ("donne-le-moi au rendez-vous", "donne|-le|-moi|au|rendez-vous"),
    ("12 000,5 puis 4,2 et 3.912,45", "12 000,5|puis|4,2|et|3.912,45"),
    (f"12{NARROW}000 ou 1{HARD}250{HARD}000", f"12{NARROW}000|ou|1{HARD}250{HARD}000"),
    ("en 2020 300 personnes", "en|2020|300|personnes"),
    ("4,2 % 12% 12 €, 5$", "4,2|%|12|%|12|€|,|5|$"),
    ("le 12/03/2020 à 14h30 ou 14:30, 1er, 3e", "le|12/03/2020|à|14h30|ou|14:30|,|1er|,|3e"),
    ("1998-2000", "1998|-|2000"),
    ("COVID-19 G20 F-16 R&D", "COVID-19|G20|F-16|R&D"),
    (f"«{HARD}Oui{NARROW}!{HARD}», dit-il.", "«|Oui|!|»|,|dit|-il|."),
    ("Bon... Oui… Non !! — (un) ; deux", "Bon|...|Oui|…|Non|!!|—|(|un|)|;|deux"),
    ("Voir https://afp.com/a.html?x=1.", "Voir|https://afp.com/a.html?x=1|."),
    ("info@police.be, www.belga.be belga.be/fr.", "info@police.be|,|www.belga.be|belga.be/fr|."),
    ("@afpfr #COP21!", "@afpfr|#COP21|!"),
    ("M. Dupont et Mme. Durand", "M.|Dupont|et|Mme.|Durand"),
    ("J.-P. Raffarin, F. Hollande", "J.-P.|Raffarin|,|F.|Hollande"),
    ("L'O.N.U. et l'U.E. votent.", "L'|O.N.U.|et|l'|U.E.|votent|."),
    ("Des pommes, etc. et l'art. 5 de l'art.", "Des|pommes|,|etc.|et|l'|art.|5|de|l'|art|."),
    ("⟦0⟧ et l'⟦12⟧.", "⟦0⟧|et|l'|⟦12⟧|."),
    ("e\u0301te\u0301 la", "e\u0301te\u0301|la"),
]
ENGLISH = [
    ("don't can't it's we’ve they'll", "do|n't|ca|n't|it|'s|we|’ve|they|'ll"),
    ("the captains' and the 1990's", "the|captains|'|and|the|1990|'s"),
    ("o'clock O'Brien well-known", "o'clock|O'Brien|well-known"),
    ("a 20-year-old", "a|20-year-old"),
    ("1,000.50, 12,000; 4.2% of $12bn", "1,000.50|,|12,000|;|4.2|%|of|$|12bn"),
    ("in 12 000 ways", "in|12|000|ways"),
    ("Mr. Smith of the U.S. army.", "Mr.|Smith|of|the|U.S.|army|."),
    ("I said no. No. 5 is alive.", "I|said|no|.|No.|5|is|alive|."),
    ("“Yes,” he said", "“|Yes|,|”|he|said"),
]

# A French text, an English text, and some words that must be linked, and some that must not.
PAIRS = [
    ("Le chat dort.", "The cat sleeps.", "Le=The chat=cat dort=sleeps .=.", "chat=sleeps"),
    ("Il n'y a pas de pain.", "There is no bread.", "pain=bread .=.", "pain=no"),
    ("une maison blanche", "a white house", "une=a maison=house blanche=white", "maison=white"),
    ("« Oui », a-t-il dit.", '"Yes," he said.', '«=" Oui=Yes »=" -t-il=he dit=said', "Oui=said"),
    ("12 000,5 euros", "12,000.5 euros", "12_000,5=12,000.5 euros=euros", "euros=12,000.5"),
    ("Paul voit Marie.", "Marie is seen by Paul.", "Paul=Paul Marie=Marie", "Paul=Marie"),
    ("L'été de 2019 à Zbyr", "The summer of 2019 in Zbyr", "été=summer 2019=2019 Zbyr=Zbyr", ""),
    ("La ministre de l'Intérieur", "The interior minister", "ministre=minister", "ministre=The"),
    ("Aujourd'hui, il pleut.", "It is raining today.", "Aujourd'hui=today il=It", "il=today"),
    ("Elle a été élue en mai.", "She was elected in May.", "élue=elected mai=May en=in", "Elle=in"),
    ("les États-Unis et l'Iran", "the United States and Iran", "et=and Iran=Iran", "Iran=States"),
    ("Je ne sais pas.", "I do not know.", "Je=I sais=know", "Je=know"),
]


@cache
def table() -> lexicon.Lexicon:
    found = lexicon.load("fr", "en")
    assert found
    return found


def cut(text: str, lang: str) -> list[str]:
    return [text[start:end] for start, end in tokens.words(text, lang)]


def both(source: str, target: str) -> tuple[list[str], list[str]]:
    return cut(source, "fr"), cut(target, "en")


@pytest.mark.parametrize(
    ("lang", "text", "words"),
    [("fr", *case) for case in FRENCH] + [("en", *case) for case in ENGLISH],
)
def test_words_of_a_text(lang: str, text: str, words: str) -> None:
    assert cut(text, lang) == words.split("|")


@settings(max_examples=60)
@given(st.text(), st.sampled_from(["fr", "en-GB", "zh"]))
def test_words_are_in_order_and_leave_out_nothing_but_white_space(text: str, lang: str) -> None:
    end = 0
    for start, stop in tokens.words(text, lang):
        assert not text[end:start].strip()
        assert end <= start < stop
        assert not any(char in "\n\t" for char in text[start:stop])
        end = stop
    assert not text[end:].strip()


@pytest.mark.parametrize("part", ["aa.", "a+", "1.", "-le", "a-le", "l'", "www.", "a-", "’"])
def test_cutting_takes_time_in_proportion_to_the_text(part: str) -> None:
    start = time.perf_counter()
    tokens.words(part * 5000, "fr")
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("L'", "le"),
        ("l’", "le"),
        ("-t-il", "il"),
        ("-", "-"),
        ("n't", "not"),
        ("Cœur", "coeur"),
        ("«", '"'),
        ("12\u202f000,5", "12000.5"),
        ("12,000.5", "12000.5"),
        ("1.250", "1250"),
        ("", ""),
    ],
)
def test_the_key_of_a_word(word: str, key: str) -> None:
    assert lexicon.key(word) == key


def test_the_table_is_small_and_there_is_none_for_other_languages() -> None:
    data = files("bitexte.stages").joinpath("data", "fr-en.words.npz")
    assert len(data.read_bytes()) <= 4_000_000
    assert lexicon.load("fr-BE", "en-US")
    assert lexicon.load("de", "en") is None


@pytest.mark.parametrize(("source", "target", "right", "wrong"), PAIRS)
def test_links_of_a_pair(source: str, target: str, right: str, wrong: str) -> None:
    left, across = both(source, target)
    (links,) = linking.link([(left, across)], table())
    found = {f"{left[i]}={across[j]}".replace(" ", "_") for i, j in links}
    assert set(right.split()) - found == set()
    assert not set(wrong.split()) & found


def test_a_pair_without_table_is_linked_by_spelling_and_order() -> None:
    source, target = "Angela Merkel besucht Paris 2019 .", "Angela Merkel visits Paris 2019 ."
    pair = cut(source, "de"), cut(target, "en")
    (links,) = linking.link([pair], None)
    assert {(0, 0), (1, 1), (3, 3), (4, 4), (5, 5)} <= set(links)


def test_attention_tells_where_nothing_else_does() -> None:
    pair = ["a1", "b1", "c1", "d1", "e1"], ["p2", "q2", "r2", "s2", "t2"]
    seen = np.eye(5)[[0, 2, 1, 3, 4]] * 0.9
    assert linking.link([pair], None, [seen]) == [((0, 0), (1, 2), (2, 1), (3, 3), (4, 4))]


VOCABULARY = ["le", "chat", "dort", ".", "the", "cat", "sleeps", "12", "Zbyr"]
words = st.lists(st.sampled_from(VOCABULARY), max_size=9)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(words, words), max_size=6))
def test_links_are_the_same_in_any_company_sorted_and_inside(
    pairs: list[tuple[list[str], list[str]]],
) -> None:
    together = linking.link(pairs, table())
    assert together == [linking.link([pair], table())[0] for pair in pairs]
    for (source, target), links in zip(pairs, together, strict=True):
        assert list(links) == sorted(set(links))
        assert all(0 <= i < len(source) and 0 <= j < len(target) for i, j in links)


def test_a_side_without_words_has_no_links() -> None:
    assert linking.link([([], ["a"]), (["a"], []), ([], [])], table()) == [(), (), ()]
    assert linking.link([], table()) == []


def test_a_side_of_thousands_of_words_is_read_in_parts() -> None:
    numbers = [str(number) for number in range(3000)]
    links, lopsided = linking.link([(numbers, numbers), (["7"], numbers)], table())
    assert links == tuple((place, place) for place in range(3000))
    assert len(lopsided) <= 1


def test_attention_of_pieces_is_summed_over_source_and_averaged_over_target_words() -> None:
    # Pieces: ab|c, and the end mark; target: x|yz, and the step after.
    rows = np.array([[0.2, 0.3, 0.5], [0.1, 0.6, 0.3], [0.0, 0.4, 0.6]])
    source, target = [(0, 2), (2, 3)], [(0, 1), (1, 3)]
    read = reading.by_words(rows, source, target, [(0, 3)], [(0, 3)], after=False)
    assert read.ravel().tolist() == pytest.approx([(0.5 + 0.7) / 2])
    later = reading.by_words(rows, source, target, [(0, 3)], [(0, 1), (1, 3)], after=True)
    assert later.ravel().tolist() == pytest.approx([0.7, 0.4])


def test_the_head_chosen_is_mutual_and_finds_what_is_the_same() -> None:
    class Processor:
        def encode(self, text: str, return_type: str) -> dict[str, list[object]]:
            assert return_type == "offset_mapping"
            spans = tokens.words(text, "fr")
            return {"pieces": [text[a:b] for a, b in spans], "offsets": list(spans)}

    side = tokens.cut("Paul voit Anne", "fr")
    blurred, ahead = np.full((4, 4), 0.25), np.roll(np.eye(4), 1, axis=0)
    heads = np.stack([np.stack([blurred, blurred]), np.stack([blurred, ahead])])
    chosen = reading.choose(
        [(side, side)], (Processor(), Processor()), lambda s, t: [heads for _ in s], 10
    )
    assert chosen == reading.Head(1, 1, after=True)


def test_a_model_tells_where_it_looked_and_where_it_cannot(tiny_model: Path) -> None:
    reader = reading.reader(Config(model=str(tiny_model), threads=1))
    texts = ["La police est venue.", "Un homme", "", "mot " * 70]
    pairs = [(tokens.cut(text, "fr"), tokens.cut(text, "fr")) for text in texts]
    seen = reader.read(pairs)
    for (source, target), one in zip(pairs[:2], seen, strict=False):
        assert one is not None
        assert one.shape == (len(source.spans), len(target.spans))
        assert one.min() >= 0
        assert one.sum(axis=0).max() <= 1 + 1e-6
    # Nothing to read, and more than the model takes.
    assert seen[2:] == [None, None]
    alone = reader.read(pairs[1:2])[0]
    assert alone == pytest.approx(seen[1], abs=1e-5)


@pytest.mark.model
def test_without_a_table_the_embedded_model_links_words_by_attention(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lexicon, "load", lambda *_: None)
    source = tokens.cut("Le ministre a visité une école de Namur avec douze enfants.", "fr")
    target = tokens.cut("The minister visited a school in Namur with twelve children.", "en")
    [links] = flow.word_links([(source, target)], Config())
    found = {f"{source.words[i]}={target.words[j]}" for i, j in links}
    assert {"ministre=minister", "école=school", "enfants=children", "Namur=Namur"} <= found


def test_the_recipe_counts_links_that_both_ways_agree_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(RECIPE)
    wordtable = importlib.import_module("wordtable")
    (tmp_path / "source").write_text("le chat\nle chien\n" * 9, "utf-8")
    (tmp_path / "target").write_text("the cat\nthe dog\n" * 9, "utf-8")
    (tmp_path / "forward").write_text("0-0 1-1\n0-0\n" * 9, "utf-8")
    (tmp_path / "backward").write_text("0-0 1-1\n0-0 1-1\n" * 9, "utf-8")
    made = lexicon.read(wordtable.count(tmp_path))
    rows = made.numbers(["le", "chat", "chien"])
    columns = made.numbers(["the", "cat", "dog", "cow"], target=True)
    # 27 links: 18 of le-the, 9 of chat-cat; chien and dog are linked one way only.
    expected = [[27 / 18, 0, 0, 0], [0, 27 / 9, 0, 0], [0, 0, 0, 0]]
    assert made.lifts(rows, columns).tolist() == [pytest.approx(row, rel=0.05) for row in expected]
    assert made.alone_source[rows].tolist() == pytest.approx([0, 0, 1])
