"""Foreign TMX: each unit in order or why it is left out; files that are none, or an attack."""

import gzip
import os
import subprocess
import sys
import time
from pathlib import Path
from unicodedata import normalize

import pytest

from bitexte import InputError
from bitexte.readers.tmx import LARGEST_UNIT, LONGEST_SIDE, LeftOut, Unit, primary, units
from conftest import ROOT

FOREIGN = ROOT / "tests" / "data" / "tmx" / "foreign"
GOOD = ROOT / "tests" / "data" / "tmx" / "good"
DTD = '<!DOCTYPE tmx SYSTEM "tmx14.dtd">'


def tuv(lang: str, text: str) -> str:
    return f'<tuv xml:lang="{lang}"><seg>{text}</seg></tuv>'


def tu(source: str = "Oui.", target: str = "Yes.", attributes: str = "") -> str:
    return f"<tu {attributes}>{tuv('fr', source)}{tuv('en', target)}</tu>"


def tmx(*body: str, head: str = "", header: str = "<header/>", version: str = "1.4") -> str:
    return f'{head}<tmx version="{version}">{header}<body>\n{"".join(body)}</body></tmx>'


def read(
    tmp_path: Path, data: str | bytes, source: str = "fr", target: str = "en"
) -> list[Unit | LeftOut]:
    path = tmp_path / "memory.tmx"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return list(units(path, source, target))


def one(tmp_path: Path, unit: str, source: str = "fr", target: str = "en") -> tuple[str, ...]:
    """Read one unit: its two sides, or the reason and the detail of its being left out."""
    (found,) = read(tmp_path, tmx(unit), source, target)
    if isinstance(found, Unit):
        return found.source, found.target
    return found.reason, found.detail


YES = Unit(source="Oui.", target="Yes.")


# ---- what the tools write


@pytest.mark.parametrize("path", sorted(FOREIGN.glob("*.tmx")), ids=lambda path: path.stem)
def test_what_omegat_and_the_toolkit_wrote_is_read_whole_both_ways(path: Path) -> None:
    there = list(units(path, "fr", "en"))
    back = list(units(path, "en", "fr"))
    assert {(one.source, one.target) for one in there if isinstance(one, Unit)} == {
        (
            "L'œuvre de M. Lefèvre a été vendue 😀 aux enchères.",
            "Mr Lefèvre's work was sold 😀 at auction.",
        ),
        (
            "Le titre a gagné 12,4\u202f% à la Bourse & dépassé le seuil de 1\u202f000 <points>.",
            "The stock gained 12.4% on the stock market & passed the 1,000 <points> threshold.",
        ),
        (
            "PARIS (Agence) — Le gouvernement a annoncé mardi un plan de 3,5 milliards d'euros.",
            "PARIS (Agence) — The government announced a 3.5 billion euro plan on Tuesday.",
        ),
        (
            "«\u00a0Nous n'avons pas le choix\u00a0», a déclaré la ministre à 18h30.",
            "“We have no choice,” the minister said at 6:30 p.m.",
        ),
    }
    assert [(one.target, one.source) for one in there if isinstance(one, Unit)] == [
        (one.source, one.target) for one in back if isinstance(one, Unit)
    ]


@pytest.mark.parametrize("path", sorted(GOOD.glob("*.tmx")), ids=lambda path: path.stem)
def test_of_a_valid_file_nothing_is_left_out(path: Path) -> None:
    found = list(units(path, "fr", "en"))
    assert all(isinstance(one, Unit) for one in found)
    assert bool(found) == (path.stem != "empty_body")


def test_the_fixtures_of_the_interop_folder_are_read_whole() -> None:
    folder = os.environ.get("BITEXTE_INTEROP")
    if not folder:
        pytest.skip("BITEXTE_INTEROP is not set to the interop folder")
    paths = sorted(Path(folder, "fixtures", "tmx_foreign").glob("*.tmx"))
    assert paths
    for path in paths:
        found = list(units(path, "fr", "en"))
        assert len(found) == 4, path
        assert all(isinstance(one, Unit) for one in found), path


@pytest.mark.parametrize(
    "text",
    [
        tmx(tu()),
        tmx(tu(), head=DTD),
        tmx(tu(), head=f'<?xml version="1.0" encoding="UTF-8"?>\n{DTD}'),
        tmx(tu(), head='<!DOCTYPE tmx PUBLIC "-//LISA//TMX" "http://invalid.invalid/tmx14.dtd">'),
        tmx(tu(), head="<!DOCTYPE tmx [<!ELEMENT seg ANY>]>"),
        tmx(tu(), header=""),
        tmx(tu(), header='<header srclang="*all*"/>'),
        tmx(tu(), header='<header srclang="de"/>'),
        tmx(tu(), header='<header><prop type="x-Recognizers">RecognizeAll</prop></header>'),
        tmx(tu(attributes='srclang="*all*"')),
        tmx(tu().replace("xml:lang", "lang"), version="1.1"),
        tmx(tu()).replace("<tmx", '<tmx xmlns="http://www.lisa.org/tmx14"'),
        tmx("<!-- Default translations -->", tu(), "<?tool note?>"),
        tmx(tu().replace("<tuv", '<note>n</note><prop type="x">p</prop><tuv', 1)),
        tmx(tu().replace("<seg>", '<prop type="x">p</prop><seg>')),
    ],
)
def test_what_a_tool_adds_or_leaves_out_around_the_segments_is_no_matter(
    tmp_path: Path, text: str
) -> None:
    assert read(tmp_path, text) == [YES]


# ---- bytes


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8", None),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "UTF-16"),  # little-endian with its mark, as memoQ and Trados write
        ("utf-16", "utf-8"),
        ("utf-16", None),
        ("utf-16-be", "UTF-16"),
        ("cp1252", "windows-1252"),
        ("iso8859-15", "ISO-8859-15"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_any_encoding_that_the_file_tells_gzipped_or_not(
    tmp_path: Path, encoding: str, declared: str | None, pack: type[bytes]
) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    text = tmx(tu("Un œuf à 3 €.", "An egg."), head=head)
    found = read(tmp_path, pack(text.encode(encoding)))
    assert found == [Unit(source="Un œuf à 3 €.", target="An egg.")]


def test_gzip_is_known_by_its_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "plain.tmx.gz"
    path.write_text(tmx(tu()), "utf-8")
    assert list(units(path, "fr", "en")) == [YES]
    path.write_bytes(gzip.compress(b"<tmx><body>") + gzip.compress(b"</body></tmx>"))
    assert list(units(path, "fr", "en")) == []


# ---- languages


@pytest.mark.parametrize(
    ("tag", "language"),
    [("fr", "fr"), ("FR", "fr"), ("fr-BE", "fr"), ("fr_be", "fr"), ("zh-Hant-TW", "zh"), ("", "")],
)
def test_the_language_of_a_tag(tag: str, language: str) -> None:
    assert primary(tag) == language


@pytest.mark.parametrize(
    ("asked", "there", "chosen"),
    [
        ("fr", ["fr"], 0),
        ("fr", ["FR"], 0),
        ("FR", ["fr"], 0),
        ("fr", ["FR-BE"], 0),
        ("fr", ["fr_CA"], 0),
        ("fr-BE", ["fr"], 0),
        ("fr-BE", ["fr-FR"], 0),
        ("fr-BE", ["fr-FR", "fr-BE"], 1),
        ("fr_be", ["fr-FR", "FR-BE"], 1),
        ("fr", ["fr-BE", "fr"], 1),
        ("fr", ["fr-BE", "fr-FR"], 0),
        ("fr", ["fr", "fr"], 0),
        ("fr-BE", ["fr-CA", "fr-FR"], 0),
        ("fr", ["frp", "fr"], 1),
        ("fr", ["de", "es", "fr"], 2),
    ],
)
def test_just_the_tag_asked_for_wins_or_else_the_first_of_its_language(
    tmp_path: Path, asked: str, there: list[str], chosen: int
) -> None:
    variants = "".join(tuv(tag, f"n° {place}") for place, tag in enumerate(there))
    assert one(tmp_path, f"<tu>{variants}{tuv('en', 'x')}</tu>", asked) == (f"n° {chosen}", "x")


def test_two_regions_of_a_language_are_a_pair(tmp_path: Path) -> None:
    unit = f"<tu>{tuv('en-GB', 'colour')}{tuv('en-US', 'color')}</tu>"
    assert one(tmp_path, unit, "en-US", "en-GB") == ("color", "colour")
    reason, _ = one(tmp_path, f"<tu>{tuv('en-GB', 'colour')}</tu>", "en-GB", "en-US")
    assert reason == "language"


def test_the_xml_lang_counts_before_the_lang_of_older_versions(tmp_path: Path) -> None:
    unit = tu().replace('xml:lang="fr"', 'lang="de" xml:lang="fr"')
    assert one(tmp_path, unit) == ("Oui.", "Yes.")


# ---- the text of a segment


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        ("<bpt i='1'>&lt;b></bpt>gras<ept i='1'>&lt;/b></ept> et maigre", "gras et maigre"),
        ("<ph x='1'>&lt;br/></ph>Oui", "Oui"),
        ("un<it pos='begin'>&lt;i></it> deux", "un deux"),
        ("un<ut>{\\b }</ut> deux", "un deux"),
        ("un <ph>&lt;img alt='<sub>une image</sub>'></ph>deux", "un deux"),
        ("un <hi type='x'>mot <ph>*</ph>important</hi>.", "un mot important."),
        ("un <hi>deux <hi>trois</hi></hi>", "un deux trois"),
        ("<hi/>un", "un"),
        ("un <b>deux</b>", "un deux"),
        ("un<!-- non --> deux<?non?> trois", "un deux trois"),
        ("<![CDATA[R&D <b>]]> et &lt;i&gt; &amp;amp;", "R&D <b> et <i> &amp;"),
        ("&#233;t&#xE9;", "été"),
        ("\U0001f600 &#128512;", "\U0001f600 \U0001f600"),
    ],
)
def test_markup_does_not_count_and_text_does(tmp_path: Path, segment: str, text: str) -> None:
    assert one(tmp_path, tu(segment)) == (text, "Yes.")


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        ("  Oui.\n", "Oui."),
        ("\n      un\n      deux\r\n", "un deux"),
        ("un\tdeux &#10; trois&#13;quatre", "un deux trois quatre"),
        ("un\u2028deux\u2029trois\u0085quatre", "un deux trois quatre"),
        ("un\n \n \ndeux", "un deux"),
        ("un  deux", "un  deux"),
        ("12\u202f000\u00a0€", "12\u202f000\u00a0€"),
        ("un\u00a0\ndeux", "un\u00a0 deux"),
        ("\u00a0Oui\u202f", "Oui"),
        ("\ufeffOui", "Oui"),
        (normalize("NFD", "été à Noël"), "été à Noël"),
        ("½ … nº", "½ … nº"),
    ],
)
def test_a_side_is_one_trimmed_line_in_nfc(tmp_path: Path, segment: str, text: str) -> None:
    assert one(tmp_path, tu(segment)) == (text, "Yes.")


def test_of_several_segments_the_first_counts(tmp_path: Path) -> None:
    unit = tu().replace("</seg>", "</seg><seg>no</seg>")
    assert one(tmp_path, unit) == ("Oui.", "Yes.")


# ---- when it was changed


@pytest.mark.parametrize(
    ("on_tu", "on_fr", "on_en", "changed"),
    [
        ("", "", "", ""),
        ('creationdate="1"', "", "", "1"),
        ('creationdate="1" changedate="20260102T030405Z"', "", "", "20260102T030405Z"),
        ("", "", 'creationdate="1" changedate="2"', "2"),
        ("", 'creationdate="1"', "", "1"),
        ('changedate="3"', "", 'changedate="2"', "3"),
        ('creationdate="1"', "", 'changedate="2"', "2"),
        ("", 'changedate="1"', 'changedate="2"', "2"),
        ('changedate=""', 'creationdate=" yesterday "', "", "yesterday"),
    ],
)
def test_the_date_is_as_written_the_change_before_the_making(
    tmp_path: Path, on_tu: str, on_fr: str, on_en: str, changed: str
) -> None:
    unit = tu(attributes=on_tu)
    unit = unit.replace("<tuv", f"<tuv {on_fr} ", 1).replace("</tuv><tuv", f"</tuv><tuv {on_en} ")
    (found,) = read(tmp_path, tmx(unit))
    assert isinstance(found, Unit)
    assert found.changed == changed


# ---- units left out


@pytest.mark.parametrize(
    ("unit", "reason", "detail"),
    [
        ("<tu/>", "language", "no fr, only nothing"),
        (f"<tu>{tuv('fr', 'Oui.')}</tu>", "language", "no en, only nothing"),
        (f"<tu>{tuv('de', 'Ja.')}{tuv('EN', 'Yes.')}</tu>", "language", "no fr, only de, en"),
        ("<tu><tuv><seg>Oui.</seg></tuv></tu>", "language", "no fr, only ?"),
        (tu(source=""), "blank", "an empty segment in fr"),
        (tu(target=" \n\u00a0"), "blank", "an empty segment in en"),
        (tu(source="<ph>&lt;br></ph>"), "blank", "an empty segment in fr"),
        (tu().replace("<seg>Yes.</seg>", ""), "blank", "no segment in en"),
        (tu(source="Lef\ufffdvre"), "damaged", "U+FFFD in fr"),
        (tu(target="it\u0092s"), "damaged", "U+0092 in en"),
        (tu(source="a" * (LONGEST_SIDE + 1)), "long", "10,001 characters in fr"),
        (tu(source="e" + "\u0301\u0323" * 100_000), "long", "200,001 characters in fr"),
    ],
)
def test_a_unit_without_the_pair_is_left_out_with_its_reason(
    tmp_path: Path, unit: str, reason: str, detail: str
) -> None:
    assert one(tmp_path, unit) == (reason, detail)


def test_nothing_stops_at_a_bad_unit_and_its_line_and_number_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, tmx(tu() + "\n\n", "<tu/>\n", tu(), "\n<tu>\n</tu>\n", tu("")))
    assert [type(each) for each in found] == [Unit, LeftOut, Unit, LeftOut, LeftOut]
    left = [each for each in found if isinstance(each, LeftOut)]
    assert [(each.number, each.line) for each in left] == [(2, 4), (4, 6), (5, 8)]


def test_the_line_of_a_unit_far_down_is_told(tmp_path: Path) -> None:
    (found,) = read(tmp_path, tmx("\n" * 100_000, "<tu/>"))
    assert isinstance(found, LeftOut)
    assert found.line == 100_002


def test_an_entity_that_only_a_dtd_could_define_is_not_looked_up(tmp_path: Path) -> None:
    (tmp_path / "tmx14.dtd").write_text('<!ENTITY nbsp "loaded">', "utf-8")
    bad, good = read(tmp_path, tmx(tu("12&nbsp;000"), tu("<ph>&nbsp;</ph>Oui."), head=DTD))
    assert isinstance(bad, LeftOut)
    assert (bad.reason, bad.detail) == ("entity", "&nbsp; in fr, which the file does not define")
    assert good == YES


# ---- files that are none


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        ("", "not a TMX: empty, or not XML", "as TMX"),
        ("<", "not a TMX: empty, or not XML", "as TMX"),
        ("Bonjour.", "not a TMX: empty, or not XML", "as TMX"),
        ('<?xml version="1.0"?>\n', "not a TMX: empty, or not XML", "as TMX"),
        (b"PK\x03\x04\x00\x00", "not a TMX: empty, or not XML", "as TMX"),
        (b"SQLite format 3\x00", "not a TMX: empty, or not XML", "as TMX"),
        ("<xliff/>", "not a TMX: its root is <xliff>, not <tmx>", "as TMX"),
        ("<TMX/>", "not a TMX: its root is <TMX>, not <tmx>", "as TMX"),
        (tmx(tu(), "</tu>"), "line 2: damaged XML: Opening and ending tag mismatch", "mend that"),
        (tmx("\n", tu("R & D")), "line 3: damaged XML: xmlParseEntityRef: no name", "mend that"),
        (tmx("\n", tu("R&D")), "line 3: damaged XML: EntityRef: expecting ';'", "mend that"),
        (tmx("\n", tu("AT&#T")), "line 3: damaged XML: .*invalid decimal value", "mend that"),
        (tmx("\n", tu("AT&#xT")), "line 3: damaged XML: .*invalid hexadecimal value", "mend that"),
        (tmx("\n", tu("a&nbsp;b")), "line 3: damaged XML: Entity 'nbsp' not defined", "mend that"),
        (tmx(tu(attributes="a='&nbsp;'")), "line 2: damaged XML: Entity 'nbsp'", "mend that"),
        (tmx(tu("&#11;")), "line 2: damaged XML: .*invalid xmlChar value 11", "mend that"),
        (tmx(tu("a\x0b")), "line 2: damaged XML: .*invalid Char value 11", "mend that"),
        (tmx(tu("été")).encode("latin-1"), "line 2: damaged XML: Invalid bytes", "mend that"),
        (tmx() + "<tmx/>", "line 2: damaged XML: Extra content at the end", "mend that"),
        (tmx(tu("<hi>" * 300)), "line 2: damaged XML: Excessive depth", "mend that"),
        ('<?xml version="1.0" encoding="klingon"?><tmx/>', "Unsupported encoding", "mend that"),
        (tmx(tu(), tu())[:-20], "line 2: cut short before </tmx>", "copy it"),
        (
            gzip.compress(tmx(tu()).encode())[:-9],
            "cut short: the gzip archive has no end",
            "copy it",
        ),
        (
            gzip.compress(tmx(tu()).encode())[:12],
            "cut short: the gzip archive has no end",
            "copy it",
        ),
        (gzip.compress(tmx().encode()) + b"more", "a damaged gzip archive", "copy it again"),
        (b"\x1f\x8b\x08\x00" + b"\xff" * 50, "a damaged gzip archive", "copy it again"),
    ],
)
def test_another_or_a_damaged_file_is_refused_with_line_and_remedy(
    tmp_path: Path, data: str | bytes, message: str, hint: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, data)
    assert caught.value.message.startswith(f"{tmp_path / 'memory.tmx'}: ")
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = tmx(tu("été"), head=f'<?xml version="1.0"?>{DTD}').encode()
    for end in range(len(whole)):
        with pytest.raises(InputError, match=r"cut short|not a TMX: empty"):
            read(tmp_path, whole[:end])


@pytest.mark.parametrize("text", ["R&D", "R & D", "a&nbsp;b", "AT&#T", "</hi>", "a < b", "\x0b"])
def test_damage_is_found_at_its_line_however_much_follows(tmp_path: Path, text: str) -> None:
    after = tu("Oui. " * 500) * (LARGEST_UNIT // 2000)
    with pytest.raises(InputError, match="line 1002: damaged XML: "):
        read(tmp_path, tmx((tu() + "\n") * 1000, tu(text), "\n", after))


def test_units_before_the_damage_come_first(tmp_path: Path) -> None:
    path = tmp_path / "long.tmx"
    path.write_text(tmx(*[tu()] * 5000)[:-20], "utf-8")
    found = units(path, "fr", "en")
    assert [next(found) for _ in range(4999)] == [YES] * 4999
    with pytest.raises(InputError, match="cut short"):
        list(found)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.tmx: no such file"):
        list(units(tmp_path / "none.tmx", "fr", "en"))
    with pytest.raises(InputError, match=f"{tmp_path}: Is a directory") as caught:
        list(units(tmp_path, "fr", "en"))
    assert caught.value.hint


# ---- attacks

LAUGHS = '<!ENTITY l0 "lol">' + "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12)
)
LONG = f'<!ENTITY q "{"q" * 50_000}">'
# A comment with the start of a root in it, so that looking before the root sees nothing.
DECOY = "<!--<tmx-->"

ATTACKS = {
    "billion laughs": tmx(tu("&l11;"), head=f"<!DOCTYPE tmx [{LAUGHS}]>"),
    "laughs in an attribute": tmx(head=f"<!DOCTYPE tmx [{LAUGHS}]>", version="&l11;"),
    "quadratic": tmx(tu("&q;" * 100_000), head=f"<!DOCTYPE tmx [{LONG}]>"),
    "quadratic in an attribute": tmx(head=f"<!DOCTYPE tmx [{LONG}]>", version="&q;" * 20_000),
    "a file": tmx(tu("&x;"), head='<!DOCTYPE tmx [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "the net": tmx(tu("&x;"), head='<!DOCTYPE tmx [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]>'),
    "a parameter": tmx(head='<!DOCTYPE tmx [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>'),
    "a harmless one": tmx(tu("&x;"), head='<!DOCTYPE tmx SYSTEM "tmx14.dtd" [<!ENTITY x "y">]>'),
}


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("before", ["", DECOY, f"<!--{'x' * 70_000}-->{DECOY}"])
def test_a_file_that_declares_an_entity_is_refused_at_once(
    tmp_path: Path, name: str, before: str
) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError, match=r"declares an entity|entity amplification"):
        read(tmp_path, before + ATTACKS[name])
    assert time.perf_counter() - start < 1


def test_an_entity_in_utf_16_is_seen_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it declares an entity") as caught:
        read(tmp_path, ATTACKS["a file"].encode("utf-16"))
    assert caught.value.hint == "remove the declaration"


START = "<tmx><header/><body>"
BOMBS = {
    "white space": (START, " "),
    "comments": (START, "<!-- x -->"),
    "one text": (f"{START}<tu><tuv xml:lang='fr'><seg>", "a"),
    "one attribute": (f"{START}<tu tuid='", "a"),
    "elements": (f"{START}<tu>", "<a/>"),
    "a grammar": ("<!DOCTYPE tmx [", "<!ELEMENT a ANY>"),
}


@pytest.fixture(scope="module")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make gzip files of a few kB that hold 100 MB each."""
    folder = tmp_path_factory.mktemp("bombs")
    paths = {name: folder / name for name in BOMBS}
    for name, (head, unit) in BOMBS.items():
        block = gzip.compress((unit * (10**6 // len(unit))).encode(), 1)
        paths[name].write_bytes(gzip.compress(head.encode()) + block * 100)
    return paths


@pytest.mark.parametrize("name", BOMBS)
def test_a_decompression_bomb_is_refused_soon(bombs: dict[str, Path], name: str) -> None:
    with pytest.raises(InputError, match="over 2 MB without the end of a unit"):
        list(units(bombs[name], "fr", "en"))


MEASURE = """
import sys
from contextlib import suppress
from pathlib import Path
from bitexte import InputError
from bitexte.readers.tmx import units
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
for path in sys.argv[1:]:
    before = peak()
    with suppress(InputError):
        for unit in units(Path(path), "fr", "en"):
            pass
    print(peak() - before)
"""


def grown(*paths: Path) -> list[int]:
    """Return by how many kB reading each file made a fresh process larger."""
    # Not ru_maxrss: on Linux a process starts with that of its parent.
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is not told on this system")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *paths], capture_output=True, text=True, check=True
    )
    return [int(line) for line in done.stdout.split()]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    for name, times in (("small", 500), ("large", 10_000)):
        text = tmx(*[tu("Oui. " * 50) + f"<!-- {'x' * 300} -->"] * times)
        (tmp_path / name).write_text(text, "utf-8")
    assert (tmp_path / "large").stat().st_size > 3 * LARGEST_UNIT
    assert grown(tmp_path / "small", tmp_path / "large")[1] < 4_000


def test_no_attack_takes_much_memory(tmp_path: Path, bombs: dict[str, Path]) -> None:
    paths = [tmp_path / name for name in ATTACKS]
    for path in paths:
        path.write_text(DECOY + ATTACKS[path.name], "utf-8")
    assert sum(grown(*paths, *bombs.values())) < 100_000
