"""Sentences: the golden rules of French news, one a line, and what holds for any text."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitexte.records import Article
from bitexte.stages.clean import clean, furniture
from bitexte.stages.segment import segment, sentences

SEEDS = Path(__file__).parent.parent / "seeds"
NARROW, HARD = "\u202f", "\xa0"

# A rule's name, and a text with | where a sentence ends.
RULES = [
    ("point", "Il pleut.| Elle sort."),
    ("question", "Vient-il ?| Oui !| Vraiment ?!| Bon…| Il vient."),
    ("guillemets", "« Nous irons jusqu'au bout », a déclaré le ministre.| Il part."),
    ("guillemets-hard", f"«{HARD}C'est un échec{NARROW}!{HARD}», a lancé la députée.| Elle sort."),
    ("guillemets-question", "« Pourquoi ? » a-t-il demandé.| Il part."),
    ("quote-spanning", "« Partons.| Tout est prêt.| Rien ne reste », a-t-il dit.| Il part."),
    ("quote-closed", "« Je reste. »| La phrase est tombée à 18h."),
    ("quote-nested", "« Il a dit “non.” »| Elle part."),
    ("quote-straight", '"On attend", dit-elle.| "Les gens souffrent."| Le juge a parlé.'),
    ("quote-straight-spaced", '" On attend. "| Le juge a parlé.'),
    ("quote-English", "“Bon.”| Elle part."),
    ("attribution-after-stop", 'Il part".| Puis plus rien.| "Ils sont là". affirme-t-il.'),
    ("dialogue", "— Vous venez ?| — Non.| — Pourquoi ? demanda-t-elle."),
    ("title-M", "M. Michel et Mme. Onkelinx sont là.| Le Dr. Peeters aussi."),
    ("title-MM", "MM. Reynders et Di Rupo ont signé.| Mgr. Léonard aussi."),
    ("title-article", "Selon M. Le Pen, tout va.| J. Le Pen le dit.| Il part."),
    ("title-dotted", "S.M. le Roi a reçu S.E. Paul Biya.| L'entretien fut bref."),
    ("saint", "Il vit à St. Moritz.| Il y skie."),
    ("etc-inside", "Plusieurs fruits (pommes, etc.) sont chers.| Le reste non."),
    ("etc-end", "Des pommes, des poires, etc.| Le reste est cher."),
    ("article", "Voir l'art. 5, p. 12.| Le texte est long."),
    ("par-exemple", "Des secteurs, p. ex. la construction, reculent.| D'autres non."),
    ("c-a-d", "Le roi, c.-à-d. Philippe, part.| Il revient."),
    ("address", "Il vit av. Louise, n° 54, bd. Anspach.| Elle aussi."),
    ("before-Christ", "Il naît en 63 av. J.-C.| Il meurt en 14 apr. J.-C. à Nola."),
    ("company", "La société Delhaize S.A. a confirmé.| Intercept Ltd. monte."),
    ("acronym", "Les U.S. Marines sont à l'O.N.U.| Paris proteste."),
    ("initial", "J.-P. Raffarin, F. Hollande et J. K. Rowling viennent.| Tous."),
    ("initial-end", "Le plan B.| Il échoue."),
    ("suspect", "Le suspect, A. B., est libre.| Il nie."),
    ("ellipsis-inside", "Il hésite... puis accepte.| Tous rient."),
    ("ellipsis-end", "Il hésite...| Puis il accepte."),
    ("omission", "« Ils sont durs [...] mais vrais », dit-il.| Il part."),
    ("omission-start", "Il était là.| [...] Les autres sont venus."),
    ("decimal", "L'indice clôt à 3.912,45 points.| Il perd 0,3%.| Il vaut 1.250 euros."),
    ("number-end", "Ils étaient 12.| Trois sont morts en 1998.| 25 vivent."),
    ("time", "Il part vers 7 h. 30 du soir.| Il rentre à 14h30."),
    ("date", "C'était le 12.03.2020 et le 5. 10. 2020 à Liège.| Le 1er mai aussi."),
    ("ordinal", "Il a fini 3e.| Louis XVI.| Le roi est mort."),
    ("url", "Voyez www.belga.be/fr ou https://afp.com/a.html?x=1.| Elles sont là."),
    ("mail", "Écrivez à info@police.belgium.eu.| L'anonymat est garanti."),
    ("file", "Le fichier rapport.v2.pdf est là.| Node.js aussi."),
    ("handle", "Suivez @belga.| Il écrit."),
    ("no-space", "Le match est terminé.|Le public part."),
    ("lower", "L'euro recule.| à New York, il vaut 1,08 dollar."),
    ("lower-question", "Et... surprise ! le tribunal l'acquitte.| Il rit."),
    ("parenthesis", "Le parti (N-VA) reste premier.| (Le PS en a 19.)| L'autre suit."),
    ("parenthesis-inside", "Il part (enfin !).| Elle reste (pourquoi ?) chez elle."),
    ("note", "Il est né ici.[1]| Il y vit."),
    ("colon", "Il a dit: Le chat dort.| Fin."),
    ("semicolon", "Le premier a 5 ans ; le second, 3 ans.| Ils rient."),
    ("semicolon-capital", "Il part à 20h ;| Le lendemain, il revient.| Il lit Le Soir ; La Croix."),
    ("semicolon-list", "Sont là : le roi ;| la reine ;| le duc ;| la dame ;| le fou."),
    ("headline", "Foot: Anderlecht gagne 2-1\n|Les Mauves ont battu Gand."),
    ("list", "Classement :\n|1. Van Aert\n|2. Pogacar\n|3. Alaphilippe"),
    ("list-inline", "1. Le roi part.| 2. La reine reste."),
    ("list-ranks", "L'étape: 1. Van Aert (BEL), 2. Van der Poel, 3. Pogacar.| Le Belge rit."),
    ("list-reasons", "Trois raisons: 1. Le coût; 2. Le temps; 3. La peur.| Il part."),
    ("counts", "Blessés: 12.| Morts: 3.| Durée: 2h10.| Les secours cherchent."),
    ("count-then-count", "L'OM est réduit à 10.| 20 minutes plus tard, Payet marque."),
    ("count-then-thousands", "Le bilan passe de 8 à 12.| 10.000 personnes sont sans abri."),
    (
        "unit-then-count",
        "Il a brûlé 300 ha.| 150 pompiers luttent.| Il vente à 130 km/h.| Il part.",
    ),
    ("date-spaced", "Il est né le 5. 12. 2020 à Liège.| Elle aussi."),
    ("pass", "Il attaque dans le dernier col.| Le Slovène gagne.| Le col. Bigeard est là."),
    ("teacher", "Sa mère est prof.| Elle l'a aidé.| Le Prof. Dupont aussi."),
    ("code-of-law", "Selon l'art. R. 621-1 du Code, c'est interdit.| Il part."),
    ("hour-then-age", "Il est 20 h.| A 22 ans, elle part.| Il reste 15 min.| A 5 km, rien."),
    ("capitals", "LE PROF. DUPONT ET LE COL. BIGEARD SONT LÀ.| ILS PARTENT."),
    ("poll", "Le sondage (1.003 pers. interrogées) du 3e trim. 2020 le dit.| Il part."),
    ("points", "Le CAC 40 est à 6.046,55 pts.| Londres prend 0,1 p.c.| Tokyo ferme."),
    ("bullets", "- Un point\n|- Un second ;\n|• Un troisième."),
    ("verses", "Sous le pont Mirabeau coule la Seine\n|Et nos amours"),
    ("windows", "Un titre\r\n|Il pleut.| Elle sort.\r\n\r\n|Fin."),
    ("mac", "Un titre\r|Il pleut."),
    ("emoji", "Il rit 😀.| Il pleure. 😢"),
    ("arabic", "أعلن الوزير.| وقال؟| نعم."),
    (
        "wrapped",
        "La Commission européenne a présenté mardi un ensemble de mesures\n"
        "destinées à renforcer la surveillance des marchés financiers, selon\n"
        "un communiqué.| Les États membres devront encore se prononcer.",
    ),
]


def cut(text: str, **options: bool) -> list[str]:
    return [text[start:end] for start, end in sentences(text, **options)]


@pytest.mark.parametrize("marked", [text for _, text in RULES], ids=[name for name, _ in RULES])
def test_golden_rule(marked: str) -> None:
    assert cut(marked.replace("|", "")) == [part.strip() for part in marked.split("|")]


def article(text: str) -> Article:
    return Article(id="a", name="-", text=text)


def test_quotations_can_be_kept_whole() -> None:
    text = '« Partons. Tout est prêt », dit-il. "A. Non. Si." Il part. « Sans fin. Rien.'
    assert cut(text, keep_quotes=True) == [
        "« Partons. Tout est prêt », dit-il.",
        '"A. Non. Si."',
        "Il part.",
        "« Sans fin.",
        "Rien.",
    ]


def test_users_add_abbreviations() -> None:
    text = "Le champ. Dupont part."
    assert len(sentences(text)) == 2
    assert len(sentences(text, abbreviations=frozenset({"champ."}))) == 1


def test_credits_and_datelines_lie_between_the_segments() -> None:
    text = "LIÈGE, 16 juillet 2020 (AFP) - Il pleut. (Belga)\n\nElle sort.\n\ncvl/mpa"
    found = segment(article(text))
    assert [s.text for s in found] == ["Il pleut.", "Elle sort."]
    assert [s.paragraph for s in found] == [0, 1]
    assert [s.index for s in found] == [0, 1]


@pytest.mark.parametrize(("seed", "count"), [("dispatch", 7), ("dispatch-as-received", 14)])
def test_seeds(seed: str, count: int) -> None:
    cleaned = clean(article((SEEDS / f"{seed}.txt").read_text("utf-8")))
    found = segment(cleaned)
    assert len(found) == count
    assert not any("(Belga)" in s.text for s in found)
    assert found[-1].paragraph == count // 7 - 1


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("un deux, trois ; quatre cinq six", ["un deux, trois ;", "quatre cinq six"]),
        ("un deux, trois quatre cinq six", ["un deux,", "trois quatre cinq", "six"]),
        ("x" * 45, ["x" * 20, "x" * 20, "x" * 5]),
        ("x" * 19 + "e\u0301" + "y" * 9, ["x" * 19, "e\u0301" + "y" * 9]),
    ],
)
def test_a_long_sentence_is_cut_at_a_clause(text: str, pieces: list[str]) -> None:
    assert [text[s:e] for s, e in sentences(text, max_chars=20)] == pieces


PIECES = [
    ". ",
    "! ",
    "… ",
    " « ",
    " » ",
    '"',
    "(",
    ")",
    "\n",
    "\n\n",
    "\r\n",
    "; ",
    "M.",
    "12. ",
    "J.-C.",
    "(AFP)",
    "Le",
    "a",
    "etc.",
    "[...]",
    "cvl/mpa",
]
SOUP = st.lists(
    st.one_of(
        st.sampled_from([*PIECES, "LIÈGE, 3 mai (AFP) - "]),
        st.text(max_size=8),
        st.text(st.characters(categories=["Cs"]), max_size=2),
    )
).map("".join)


@settings(deadline=None)  # the first example compiles the patterns
@given(SOUP, st.integers(1, 60), st.booleans())
def test_nothing_is_lost(text: str, max_chars: int, keep_quotes: bool) -> None:
    parts = furniture(text)
    furnished = {place for part in parts for place in range(part.start, part.end)}
    done = 0
    for s in segment(article(text), max_chars, None, keep_quotes):
        assert text[s.start : s.end] == s.text == s.text.strip()
        assert done <= s.start < s.end <= s.start + max_chars
        assert all(text[p].isspace() or p in furnished for p in range(done, s.start))
        done = s.end
    assert all(text[p].isspace() or p in furnished for p in range(done, len(text)))


@settings(deadline=None)
@given(SOUP)
def test_paragraphs_and_indexes_only_rise(text: str) -> None:
    found = segment(clean(article(text)))
    assert [s.index for s in found] == list(range(len(found)))
    assert [s.paragraph for s in found] == sorted(s.paragraph for s in found)


@pytest.mark.parametrize("text", ["", " \n\t ", "...", "?!", "« »", "\ud800", "\u0301"])
def test_texts_without_words(text: str) -> None:
    assert "".join(cut(text)) == text.strip()


@pytest.mark.parametrize(
    "unit",
    ["mot ", "a", ". ", "a. ", "A. ", "« a. ", '"', '. " ', "(", "a ; ", "(AFP) ", "a\n", "1. "],
)
def test_time_is_linear(unit: str) -> None:
    def seconds(count: int) -> float:
        text = unit * count
        began = time.process_time()
        segment(clean(article(text)))
        return time.process_time() - began

    seconds(10)
    assert seconds(80_000) < 8 * 3 * max(seconds(10_000), 0.01)


def test_nested_quotes() -> None:
    text = "« a. " * 50_000 + "» " * 50_000
    assert sentences(text, keep_quotes=True)
