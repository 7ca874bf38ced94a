"""What `bitexte validate` says of a TMX: nothing of a good one, line and cure of a bad one."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from bitexte import exporters
from bitexte.exporters.rules import Finding
from bitexte.exporters.tmx_rules import findings
from conftest import ROOT, Done

TMX = ROOT / "tests" / "data" / "tmx"
GRAMMAR = Path(exporters.__file__).with_name("tmx14.dtd")

# The first finding in each file: line, unit, rule, a part of the message.
FAULTS = {
    "bad/bare_amp": (15, "file", "xml", "xmlParseEntityRef"),
    "bad/billion_laughs": (1, "file", "entity", "declares an entity"),
    "bad/ctrl_char_raw": (7, "file", "xml", "invalid Char value 11"),
    "bad/ctrl_char_ref": (7, "file", "xml", "invalid xmlChar value 11"),
    "bad/html_in_seg": (6, "tu 1", "dtd", "Element b is not declared"),
    "bad/latin1_declared_utf8": (7, "file", "xml", "Invalid bytes"),
    "bad/missing_adminlang": (4, "header", "dtd", "adminlang"),
    "bad/missing_creationtoolversion": (4, "header", "dtd", "creationtoolversion"),
    "bad/missing_datatype": (4, "header", "dtd", "datatype"),
    "bad/missing_o-tmf": (4, "header", "dtd", "o-tmf"),
    "bad/missing_srclang": (4, "header", "dtd", "srclang"),
    "bad/prop_after_tuv": (6, "tu 1 d1-1", "dtd", "got (tuv tuv prop )"),
    "bad/prop_no_type": (6, "tu 1 d1-1", "dtd", "attribute type"),
    "bad/segtype_unknown": (4, "header", "dtd", "segtype"),
    "bad/surrogate_ref": (19, "file", "xml", "invalid xmlChar value 55357"),
    "bad/truncated": (21, "file", "xml", "Premature end"),
    "bad/tu_without_tuv": (6, "tu 1 x", "dtd", "expecting ((note | prop)* , tuv+)"),
    "bad/tuv_no_lang": (6, "tu 1 d1-1", "dtd", "xml:lang"),
    "bad/two_segs": (6, "tu 1 d1-1", "dtd", "got (seg seg)"),
    "bad/unknown_attr": (6, "tu 1 d1-1", "dtd", "attribute confidence"),
    "bad/version_1.4b": (3, "tmx", "version", '<tmx version="1.4b">'),
    "bad/xxe": (1, "file", "entity", "declares an entity"),
    "lint_bad/attr_translation_null_literal": (6, "tu 1 d1-1", "prop-value", "x-doc is 'None'"),
    "lint_bad/date_iso_dashes": (4, "header", "date", "creationdate='2026-01-02T03:04:05Z'"),
    "lint_bad/dup_lang": (6, "tu 1 d1-1", "langs", "variants: fr, en, en"),
    "lint_bad/duplicate_tuid": (10, "tu 2 d1-1", "tuid-dup", "already used by tu 1"),
    "lint_bad/empty_target": (6, "tu 1 en", "empty", "empty segment"),
    "lint_bad/ept_without_bpt": (6, "tu 1 fr", "inline", "do not pair"),
    "lint_bad/lang_underscore": (4, "header", "lang", "'fr_FR' is no language tag"),
    "lint_bad/newline_in_seg": (7, "tu 1 d1-1 fr", "line-break", "line break or tab"),
    "lint_bad/no_source_tuv": (6, "tu 1 d1-1", "langs", "no variant in fr"),
    "lint_bad/not_nfc": (7, "tu 1 d1-1 fr", "nfc", "not in NFC"),
    "lint_bad/padded_seg": (7, "tu 1 d1-1 fr", "padding", "white space at an end"),
    "lint_bad/prop_not_x": (6, "tu 1 d1-1", "prop", "prop type 'doc'"),
    "foreign/omegat36_level1": (3, "tmx", "version", '<tmx version="1.1">'),
    "foreign/omegat36_omegat": (3, "tmx", "version", '<tmx version="1.1">'),
}
# Valid, yet not without a remark: UTF-16 is legal, but only OmegaT of four readers takes it.
REMARKS = {"good/utf16_bom": "encoding", "good/utf8_bom": "bom"}


def named(*folders: str) -> list[str]:
    return sorted(
        f"{folder}/{path.stem}" for folder in folders for path in (TMX / folder).glob("*.tmx")
    )


def found(name: str) -> list[Finding]:
    return list(findings(TMX / f"{name}.tmx"))


def changed(tmp_path: Path, old: str, new: str, times: int = 1) -> list[Finding]:
    """Return what is found in good/minimal.tmx once `old` is `new`."""
    text = (TMX / "good" / "minimal.tmx").read_text("utf-8")
    assert old in text
    path = tmp_path / "changed.tmx"
    path.write_text(text.replace(old, new, times), "utf-8")
    return list(findings(path))


# ---- the battery


@pytest.mark.parametrize("name", named("good", "foreign"))
def test_a_good_file_has_no_finding(name: str) -> None:
    if name in FAULTS:
        pytest.skip("TMX 1.1, which others should not write today")
    assert [one.rule for one in found(name)] == ([REMARKS[name]] if name in REMARKS else [])


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_is_named_with_line_unit_rule_and_cure(name: str) -> None:
    first = found(name)[0]
    line, unit, rule, message = FAULTS[name]
    assert (first.line, first.unit, first.rule) == (line, unit, rule)
    assert message in first.message
    assert first.cure
    assert not first.warning


def test_every_faulty_file_is_in_the_table() -> None:
    assert set(named("bad", "lint_bad")) == {name for name in FAULTS if "bad/" in name}


@pytest.mark.parametrize("name", [name for name in FAULTS if name.startswith("bad/missing_")])
def test_one_fault_is_told_once(name: str) -> None:
    assert len(found(name)) == 1


def test_a_byte_order_mark_is_only_a_warning_since_all_readers_take_it() -> None:
    assert [one.warning for one in found("good/utf8_bom")] == [True]
    assert [one.warning for one in found("good/utf16_bom")] == [False]


# ---- single rules


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('creationdate="20260102T030405Z"', 'creationdate="20261302T030405Z"', "date"),
        ('creationdate="20260102T030405Z"', 'creationdate="20260102T250405Z"', "date"),
        ('creationdate="20260102T030405Z"', 'creationdate="20260102T030405"', "date"),
        ('tuid="d1-1"', 'tuid="d1 1"', "tuid"),
        ('adminlang="en"', 'adminlang="english"', "lang"),
        ("<seg>PARIS", "<seg>PA\u0085RIS", "line-break"),
        ("<seg>PARIS", "<seg>PA\u2028RIS", "line-break"),
        ("<seg>PARIS", "<seg>PA\u0092RIS", "chars"),
        ("<seg>PARIS", "<seg>PA\ufffdRIS", "chars"),
        ("<seg>PARIS", "<seg>PA\ufeffRIS", "chars"),
        ("<seg>PARIS", "<seg>PARIS &amp;nbsp;", "double-escape"),
        ("<seg>PARIS", f"<seg>{'a' * 2000}PARIS", "length"),
        ("<seg>PARIS", "<seg>\u00a0PARIS", "padding"),
        ("</header>", "</header><header/>", "dtd"),
        ("<body>", '<body version="1">', "dtd"),
        ("<body>", "<body>stray", "dtd"),
        ("</body>", "stray</body>", "dtd"),
        ("</tu>", "</tu>stray", "dtd"),
        ("</tu>", "</tu><note>x</note>", "dtd"),
        ("</body>", "</body>stray", "dtd"),
        ('<tmx version="1.4">', '<tmx version="1.4" xml:lang="fr">', "version"),
        ('<tuv xml:lang="fr">', '<tuv lang="fr">', "langs"),
    ],
)
def test_each_rule(tmp_path: Path, old: str, new: str, rule: str) -> None:
    assert rule in [one.rule for one in changed(tmp_path, old, new)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<header", "<!-- by hand --><header"),
        ("<body>", "<!-- by hand --><body><!-- and here -->"),
        ("</tu>", "</tu><!-- between -->"),
        ("</tmx>", "</tmx><!-- after -->"),
        ("<tu ", '<tu srclang="fr-BE" '),
        ('srclang="fr"', 'srclang="*all*"'),
        ('srclang="fr"', 'srclang="FR"'),
        ("<seg>PARIS", "<seg>PAR\u00a0IS\u202f: \U0001f642"),
    ],
)
def test_what_is_allowed_is_left_alone(tmp_path: Path, old: str, new: str) -> None:
    assert changed(tmp_path, old, new) == []


@pytest.mark.parametrize("body", ["", "<body/>", "<header/>"])
def test_a_missing_part(tmp_path: Path, body: str) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(f'<tmx version="1.4">{body}</tmx>')
    assert "dtd" in [one.rule for one in findings(path)]


@pytest.mark.parametrize("data", [b"", b" \n", b"\x00\x01", b"PK\x03\x04", b"<tmx", b"<html/>"])
def test_what_is_no_tmx_at_all(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.tmx"
    path.write_bytes(data)
    assert next(findings(path)).rule in ("xml", "version")


def test_any_cut_is_noticed(tmp_path: Path) -> None:
    whole = (TMX / "good" / "metadata.tmx").read_bytes().rstrip()
    path = tmp_path / "cut.tmx"
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        assert "xml" in [one.rule for one in findings(path)], length


def test_a_fault_behind_line_65535_has_its_line(tmp_path: Path) -> None:
    text = (TMX / "good" / "minimal.tmx").read_text("utf-8")
    path = tmp_path / "long.tmx"
    path.write_text(text.replace("<body>", "<body>" + "\n" * 70_000).replace("<seg>PA", "<seg> PA"))
    assert [(one.rule, one.line) for one in findings(path)] == [
        ("padding", 70_007),
        ("padding", 70_008),
    ]


# ---- attacks


ATTACKS = {
    "external": '<!DOCTYPE tmx [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "parameter": '<!DOCTYPE tmx [<!ENTITY % x SYSTEM "http://localhost:9/x"> %x;]>',
    "quadratic": f'<!DOCTYPE tmx [<!ENTITY x "{"a" * 50_000}">]>',
    "behind a comment": f'<!--{"a" * 100_000}--><!DOCTYPE tmx [<!ENTITY x "y">]>',
    "laughs behind a comment": f'<!--{"a" * 100_000}--><!DOCTYPE tmx [<!ENTITY a "lol">'
    + "".join(
        f'<!ENTITY {new} "{f"&{old};" * 10}">'
        for old, new in zip("abcdefgh", "bcdefghx", strict=True)
    )
    + "]>",
}


@pytest.mark.parametrize("doctype", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_at_once(tmp_path: Path, doctype: str, encoding: str) -> None:
    text = (TMX / "good" / "no_doctype.tmx").read_text("utf-8").split("\n", 1)[1]
    path = tmp_path / "attack.tmx"
    path.write_text(doctype + text.replace("PARIS", "&x;" * 2000), encoding)
    start = time.process_time()
    rules = {one.rule for one in findings(path)}
    assert "entity" in rules or "xml" in rules
    assert time.process_time() - start < 1


def test_a_huge_attribute_is_refused(tmp_path: Path) -> None:
    start = time.process_time()
    rules = [one.rule for one in changed(tmp_path, 'tuid="d1-1"', f'tuid="{"a" * 11_000_000}"')]
    assert rules == ["xml"]
    assert time.process_time() - start < 1


MEASURE = """
import resource, sys
from pathlib import Path
from bitexte.exporters.tmx_rules import findings
for path in sys.argv[1:]:
    assert not list(findings(Path(path)))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="memory is not told on this system")
    text = (TMX / "good" / "minimal.tmx").read_text("utf-8")
    head, body = text.split("<body>")
    unit = body[: body.index("</tu>") + 5].replace(' tuid="d1-1"', "")
    unit += f"<!-- {'x' * 500} -->"
    for name, times in (("small", 500), ("large", 10_000)):
        (tmp_path / name).write_text(f"{head}<body>{unit * times}</body></tmx>", "utf-8")
    sizes = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "small", tmp_path / "large"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert int(sizes[1]) - int(sizes[0]) < 4_000, "kB; the large file has 9 MB"


# ---- the grammar


def test_the_grammar_has_the_elements_of_tmx_14() -> None:
    grammar = etree.DTD(str(GRAMMAR))
    elements = {element.name: element for element in grammar.iterelements()}
    assert sorted(elements) == [
        "body", "bpt", "ept", "header", "hi", "it", "map", "note", "ph", "prop", "seg", "sub",
        "tmx", "tu", "tuv", "ude", "ut",
    ]  # fmt: skip
    assert sum(len(list(one.iterattributes())) for one in elements.values()) == 68
    required = {
        one.name for one in elements["header"].iterattributes() if one.default == "required"
    }
    assert required == {
        "creationtool", "creationtoolversion", "segtype", "o-tmf", "adminlang", "srclang",
        "datatype",
    }  # fmt: skip


@pytest.mark.parametrize("name", named("good", "bad", "lint_bad"))
def test_the_rules_are_at_least_as_strict_as_the_grammar(name: str) -> None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        tree = etree.parse(str(TMX / f"{name}.tmx"), parser)
    except (etree.XMLSyntaxError, OSError):  # lxml tells bad bytes as the latter
        valid = False
    else:
        valid = etree.DTD(str(GRAMMAR)).validate(tree)
    if not valid:
        assert not all(one.warning for one in found(name))


# ---- the command


def test_validate_a_valid_file(run_cli: Callable[..., Done]) -> None:
    path = str(TMX / "good" / "minimal.tmx")
    assert run_cli("validate", path) == Done(0, f"{path}: valid\n", "")


def test_validate_names_file_line_unit_rule_and_cure(run_cli: Callable[..., Done]) -> None:
    path = str(TMX / "lint_bad" / "padded_seg.tmx")
    done = run_cli("validate", path)
    assert done.code == 3
    assert done.out == (
        f"{path}:7: tu 1 d1-1 fr: padding: white space at an end; trim the segment\n"
    )
    assert done.err == f"error: {path}: not valid\nhint: the lines above say what to mend\n"


def test_validate_prints_a_warning_and_still_says_valid(run_cli: Callable[..., Done]) -> None:
    path = str(TMX / "good" / "utf8_bom.tmx")
    done = run_cli("validate", path)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"{path}: valid\n"
        f"{path}:1: file: bom: a byte order mark; write UTF-8 without one (a warning)\n"
    )


def test_validate_several_files_tells_all_of_them(run_cli: Callable[..., Done]) -> None:
    good, bad = (str(TMX / name) for name in ("good/minimal.tmx", "bad/truncated.tmx"))
    done = run_cli("validate", bad, good)
    assert done.code == 3
    assert done.out.splitlines()[-1] == f"{good}: valid"
    assert done.err.startswith(f"error: {bad}: not valid\n")


def test_validate_shows_no_more_than_asked_for(run_cli: Callable[..., Done]) -> None:
    path = str(TMX / "lint_bad" / "lang_underscore.tmx")
    done = run_cli("validate", "--most", "2", path)
    assert len(done.out.splitlines()) == 2
    assert f"{path}: 3 more\n" in done.err


def test_validate_as_json(run_cli: Callable[..., Done]) -> None:
    good, bad = (str(TMX / name) for name in ("good/minimal.tmx", "lint_bad/not_nfc.tmx"))
    done = run_cli("validate", "--json", good, bad)
    listing = json.loads(done.out)
    assert done.code == 3
    assert listing["version"] == 1
    assert listing["files"][good] == []
    assert listing["files"][bad] == [
        {
            "line": 7,
            "unit": "tu 1 d1-1 fr",
            "rule": "nfc",
            "message": "not in NFC",
            "cure": "normalise to NFC: CAT tools compare so",
            "warning": False,
        }
    ]


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("no.tmx", 3, "error: no.tmx: No such file"),
        ("folder.tmx", 3, "error: folder.tmx: Is a directory"),
        ("a.tnx", 2, "error: unknown suffix to validate '.tnx'\nhint: did you mean '.tmx'?"),
        ("a.docx", 2, "error: unknown suffix to validate '.docx'\nhint: "),
    ],
)
def test_validate_what_cannot_be(
    run_cli: Callable[..., Done], tmp_path: Path, name: str, code: int, said: str
) -> None:
    (tmp_path / "folder.tmx").mkdir()
    done = run_cli("validate", name)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(said)
