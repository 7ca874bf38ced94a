"""The order of the stages, and what survives when one of them fails."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bitexte import (
    Article,
    Bitext,
    Config,
    Failure,
    InputError,
    ModelError,
    NotFrench,
    Translation,
    flow,
)
from bitexte.engines import load
from bitexte.readers import read
from conftest import DISPATCH

CONFIG = Config(engine="identity")


class Recording:
    """An engine that upper-cases, remembers what it was asked, and refuses one word."""

    signature = "recording"

    def __init__(self, refused: str = "\0") -> None:
        self.asked: list[list[str]] = []
        self.refused = refused

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        self.asked.append(list(sentences))
        if any(self.refused in sentence for sentence in sentences):
            raise ModelError("refused")
        return [Translation(text=text.upper(), logprob=-0.5, tokens=1) for text in sentences]


def article(text: str, name: str = "a.txt") -> Article:
    return Article(id=f"{name:0>16}", name=name, text=text)


def translated(
    *articles: Article | Failure, engine: Recording | None = None, window_sentences: int = 1024
) -> list[Bitext | Failure]:
    config = replace(CONFIG, window_sentences=window_sentences)
    return list(flow.run(articles, engine or Recording(), config))


def test_the_dispatch_has_seven_sentences_and_its_credit_stays_outside_them() -> None:
    [bitext] = flow.run([read(str(DISPATCH))], load(CONFIG), CONFIG)
    assert isinstance(bitext, Bitext)
    assert len(bitext.pairs) == 7
    assert bitext.article.meta["agency"] == "Belga"
    assert not any("Belga" in pair.source for pair in bitext.pairs)


def test_every_pair_points_at_its_characters() -> None:
    [bitext] = translated(article("Il pleut à Liège. Il neige à Namur."))
    assert isinstance(bitext, Bitext)
    for index, pair in enumerate(bitext.pairs):
        assert bitext.article.text[pair.start : pair.end] == pair.source
        assert pair.id == f"{bitext.article.id}:{index:04d}"
        assert pair.target == pair.source.upper()
        assert pair.confidence == pytest.approx(0.6065)


def test_a_sentence_that_comes_back_is_translated_once_a_window() -> None:
    engine = Recording()
    text = "Il pleut à Liège. Il neige à Namur."
    first, second = translated(article(text), article(text, "b.txt"), engine=engine)
    assert engine.asked == [["Il pleut à Liège.", "Il neige à Namur."]]
    assert isinstance(first, Bitext)
    assert isinstance(second, Bitext)
    assert [pair.target for pair in first.pairs] == [pair.target for pair in second.pairs]


def test_a_window_ends_with_the_article_that_fills_it() -> None:
    engine = Recording()
    articles = [article(f"Voici le texte numéro {n}. Il y en a {n}.", f"{n}") for n in range(3)]
    translated(*articles, engine=engine, window_sentences=3)
    assert [len(asked) for asked in engine.asked] == [4, 2]


def test_an_article_without_a_sentence_counts_all_the_same() -> None:
    empty = flow.Prepared(article=article("(Belga)"), segments=())
    assert [len(window) for window in flow.windows([empty] * 5, 2)] == [2, 2, 1]


def test_what_is_known_is_linked_and_not_translated_again() -> None:
    engine = Recording()
    known = Translation(text="It rains.", logprob=0.0, tokens=0, origin="memory")
    found = flow.work([("Il pleut.", known), ("Il neige.", None)], engine, CONFIG)
    assert engine.asked == [["Il neige."]]
    assert [one.text for one in found if isinstance(one, Translation)] == ["It rains.", "IL NEIGE."]
    assert all(isinstance(one, Translation) and one.links is not None for one in found)


class Broken(Recording):
    """An engine with a bug: it strikes at one word, or at every text."""

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        if any(self.refused in sentence for sentence in sentences):
            raise ZeroDivisionError("oops")
        return super().translate(sentences)


def test_a_bug_that_strikes_one_sentence_costs_its_article_alone() -> None:
    texts = ("Il pleut à Liège.", "Un mot maudit ici.")
    articles = [article(text, f"{n}.txt") for n, text in enumerate(texts)]
    first, second = translated(*articles, engine=Broken(refused="maudit"))
    assert isinstance(first, Bitext)
    assert isinstance(second, Failure)
    assert "ZeroDivisionError: oops" in second.error.message


def test_a_bug_that_strikes_one_sentence_costs_its_article_when_it_is_asked_alone_too() -> None:
    [failure] = translated(article("Un mot maudit ici."), engine=Broken(refused="maudit"))
    assert isinstance(failure, Failure)
    assert "ZeroDivisionError: oops" in failure.error.message


def test_a_bug_that_strikes_everything_is_not_taken_for_bad_input() -> None:
    many = " ".join(f"Voici le numéro {number} du jour." for number in range(flow.STRIKES))
    with pytest.raises(ZeroDivisionError):
        translated(article(many), engine=Broken(refused=""))


def test_one_article_the_engine_refuses_costs_one_failure() -> None:
    engine = Recording(refused="maudit")
    texts = ("Il pleut à Liège.", "Un mot maudit ici.", "Il neige à Namur.")
    articles = [article(text, f"{n}.txt") for n, text in enumerate(texts)]
    done = translated(*articles, engine=engine)
    assert [type(one) for one in done] == [Bitext, Failure, Bitext]
    assert done[1].name == "1.txt"  # type: ignore[union-attr]


def test_a_failure_of_the_reader_goes_through() -> None:
    failure = Failure(name="x.txt", error=InputError("x.txt: empty"))
    assert failure in translated(failure, article("Il pleut à Liège."))


def test_an_article_that_is_not_french_is_refused_unless_forced() -> None:
    english = article("The operator said that services had been restored across the island.")
    with pytest.raises(NotFrench, match=r"a\.txt: this does not look like French"):
        flow.prepare(english, CONFIG)
    assert flow.prepare(english, replace(CONFIG, min_french=0.0)).segments


def test_an_article_too_long_is_refused_before_any_work() -> None:
    with pytest.raises(InputError, match="10,000,000 characters"):
        flow.prepare(article("mot " * 2_500_000), CONFIG)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Il pleut. Il neige.", "IL PLEUT. IL NEIGE."),
        ("Il pleut à Liège.\n\nIl neige. (Belga)", "IL PLEUT À LIÈGE.\n\nIL NEIGE. (Belga)"),
        ("Le match est terminé.Le public part.", "LE MATCH EST TERMINÉ. LE PUBLIC PART."),
    ],
)
def test_rendering_keeps_paragraphs_and_credits(text: str, expected: str) -> None:
    [bitext] = translated(article(text))
    assert isinstance(bitext, Bitext)
    assert flow.rendered(bitext) == expected


def test_the_signature_names_all_that_changes_the_text() -> None:
    signature = flow.signature("identity", CONFIG)
    assert signature.startswith("engine:identity|seg:fr2|cut:1000|langs:fr-en|words:w1|bitexte:")
    for change in (
        {"max_sentence_chars": 500},
        {"keep_quotes": True},
        {"abbreviations": ("x",)},
        {"target_lang": "en-GB"},
        {"words": False},
        {"min_french": 0.0},
        {"max_article_chars": 500},
    ):
        other = replace(CONFIG, **change)  # type: ignore[arg-type]
        assert flow.signature("identity", other) != signature
    assert flow.signature("identity", CONFIG, memory="0a1b2c3d") != signature
    same = replace(CONFIG, batch_tokens=1, window_sentences=1, out="x", threads=1, jobs=3)
    assert flow.signature("identity", same) == signature
