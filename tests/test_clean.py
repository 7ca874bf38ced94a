"""Cleaning: what a text keeps, what it loses, and what is read off a dispatch."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitexte.records import Article
from bitexte.stages.clean import clean, furniture, soft_newlines

SEEDS = Path(__file__).parent.parent / "seeds"
ANY_TEXT = st.text(
    st.one_of(
        st.sampled_from("\n\r\t .!?…«»\"'’()-/;:\xad\ufeff\u0301\u0344"),
        st.characters(),
        st.characters(categories=["Cs"]),
    )
)


def article(text: str, **fields: str) -> Article:
    return Article(id="0", name="-", text=text, **fields)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("e\u0301te\u0301", "été"),
        ("a\r\nb\rc\x85d\u2028e\u2029f", "a\nb\nc\nd\ne\nf"),
        ("\ufeffcoor\xaddi\u2060nation", "coordination"),
        ("a  \nb\t\n", "a\nb"),
        ("\n \na\n\n\n \t\nb\n\n", "a\n\nb"),
        ("12\xa0000\u202f€ \u00bd nº…", "12\xa0000\u202f€ ½ nº…"),
        ("👩\u200d🚀 part", "👩\u200d🚀 part"),
        ("\ud83d\ude80", "🚀"),
        ("a\x00b\x1bc\ud800d\uffff", "abcd"),
        ("\ufffd", "\ufffd"),
        ("", ""),
    ],
)
def test_text(raw: str, expected: str) -> None:
    assert clean(article(raw)).text == expected


def test_what_was_removed_is_counted() -> None:
    assert clean(article("a\x00\x01b\ud800")).meta["removed"] == "3 control characters"
    assert clean(article("a\x00")).meta["removed"] == "1 control character"
    assert "removed" not in clean(article("a")).meta


def test_what_an_earlier_program_lost_is_counted() -> None:
    assert clean(article("caf\ufffd ferm\ufffd")).meta["lost"] == "2 characters"
    assert "lost" not in clean(article("café")).meta


def test_a_pile_of_accents_is_bounded() -> None:
    assert len(clean(article("a" + "\u0327\u0301" * 50_000)).text) < 40


@settings(deadline=None)  # the first example compiles the patterns
@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean(article(text))
    assert clean(once) == once


@settings(deadline=None)
@given(ANY_TEXT)
def test_clean_text_can_be_written(text: str) -> None:
    cleaned = clean(article(text)).text
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert not set(cleaned) & set("\r\x00\x0b\x0c\x85\u2028\u2029\xad\ufeff")


@pytest.mark.parametrize(
    ("text", "kind", "span", "meta"),
    [
        ("Il part. (Belga)", "credit", "(Belga)", {"agency": "Belga"}),
        ("(BELGA) Le roi part.", "credit", "(BELGA)", {"agency": "Belga"}),
        ("Il part. (Belga/AFP)", "credit", "(Belga/AFP)", {"agency": "Belga; AFP"}),
        ("« Il part. » (avec AFP)", "credit", "(avec AFP)", {"agency": "AFP"}),
        ("Il part.\n© AFP 2020", "credit", "© AFP 2020", {"agency": "AFP"}),
        ("Il part.\nSource : Reuters", "credit", "Source : Reuters", {"agency": "Reuters"}),
        (
            "LA HAVANE, 16 juillet 2020 (AFP) - Le réseau est rétabli.",
            "dateline",
            "LA HAVANE, 16 juillet 2020 (AFP) -",
            {"dateline": "LA HAVANE, 16 juillet 2020", "agency": "AFP"},
        ),
        (
            "Bruxelles (Belga) - Le roi part.",
            "dateline",
            "Bruxelles (Belga) -",
            {"dateline": "Bruxelles", "agency": "Belga"},
        ),
        (
            "BRUXELLES 16/07 (BELGA) = Le roi part.",
            "dateline",
            "BRUXELLES 16/07 (BELGA) =",
            {"dateline": "BRUXELLES 16/07", "agency": "Belga"},
        ),
        (
            "RAMBOUILLET (Yvelines), 23 avr 2021 (AFP) - Il part.",
            "dateline",
            "RAMBOUILLET (Yvelines), 23 avr 2021 (AFP) -",
            {"dateline": "RAMBOUILLET (Yvelines), 23 avr 2021", "agency": "AFP"},
        ),
        ("Il part. (Avec Belga)", "credit", "(Avec Belga)", {"agency": "Belga"}),
        ("Il part.\n\ncvl/mpa/bds", "slug", "cvl/mpa/bds", {"slug": "cvl/mpa/bds"}),
        ("Il part. bur-cvl/mpa", "slug", "bur-cvl/mpa", {"slug": "bur-cvl/mpa"}),
        ("Par Jean DUPONT\nIl part.", "byline", "Par Jean DUPONT", {"byline": "Jean DUPONT"}),
        (
            "Il part.\nLire aussi : Il revient",
            "see_also",
            "Lire aussi : Il revient",
            {"see_also": "Lire aussi : Il revient"},
        ),
        (
            "Photo : AFP\nIl part.",
            "photo",
            "Photo : AFP",
            {"photo": "Photo : AFP", "agency": "AFP"},
        ),
        (
            "Il part.\nLire aussi : Qui est M. Macron ? Les réponses",
            "see_also",
            "Lire aussi : Qui est M. Macron ? Les réponses",
            {"see_also": "Lire aussi : Qui est M. Macron ? Les réponses"},
        ),
        (
            "Photo : Jean Dupont\nIl part.",
            "photo",
            "Photo : Jean Dupont",
            {"photo": "Photo : Jean Dupont"},
        ),
    ],
)
def test_furniture(text: str, kind: str, span: str, meta: dict[str, str]) -> None:
    (part,) = furniture(text)
    assert (part.kind, text[part.start : part.end]) == (kind, span)
    cleaned = clean(article(text))
    assert cleaned.meta == meta
    assert cleaned.text == text  # never lost


@pytest.mark.parametrize(
    "text",
    [
        "L'Agence France-Presse (AFP) a annoncé la nouvelle.",
        "La nouvelle vient de Belga.",
        "Le choix est simple : avec et/ou sans sel.",
        "Par temps de pluie, restez chez vous.",
        "Lire aussi les poètes est un plaisir.",
        "SNCF - Les trains roulent.",
        "Le score est de 3/4 au bout du temps.",
        "Il a dit oui (et non).",
        "À voir : le film de Dolan sort mercredi. Le cinéaste y filme une mère.",
        "Lire: « Je n'ai jamais lu ce livre », a dit M. Dupont. Il a été critiqué.",
        'Jean Charest (AFP): "Il faut agir."',
    ],
)
def test_a_sentence_is_no_furniture(text: str) -> None:
    assert furniture(text) == ()


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (
            "Foot: Anderlecht gagne 2-1\nLes Mauves ont battu Gand samedi.",
            "Foot: Anderlecht gagne 2-1",
        ),
        ("(Belga) Le roi abdique\n\nLe roi a annoncé son départ.", "Le roi abdique"),
        ("PARIS (AFP) - Le roi abdique\nLe roi a annoncé son départ.", ""),
        ("Le roi abdique.\nIl l'a annoncé samedi.", ""),
        ("Classement :\n1. Van Aert", ""),
        ("- Un point\n- Un autre point", ""),
        ("Le roi abdique", ""),
    ],
)
def test_title(text: str, title: str) -> None:
    assert clean(article(text)).title == title


def test_what_the_reader_found_stays() -> None:
    cleaned = clean(article("Titre lu\nIl part. (AFP)", title="Titre donné"))
    assert cleaned.title == "Titre donné"


def test_seeds() -> None:
    once = clean(article((SEEDS / "dispatch.txt").read_text("utf-8")))
    twice = clean(article((SEEDS / "dispatch-as-received.txt").read_text("utf-8")))
    assert (once.meta["agency"], once.title) == ("Belga", "")
    assert [part.value for part in furniture(twice.text)] == ["Belga", "Belga"]


WRAPPED = """\
La Commission européenne a présenté mardi un ensemble de mesures
destinées à renforcer la surveillance des marchés financiers, selon
un communiqué. Les États membres devront encore se prononcer."""
VERSES = "Sous le pont Mirabeau coule la Seine\nEt nos amours\nFaut-il qu'il m'en souvienne"


@pytest.mark.parametrize(("text", "count"), [(WRAPPED, 2), (VERSES, 0), ("Un titre\nUn texte.", 0)])
def test_wrapped_lines_are_one_paragraph(text: str, count: int) -> None:
    assert len(soft_newlines(text)) == count
