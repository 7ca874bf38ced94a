"""TMX 1.4b, level 1: one translation unit a pair, for CAT tools."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from lxml import etree

from bitexte import __version__
from bitexte.errors import OutputError
from bitexte.exporters import line
from bitexte.exporters.tmx_rules import NO_VALUE, XML_LANG, findings
from bitexte.files import atomic_binary, now
from bitexte.records import Bitext, Pair

DOCTYPE = '<!DOCTYPE tmx SYSTEM "tmx14.dtd">'


def write(bitexts: Iterable[Bitext], base: Path) -> list[Path]:
    """Write `base`.tmx and return its path.

    The file is read again by the rules of `bitexte validate` before it gets its name; raises
    OutputError if it breaks one, or cannot be written.
    """
    path = base.with_name(f"{base.name}.tmx")
    stream = iter(bitexts)
    first = next(stream, None)
    with atomic_binary(path, check=partial(_reread, path)) as out:
        with etree.xmlfile(out, encoding="utf-8") as xml:
            xml.write_declaration(doctype=DOCTYPE)
            with xml.element("tmx", version="1.4"):
                xml.write("\n", _header(first), "\n")
                with xml.element("body"):
                    xml.write("\n")
                    for unit in _units(first, stream):
                        xml.write(unit, "\n")
        out.write(b"\n")
    return [path]


def _header(first: Bitext | None) -> Any:
    header = etree.Element(
        "header",
        creationtool="bitexte",
        creationtoolversion=__version__,
        segtype="sentence",
        adminlang="en",
        srclang=first.article.lang if first else "fr",
        datatype="plaintext",
        creationdate=now().strftime("%Y%m%dT%H%M%SZ"),
    )
    header.set("o-tmf", "bitexte")
    if first:
        _prop(header, "signature", first.signature)
    return header


def _units(first: Bitext | None, rest: Iterator[Bitext]) -> Iterator[Any]:
    if first is None:
        return
    yield from (_unit(first, pair) for pair in first.pairs)
    for bitext in rest:
        yield from (_unit(bitext, pair) for pair in bitext.pairs)


def _unit(bitext: Bitext, pair: Pair) -> Any:
    # A colon would do in tuid by the grammar, but some tools make file names of it.
    unit = etree.Element("tu", tuid=pair.id.replace(":", "-"))
    _prop(unit, "article", bitext.article.name)
    _prop(unit, "offsets", f"{pair.start}-{pair.end}")
    _prop(unit, "bead", f"{pair.bead[0]}-{pair.bead[1]}")
    _prop(unit, "origin", pair.origin)
    _prop(unit, "logprob", f"{pair.logprob:.4f}")
    _prop(unit, "confidence", f"{pair.confidence:.4f}")
    _prop(unit, "flags", " ".join(pair.flags))
    _variant(unit, bitext.article.lang, pair.source)
    _variant(unit, bitext.target_lang, pair.target)
    return unit


def _prop(parent: Any, name: str, value: str) -> None:
    text = line(value)
    if text not in NO_VALUE:
        etree.SubElement(parent, "prop", type=f"x-{name}").text = text


def _variant(unit: Any, lang: str, text: str) -> None:
    variant = etree.SubElement(unit, "tuv", {XML_LANG: lang})
    etree.SubElement(variant, "seg").text = line(text)


def _reread(path: Path, aside: Path) -> None:
    found = next((one for one in findings(aside) if not one.warning), None)
    if found:
        raise OutputError(
            f"{path}: would not be a valid TMX: {found.unit}: {found.message}",
            f"nothing was overwritten; {found.cure}",
        )
