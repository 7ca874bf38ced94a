"""Every export format: the contracts of all, the exact bytes, and the same pairs read back."""

import json
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree, html

from bitexte import Article, Bitext, Pair, __version__
from bitexte import exporters as package
from bitexte.errors import OutputError
from bitexte.exporters import EXPORTERS, WHOLE, export, line, tmx
from bitexte.exporters.rules import RULES
from conftest import ROOT, Done

GOLDEN = ROOT / "tests" / "golden"
GRAMMAR = Path(package.__file__).with_name("tmx14.dtd")
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
NBSP, NARROW = "\u00a0", "\u202f"

every_format = pytest.mark.parametrize("name", EXPORTERS.names())
every_corpus = pytest.mark.parametrize("name", sorted(set(EXPORTERS.names()) - WHOLE))


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")


def corpus(*texts: tuple[str, str], name: str = "a.txt", number: int = 0, **fields: Any) -> Bitext:
    """Make an article named `name` with these pairs."""
    identity = f"{number:016x}"
    pairs = tuple(
        Pair(id=f"{identity}:{index:04d}", article_id=identity, source=source, target=target,
             start=0, end=len(source), **fields)
        for index, (source, target) in enumerate(texts)
    )  # fmt: skip
    article = Article(id=identity, name=name, text=" ".join(source for source, _ in texts))
    return Bitext(article=article, pairs=pairs, signature="engine:identity|bitexte:0.1.0")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def read_tmx(path: Path) -> list[tuple[str, str]]:
    tree = etree.parse(str(path), etree.XMLParser(resolve_entities=False, no_network=True))
    return [tuple(seg.text for seg in unit.iter("seg")) for unit in tree.iter("tu")]


def read_jsonl(path: Path) -> list[tuple[str, str]]:
    rows = [json.loads(row) for row in path.read_bytes().decode().splitlines()]
    return [(row["translation"]["fr"], row["translation"]["en"]) for row in rows]


def read_html(path: Path) -> list[tuple[str, str]]:
    rows = html.parse(str(path)).iter("tr")
    cells = [[cell.text_content() for cell in row.xpath("td[@lang]")] for row in rows]
    return [(line(source), line(target)) for source, target in cells]


READERS = {"tmx": read_tmx, "jsonl": read_jsonl, "html": read_html}
# What `bitexte validate` knows the rules of.
RULED = [name for name in EXPORTERS.names() if f".{name}" in RULES.names()]


def pairs_of(
    name: str, bitexts: Sequence[Bitext], base: Path, **options: Any
) -> list[tuple[str, str]]:
    """Export, let the rules of `bitexte validate` look at the file, and read it back."""
    (path,) = export(bitexts, [name], base, **options)
    if name == "tmx":
        assert [one for one in RULES.get(".tmx")(path) if not one.warning] == []
    return READERS[name](path)


# ---- contracts of every format


def test_every_format_has_a_reader_here() -> None:
    assert set(READERS) == set(EXPORTERS.names())


@every_format
@pytest.mark.parametrize("bitexts", [[], [corpus()], [corpus(), corpus(number=1)]],
                         ids=["no article", "no pair", "two without pairs"])  # fmt: skip
def test_an_empty_corpus_is_a_valid_file(name: str, bitexts: list[Bitext], tmp_path: Path) -> None:
    (path,) = export(bitexts, [name], tmp_path / "corpus")
    assert name not in RULED or list(RULES.get(f".{name}")(path)) == []
    assert READERS[name](path) == []


@every_format
@pytest.mark.parametrize(
    "text",
    [
        "<&\"'>",
        "R&amp;D &lt;b&gt; &#233; &nbsp;",
        "]]>",
        "<!-- x --> <?x?> <![CDATA[x]]>",
        '\\ \\n \\u0041 "quoted\\"',
        f"«{NBSP}12{NARROW}000{NARROW}€{NBSP}»{NARROW};",
        "L'été à l'hôtel, où l'œuvre naît…",
        "\U0001f642 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U00020000",
        "nº ½ ﬁn",
        "עברית \u200f العربية",
        "None",
        "a" * 5000,
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_text_comes_back_as_it_was(name: str, text: str, tmp_path: Path) -> None:
    assert pairs_of(name, [corpus((text, text))], tmp_path / "a") == [(text, text)]


# Every character that some format cannot hold, or that some reader takes for the end of a line.
TROUBLE = [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029", "\ufeff",
           "\ufffd", "\ufffe", "\uffff", "\ud800", "\udbff", "\udc00",
           "\udce9", "\udfff"]  # fmt: skip


@every_format
def test_no_character_breaks_a_file(name: str, tmp_path: Path) -> None:
    """Not in texts, not in article names, not in the signature."""
    bitexts = [
        replace(corpus((f"a{char}b", f"c{char}d"), name=f"n{char}m", number=number),
                signature=f"s{char}")
        for number, char in enumerate(TROUBLE)
    ]  # fmt: skip
    (path,) = export(bitexts, [name], tmp_path / "a")
    if name in RULED:
        assert [one for one in RULES.get(f".{name}")(path) if not one.warning] == []
    assert len(READERS[name](path)) == len(TROUBLE)


@every_format
@pytest.mark.parametrize(
    "article", ["None", "nan", "", " ", "\x01", "caf\udce9.txt", "a\nb", '<&">']
)
def test_no_article_name_breaks_a_file(name: str, article: str, tmp_path: Path) -> None:
    assert pairs_of(name, [corpus(("a", "b"), name=article)], tmp_path / "a") == [("a", "b")]


@every_corpus
@pytest.mark.parametrize(
    "blank", ["", " ", NBSP, NARROW, "\n\t", "\u2028", "\x00", "\ufeff", "\ud800"], ids=ascii
)
def test_a_pair_with_a_blank_side_is_left_out(name: str, blank: str, tmp_path: Path) -> None:
    bitext = corpus(("a", blank), (blank, "b"), ("a", "b"))
    assert pairs_of(name, [bitext], tmp_path / "a") == [("a", "b")]


@every_corpus
def test_pairs_below_the_threshold_are_left_out(name: str, tmp_path: Path) -> None:
    bitexts = [
        corpus((f"{confidence}", "x"), number=number, confidence=confidence)
        for number, confidence in enumerate([0.0, 0.49, 0.5, 1.0])
    ]
    kept = pairs_of(name, bitexts, tmp_path / "a", min_confidence=0.5)
    assert [source for source, _ in kept] == ["0.5", "1.0"]


@every_format
def test_articles_and_pairs_stay_in_the_order_they_come_in(name: str, tmp_path: Path) -> None:
    bitexts = [
        corpus(("1", "x"), ("2", "x"), name="a", number=2),
        corpus(("3", "x"), name="b", number=3),
        corpus(("4", "x"), name="b", number=1),
    ]
    found = [source for source, _ in pairs_of(name, bitexts, tmp_path / "a")]
    assert found == ["1", "2", "3", "4"]


@every_format
def test_two_runs_give_the_same_bytes(name: str, bitext: Bitext, tmp_path: Path) -> None:
    (one,) = export([bitext], [name], tmp_path / "one")
    (two,) = export([bitext], [name], tmp_path / "two")
    assert one.read_bytes() == two.read_bytes()


@every_format
@pytest.mark.parametrize(
    "base", ["corpus", "a.b.c", "2020.07.16", "deep/er/corpus", "é à", "caf\udce9"]
)
def test_the_suffix_is_added_to_the_whole_base(
    name: str, base: str, bitext: Bitext, tmp_path: Path
) -> None:
    (path,) = export([bitext], [name], tmp_path / base)
    assert path == tmp_path / f"{base}.{name}"
    assert names(path.parent) == [path.name]


@every_format
def test_a_folder_that_cannot_be_is_an_output_error(
    name: str, bitext: Bitext, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(OutputError, match="cannot write") as caught:
        export([bitext], [name], tmp_path / "file" / "corpus")
    assert caught.value.hint
    assert (tmp_path / "file").read_text() == "old"


@every_format
@pytest.mark.parametrize("there", [True, False], ids=["over an old file", "anew"])
@pytest.mark.parametrize("after", [0, 1, 2000], ids=lambda after: f"after {after}")
def test_a_crash_leaves_what_was_there(
    name: str, there: bool, after: int, bitext: Bitext, tmp_path: Path
) -> None:
    def crashing() -> Iterator[Bitext]:
        for number in range(after):
            yield corpus(("a", "b"), number=number)
        raise RuntimeError("half way")

    path = tmp_path / f"corpus.{name}"
    if there:
        path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"):
        EXPORTERS.get(name)(crashing(), tmp_path / "corpus")
    assert names(tmp_path) == ([path.name] if there else [])
    assert not there or path.read_text() == "old"


@every_format
def test_a_format_is_written_as_the_pairs_come(name: str, tmp_path: Path) -> None:
    """Nothing is gathered first: the file grows while the corpus is still being made."""
    sizes = []

    def growing() -> Iterator[Bitext]:
        for number in range(200):
            sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
            yield corpus(*[("Une phrase. " * 10, "A sentence. " * 10)] * 10, number=number)

    EXPORTERS.get(name)(growing(), tmp_path / "corpus")
    assert sizes[100] > 100_000
    assert sizes[199] > 1.8 * sizes[100]


STREAM = """
import resource, sys
from pathlib import Path
sys.path.insert(0, "tests")
from test_exporters import EXPORTERS, corpus
name, folder = sys.argv[1:]
write = EXPORTERS.get(name)
for articles in (20, 400):
    write((corpus(*[("Une phrase. " * 5, "A sentence. " * 5)] * 50, number=number)
           for number in range(articles)), Path(folder) / "corpus")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@every_format
def test_memory_does_not_grow_with_the_corpus(name: str, tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="memory is not told on this system")
    command = [sys.executable, "-c", STREAM, name, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    small, large = map(int, done.stdout.split())
    size = (tmp_path / f"corpus.{name}").stat().st_size // 1024
    # What grows is the list of ids, to find one used twice.
    assert large - small < size / 2, f"kB more for a file of {size} kB"


def test_an_unknown_format_writes_nothing(bitext: Bitext, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="unknown export format 'tmxx'"):
        export([bitext], ["jsonl", "tmxx"], tmp_path / "corpus")
    assert names(tmp_path) == []


def test_the_paths_come_in_the_order_of_the_formats(bitext: Bitext, tmp_path: Path) -> None:
    formats = EXPORTERS.names()[::-1]
    paths = export([bitext], formats, tmp_path / "corpus")
    assert paths == [tmp_path / f"corpus.{name}" for name in formats]


# ---- exact bytes


@every_format
def test_the_bytes_are_those_of_the_golden_file(
    name: str, bitext: Bitext, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (path,) = export([bitext], [name], tmp_path / "bitext")
    # The version in the header is the package's, that in the signature the fixture's.
    data = path.read_bytes().replace(f'version="{__version__}"'.encode(), b'version="VERSION"')
    golden = GOLDEN / path.name
    if request.config.getoption("--update-golden"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(data)
    assert data.decode() == golden.read_bytes().decode(), "on purpose? then pytest --update-golden"


# ---- round trips

anything = st.text(st.characters(exclude_categories=()), max_size=60)
hostile = st.text(
    st.sampled_from(
        [*TROUBLE, *"<&\"'>];\\ a", NBSP, NARROW, "e", "\u0301", "\u212b", "\U0001f642"]
    ),
    max_size=20,
)
texts = st.lists(st.tuples(anything | hostile, anything | hostile), max_size=6)
often = settings(
    max_examples=150, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


def expected(pairs: list[tuple[str, str]], change: Callable[[str], str]) -> list[tuple[str, str]]:
    return [
        (change(source), change(target))
        for source, target in pairs
        if line(source) and line(target)
    ]


@often
@given(pairs=texts)
def test_any_text_comes_back_from_tmx_as_one_line(
    pairs: list[tuple[str, str]], tmp_path: Path
) -> None:
    read = pairs_of("tmx", [corpus(*pairs)], tmp_path / "a")
    assert read == expected(pairs, line)


@often
@given(pairs=texts)
def test_any_text_comes_back_from_jsonl_character_for_character(
    pairs: list[tuple[str, str]], tmp_path: Path
) -> None:
    def whole(text: str) -> str:
        return re.sub("[\ud800-\udfff]", "\ufffd", text)

    assert pairs_of("jsonl", [corpus(*pairs)], tmp_path / "a") == expected(pairs, whole)


@settings(often, max_examples=300)
@given(text=anything | hostile)
def test_a_line_is_trimmed_nfc_of_one_line_and_stays_so(text: str) -> None:
    made = line(text)
    assert made == made.strip() == normalize("NFC", made) == line(made)
    assert len(made.splitlines()) <= 1
    assert not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffd-\uffff]", made)


def test_a_line_loses_no_other_character() -> None:
    for number in range(0x20, sys.maxunicode + 1, 17):
        char = chr(number)
        if (
            unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")
            and not 0xFFFD <= number <= 0xFFFF
        ):
            assert line(f"a{char}b") == normalize("NFC", f"a{char}b"), hex(number)


def test_tmx_read_by_the_translate_toolkit(bitext: Bitext, tmp_path: Path) -> None:
    storage = pytest.importorskip("translate.storage.tmx", reason="pip install translate-toolkit")
    (path,) = export([bitext], ["tmx"], tmp_path / "a")
    with path.open("rb") as data:
        store = storage.tmxfile(data, "fr", "en")
    assert [(unit.source, unit.target) for unit in store.units] == [
        (line(pair.source), line(pair.target)) for pair in bitext.pairs
    ]


def test_jsonl_read_by_datasets(bitext: Bitext, tmp_path: Path) -> None:
    import datasets

    (path,) = export([bitext], ["jsonl"], tmp_path / "a")
    datasets.disable_progress_bars()
    rows = datasets.load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
    ).cast_column("translation", datasets.Translation(languages=["en", "fr"]))
    assert rows.features["translation"] == datasets.Translation(languages=["en", "fr"])
    assert rows["translation"] == [{"fr": pair.source, "en": pair.target} for pair in bitext.pairs]


# ---- the musts of TMX, one by one


@pytest.fixture
def written(bitext: Bitext, tmp_path: Path) -> Path:
    second = corpus(("Deux.", "Two."), ("Trois.", "Three."), name="b.txt", number=7)
    (path,) = export([bitext, second], ["tmx"], tmp_path / "corpus")
    return path


@pytest.fixture
def tree(written: Path) -> Any:
    return etree.parse(str(written))


def test_tmx_is_utf8_without_a_mark_and_says_so(written: Path) -> None:
    first, second, _ = written.read_bytes().split(b"\n", 2)
    assert re.fullmatch(rb"""<\?xml version=['"]1\.0['"] encoding=['"](?i:utf-8)['"]\?>""", first)
    assert second.startswith(b'<!DOCTYPE tmx SYSTEM "tmx14.dtd">')
    assert b"\r" not in written.read_bytes()
    assert written.read_bytes().endswith(b"</tmx>\n")


def test_tmx_says_version_14_and_nothing_else_on_the_root(tree: Any) -> None:
    assert (tree.getroot().tag, dict(tree.getroot().attrib)) == ("tmx", {"version": "1.4"})
    assert tree.docinfo.doctype == '<!DOCTYPE tmx SYSTEM "tmx14.dtd">'


def test_tmx_header_has_the_seven_attributes_and_a_date(tree: Any, bitext: Bitext) -> None:
    header = tree.find("header")
    assert dict(header.attrib) == {
        "creationtool": "bitexte",
        "creationtoolversion": __version__,
        "segtype": "sentence",
        "o-tmf": "bitexte",
        "adminlang": "en",
        "srclang": "fr",
        "datatype": "plaintext",
        "creationdate": "20200716T120000Z",
    }
    assert [(prop.get("type"), prop.text) for prop in header] == [("x-signature", bitext.signature)]


def test_tmx_units_have_ids_of_their_own_without_spaces(tree: Any) -> None:
    ids = [unit.get("tuid") for unit in tree.iter("tu")]
    assert ids == sorted(set(ids), key=ids.index)
    assert ids[0] == "0123456789abcdef-0000"
    assert not [one for one in ids if re.search(r"[\s:]", one)]


def test_tmx_units_have_one_french_and_one_english_variant_of_plain_text(tree: Any) -> None:
    for unit in tree.iter("tu"):
        assert [variant.get(XML_LANG) for variant in unit.iter("tuv")] == ["fr", "en"]
        for variant in unit.iter("tuv"):
            assert [child.tag for child in variant] == ["seg"]
            assert len(variant[0]) == 0


def test_tmx_properties_stand_first_start_with_x_and_have_a_value(tree: Any) -> None:
    for unit in tree.iter("tu"):
        tags = [child.tag for child in unit]
        assert tags == sorted(tags)  # prop, then tuv
    for prop in tree.iter("prop"):
        assert prop.get("type").startswith("x-")
        assert prop.text.strip() not in ("", "None", "nan")


def test_tmx_units_carry_where_they_are_from_and_how_sure(tree: Any, bitext: Bitext) -> None:
    unit = list(tree.iter("tu"))[2]
    pair = bitext.pairs[2]
    assert {prop.get("type"): prop.text for prop in unit.iter("prop")} == {
        "x-article": "a&b.txt",
        "x-offsets": f"{pair.start}-{pair.end}",
        "x-bead": "1-1",
        "x-origin": "engine",
        "x-logprob": "-0.2500",
        "x-confidence": "0.7788",
        "x-flags": "length",
    }


def test_tmx_takes_its_languages_from_the_corpus(tmp_path: Path) -> None:
    bitext = corpus(("a", "b"))
    bitext = replace(bitext, article=replace(bitext.article, lang="fr-BE"), target_lang="en-GB")
    (path,) = export([bitext], ["tmx"], tmp_path / "a")
    tree = etree.parse(str(path))
    assert tree.find("header").get("srclang") == "fr-BE"
    assert [one.get(XML_LANG) for one in tree.iter("tuv")] == ["fr-BE", "en-GB"]


def test_tmx_is_valid_by_the_grammar(tree: Any) -> None:
    grammar = etree.DTD(str(GRAMMAR))
    assert grammar.validate(tree), grammar.error_log


@pytest.mark.skipif(not shutil.which("xmllint"), reason="xmllint is not installed")
def test_tmx_is_valid_by_xmllint(written: Path) -> None:
    command = ["xmllint", "--nonet", "--noout", "--dtdvalid", str(GRAMMAR), str(written)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # Only the file's own DOCTYPE, which names a grammar that is not beside it, may be remarked on.
    assert (done.returncode, "error" in done.stderr) == (0, False), done.stderr


def test_tmx_that_would_not_be_valid_gets_no_name(tmp_path: Path) -> None:
    """Two articles of the same id would give two units of the same id."""
    path = tmp_path / "a.tmx"
    path.write_text("old")
    with pytest.raises(OutputError, match=r"a\.tmx: would not be a valid TMX: tu 2") as caught:
        tmx.write([corpus(("a", "b")), corpus(("c", "d"))], tmp_path / "a")
    assert "give each unit an id of its own" in caught.value.hint
    assert names(tmp_path) == ["a.tmx"]
    assert path.read_text() == "old"


# ---- the musts of JSON lines


def test_jsonl_rows_have_the_same_fields_in_the_same_order(tmp_path: Path, bitext: Bitext) -> None:
    (path,) = export([bitext, corpus(("a", "b"))], ["jsonl"], tmp_path / "a")
    rows = [json.loads(row) for row in path.read_text("utf-8").splitlines()]
    assert {tuple(row) for row in rows} == {
        ("id", "article_id", "article", "translation", "start", "end", "bead", "links", "logprob",
         "confidence", "flags", "origin", "suggestions", "signature"),
    }  # fmt: skip
    assert {tuple(row["translation"]) for row in rows} == {("fr", "en")}
    assert [row["id"] for row in rows[:3]] == [pair.id for pair in bitext.pairs]


def test_jsonl_offsets_give_the_source_back(tmp_path: Path, bitext: Bitext) -> None:
    (path,) = export([bitext], ["jsonl"], tmp_path / "a")
    for text in path.read_text("utf-8").splitlines():
        row = json.loads(text)
        assert bitext.article.text[row["start"] : row["end"]] == row["translation"]["fr"]


def test_jsonl_is_utf8_with_plain_line_ends(tmp_path: Path, bitext: Bitext) -> None:
    (path,) = export([bitext], ["jsonl"], tmp_path / "a")
    data = path.read_bytes()
    assert data.startswith(b'{"id": ')
    assert data.endswith(b"}\n")
    assert b"\r" not in data
    assert "12\u202f000 €" in data.decode()  # readable, not \u202f


@pytest.mark.parametrize("char", ["\x85", "\u2028", "\u2029", "\v", "\f", "\x1c"], ids=ascii)
def test_jsonl_rows_are_never_cut_by_splitlines(char: str, tmp_path: Path) -> None:
    bitext = corpus((f"a{char}b", "c"), ("d", f"e{char}f"), name=f"g{char}h")
    assert pairs_of("jsonl", [bitext], tmp_path / "a") == [(f"a{char}b", "c"), ("d", f"e{char}f")]


# ---- the command line


def test_validate_takes_what_was_exported(
    run_cli: Callable[..., Done], bitext: Bitext, tmp_path: Path
) -> None:
    export([bitext], RULED, tmp_path / "corpus")
    names = [f"corpus.{name}" for name in RULED]
    assert run_cli("validate", *names) == Done(0, "".join(f"{name}: valid\n" for name in names), "")


# ---- the page


def test_the_page_shows_and_marks_what_corpora_leave_out(tmp_path: Path) -> None:
    bitext = corpus(("a", ""), ("", "b"), ("c", "d"), ("e", "f"))
    sure = [replace(bitext.pairs[3], confidence=0.9)]
    bitext = replace(bitext, pairs=(*bitext.pairs[:3], *sure))
    (path,) = export([bitext], ["html"], tmp_path / "a", min_confidence=0.5)
    rows = [row.get("class") for row in html.parse(str(path)).iter("tr")]
    assert rows == ["null", "null", "low", ""]


def test_a_word_of_the_page_knows_its_partners(tmp_path: Path) -> None:
    bitext = corpus(("L'été vient.", "Summer comes."), links=((0, 0), (1, 0), (2, 1)))
    (path,) = export([bitext], ["html"], tmp_path / "a")
    source, target = html.parse(str(path)).xpath("//td[@lang]")
    told = [
        [(word.text, word.get("data-n"), word.get("data-to")) for word in cell.iter("span")]
        for cell in (source, target)
    ]
    assert told[0] == [("L'", "0", "0"), ("été", "1", "0"), ("vient", "2", "1")]
    assert told[1] == [("Summer", "0", "0 1"), ("comes", "1", "2")]


def test_the_page_needs_nothing_from_elsewhere(bitext: Bitext, tmp_path: Path) -> None:
    (path,) = export([bitext], ["html"], tmp_path / "a")
    page = html.parse(str(path))
    assert not page.xpath("//@src | //link | //@href")
    assert "url(" not in path.read_text("utf-8")
