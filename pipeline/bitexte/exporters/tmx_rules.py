"""What makes a TMX valid for others: the grammar, and what a grammar cannot say."""

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO, Any
from unicodedata import is_normalized

from lxml import etree

from bitexte.chars import UNFIT
from bitexte.config import LANGUAGE_TAG
from bitexte.exporters.rules import Finding

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# A document type that declares entities ends, or the root begins, well before this many bytes.
_HEAD = 65_536
_DATES = ("creationdate", "changedate", "lastusagedate")
_DATE = re.compile(
    r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3])[0-5]\d[0-5]\dZ", re.ASCII
)
_TAG = re.compile(rf"{LANGUAGE_TAG}|\*all\*")
_LINE_BREAK = re.compile("[\r\n\t\v\f\x85\u2028\u2029]")
_ESCAPED_TWICE = re.compile(r"&(amp|lt|gt|quot|nbsp|#\d+);")
NO_VALUE = {"", "None", "null", "nan", "NaN", "undefined"}
# Longer segments are refused or cut off by the import of several CAT tools.
LONGEST_SEGMENT = 2000

_ENTITY = Finding(
    1,
    "file",
    "entity",
    "it declares an entity",
    "remove the declaration: a TMX needs none, and readers refuse it as an attack",
)


def findings(path: Path) -> Iterator[Finding]:
    """Check a TMX file, unit by unit in constant memory; yield what breaks a rule.

    Entity declarations are refused before anything is parsed. Raises OSError if the file cannot
    be read.
    """
    encoding = _encoding(path)
    if encoding:
        yield encoding
    if _declares_entity(path):
        yield _ENTITY
        return
    try:
        with path.open("rb") as data:
            yield from _parsed(data)
    except etree.XMLSyntaxError as error:
        cure = "write it with an XML writer, in UTF-8, without control characters"
        yield Finding(error.lineno or 1, "file", "xml", _short(error.msg), cure)


def _encoding(path: Path) -> Finding | None:
    with path.open("rb") as data:
        head = data.read(3)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Finding(1, "file", "encoding", "UTF-16", "write UTF-8: many readers take no other")
    if head == b"\xef\xbb\xbf":
        cure = "write UTF-8 without one"
        return Finding(1, "file", "bom", "a byte order mark", cure, warning=True)
    return None


def _declares_entity(path: Path) -> bool:
    with path.open("rb") as data:
        return b"<!ENTITY" in data.read(_HEAD).replace(b"\0", b"")


def _parsed(data: IO[bytes]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    source = ""
    number = 0
    events = etree.iterparse(
        data,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    for event, element in events:
        if event == "start":
            yield from _outline(element)
        elif element.tag == "header":
            source = (element.get("srclang") or "").lower()
            yield from _grammar(element, "header")
            yield from _attributes(element, "header")
        elif element.tag == "tu":
            number += 1
            yield from _unit(element, number, source, seen)
            yield from _forget(element)
        elif element.tag in ("body", "tmx"):
            yield from _closing(element)


def _outline(element: Any) -> Iterator[Finding]:
    """Check what holds the units: `tmx` with its version, then `header`, then `body`."""
    parent = element.getparent()
    if parent is None:
        if element.tag != "tmx" or dict(element.attrib) != {"version": "1.4"}:
            cure = 'the root is <tmx version="1.4">, without other attributes'
            yield Finding(_line(element), "tmx", "version", _tag(element), cure)
        declared = element.getroottree().docinfo.internalDTD
        if declared is not None and any(True for _ in declared.iterentities()):
            yield _ENTITY
    elif parent.getparent() is None:
        place = 0 if element.tag == "header" else 1
        before = sum(1 for _ in element.itersiblings(etree.Element, preceding=True))
        if element.tag not in ("header", "body") or before != place:
            cure = "inside <tmx> stand one <header>, then one <body>"
            yield Finding(_line(element), "tmx", "dtd", f"<{element.tag}> out of place", cure)
    elif parent.tag == "body" and element.tag != "tu":
        cure = "inside <body> stand only <tu>"
        yield Finding(_line(element), "body", "dtd", f"<{element.tag}> in the body", cure)


def _closing(element: Any) -> Iterator[Finding]:
    """Check what only the end of `body` or `tmx` can tell."""
    for text in (element.text, *(child.tail for child in element)):
        yield from _stray(element, text)
    if element.tag == "tmx" and element.find("body") is None:
        cure = "inside <tmx> stand one <header>, then one <body>"
        yield Finding(_line(element), "tmx", "dtd", "no <body>", cure)
    if element.tag == "body" and element.attrib:
        yield Finding(_line(element), "body", "dtd", "attributes on <body>", "take them away")


def _stray(element: Any, text: str | None) -> Iterator[Finding]:
    if text and text.strip():
        message, cure = f"text between units: {text.strip()[:40]!r}", "put text in a <seg> only"
        yield Finding(_line(element), "body", "dtd", message, cure)


def _unit(unit: Any, number: int, source: str, seen: dict[str, int]) -> Iterator[Finding]:
    name = f"tu {number} {unit.get('tuid') or ''}".strip()
    yield from _grammar(unit, name)
    yield from _attributes(unit, name)
    yield from _identity(unit, name, number, seen)
    yield from _languages(unit, name, (unit.get("srclang") or source).lower())
    for variant in unit.iter("tuv"):
        yield from _attributes(variant, name)
        for segment in variant.findall("seg"):
            yield from _segment(segment, f"{name} {variant.get(XML_LANG) or ''}".strip())


def _grammar(element: Any, name: str) -> Iterator[Finding]:
    grammar = _dtd()
    # Validated in place, an element below the root gains an `xmlns:xml` that no grammar declares.
    if not grammar.validate(deepcopy(element)):
        for error in grammar.error_log.filter_from_errors()[:3]:
            cure = "see the TMX 1.4b grammar; prop and note stand before tuv, one seg in each tuv"
            yield Finding(_line(element), name, "dtd", _short(error.message), cure)


def _attributes(element: Any, name: str) -> Iterator[Finding]:
    for date in _DATES:
        value = element.get(date)
        if value is not None and not _DATE.fullmatch(value):
            cure = "write YYYYMMDDThhmmssZ, in UTC"
            yield Finding(_line(element), name, "date", f"{date}={value!r}", cure)
    for attribute in ("srclang", "adminlang", XML_LANG):
        value = element.get(attribute)
        if value is not None and not _TAG.fullmatch(value):
            cure = "write a BCP 47 tag such as fr or fr-FR, with a hyphen"
            yield Finding(_line(element), name, "lang", f"{value!r} is no language tag", cure)
    for prop in element.findall("prop"):
        kind = prop.get("type") or ""
        if not kind.startswith("x-"):
            cure = "start the type of your own properties with x-"
            yield Finding(_line(prop), name, "prop", f"prop type {kind!r}", cure)
        if (prop.text or "").strip() in NO_VALUE:
            cure = "leave the property out"
            yield Finding(_line(prop), name, "prop-value", f"{kind} is {prop.text!r}", cure)


def _identity(unit: Any, name: str, number: int, seen: dict[str, int]) -> Iterator[Finding]:
    identity = unit.get("tuid")
    if identity is None:
        return
    if re.search(r"\s", identity):
        yield Finding(_line(unit), name, "tuid", "white space in tuid", "use a hyphen")
    first = seen.setdefault(identity, number)
    if first != number:
        cure = "give each unit an id of its own"
        yield Finding(_line(unit), name, "tuid-dup", f"tuid already used by tu {first}", cure)


def _languages(unit: Any, name: str, source: str) -> Iterator[Finding]:
    languages = [
        (variant.get(XML_LANG) or "").lower().split("-")[0] for variant in unit.findall("tuv")
    ]
    if not all(languages):
        cure = 'write xml:lang="fr"; the plain lang of older versions does not count'
        yield Finding(_line(unit), name, "langs", "a variant without xml:lang", cure)
    elif len(set(languages)) != 2 or len(languages) != 2:
        cure = "give each unit one source and one target variant"
        listing = ", ".join(languages) or "none"
        yield Finding(_line(unit), name, "langs", f"variants: {listing}", cure)
    elif source not in ("", "*all*") and source.split("-")[0] not in languages:
        cure = "name the source language of the header, srclang, in each unit"
        yield Finding(_line(unit), name, "langs", f"no variant in {source}", cure)


def _segment(segment: Any, name: str) -> Iterator[Finding]:
    text = "".join(segment.itertext())
    line = _line(segment)
    if not text.strip():
        yield Finding(line, name, "empty", "empty segment", "leave the unit out")
    elif text != text.strip():
        yield Finding(line, name, "padding", "white space at an end", "trim the segment")
    if _LINE_BREAK.search(text):
        yield Finding(line, name, "line-break", "line break or tab", "put a space instead")
    if UNFIT.search(text):
        yield Finding(line, name, "chars", "control, U+FFFD or BOM character", "remove it")
    if not is_normalized("NFC", text):
        yield Finding(line, name, "nfc", "not in NFC", "normalise to NFC: CAT tools compare so")
    if _ESCAPED_TWICE.search(text):
        cure = "escape once, unless the text is about markup"
        yield Finding(line, name, "double-escape", "escaped twice", cure, warning=True)
    if len(text) > LONGEST_SEGMENT:
        cure = f"cut it: several tools refuse more than {LONGEST_SEGMENT:,} characters"
        yield Finding(line, name, "length", f"{len(text):,} characters", cure, warning=True)
    opened = [mark.get("i") for mark in segment.iter("bpt")]
    closed = [mark.get("i") for mark in segment.iter("ept")]
    if sorted(map(str, opened)) != sorted(map(str, closed)) or len(set(opened)) != len(opened):
        yield Finding(line, name, "inline", "bpt and ept do not pair", "pair them by their i")


def _forget(unit: Any) -> Iterator[Finding]:
    """Drop a checked unit, so that memory does not grow with the file."""
    unit.clear(keep_tail=True)  # the parser is ahead of us: what follows may be there already
    while unit.getprevious() is not None:
        first = unit.getparent()[0]
        yield from _stray(first, first.tail)
        del unit.getparent()[0]


@cache
def _dtd() -> Any:
    with files("bitexte.exporters").joinpath("tmx14.dtd").open("rb") as grammar:
        return etree.DTD(grammar)


def _line(element: Any) -> int:
    return int(element.sourceline or 1)


def _tag(element: Any) -> str:
    attributes = "".join(f' {name}="{value}"' for name, value in element.attrib.items())
    return f"the root is <{element.tag}{attributes}>"


def _short(error: object) -> str:
    return str(error).strip().splitlines()[0][:200]
