"""TMX of whatever tool wrote it: the translation units of a pair of languages."""

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast
from unicodedata import normalize

from lxml import etree

from bitexte.chars import UNFIT
from bitexte.errors import InputError

Reason = Literal["language", "blank", "long", "damaged", "entity"]

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
GZIP = b"\x1f\x8b"
# Longer is no sentence, and putting a hostile run of accents in order takes the square of it.
LONGEST_SIDE = 10_000
# No tool writes so many bytes before the end of the next unit; a decompression bomb does.
LARGEST_UNIT = 2 * 2**20
_CHUNK = 2**16
# What these hold is the markup of some other format. The text of `hi` is text.
_MARKUP = ("{*}bpt", "{*}ept", "{*}ph", "{*}it", "{*}ut", "{*}sub")
_BREAKS = re.compile("[\t\n\r\v\f\x85\u2028\u2029]+")
_BOMB = f"over {LARGEST_UNIT // 2**20} MB without the end of a unit"
_EXPORT = "export the memory again from the tool that made it, as TMX"
_COPY = f"copy it again, or {_EXPORT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A pair of segments: each one NFC line, trimmed, without inline tags.

    `changed` is when it was last changed, or else made, as the file has it: "" if it does not say.
    """

    source: str
    target: str
    changed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A unit without the pair: the line it starts on, its number from 1, and why.

    `reason` is for counting, `detail` for people. libxml2 is one line late past line 65,535.
    """

    line: int
    number: int
    reason: Reason
    detail: str


class _Unfit(Exception):
    """What a unit is left out for: reason and detail."""


def units(path: Path, source_lang: str, target_lang: str) -> Iterator[Unit | LeftOut]:
    """Read a TMX, gzipped or not, in constant memory: every unit in order, or why it is left out.

    Which side the file calls its source does not matter. Raises InputError, perhaps after some
    units, if the file cannot be read, is damaged or cut short, is no TMX or declares entities.
    """
    try:
        with path.open("rb") as data:
            for number, element in enumerate(_elements(_unpacked(data), path), 1):
                yield _unit(element, number, source_lang, target_lang)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file", "check the path") from None
    except EOFError:
        raise InputError(f"{path}: cut short: the gzip archive has no end", _COPY) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: a damaged gzip archive: {error}", _COPY) from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "check that the file can be read") from error


def primary(tag: str) -> str:
    """Name the language of a tag, without region or script: `fr` for fr, FR-BE and fr_be."""
    return _canonical(tag).partition("-")[0]


# ---- the file


def _unpacked(data: IO[bytes]) -> IO[bytes]:
    packed = data.read(len(GZIP)) == GZIP
    data.seek(0)
    return cast(IO[bytes], gzip.GzipFile(fileobj=data)) if packed else data


def _elements(data: IO[bytes], path: Path) -> Iterator[Any]:
    """Yield each `tu`, which is gone when the next one is asked for."""
    parser = _parser()
    root = None
    waiting = 0
    for chunk in iter(lambda: data.read(_CHUNK), b""):
        if root is None and _declares_entity(chunk):
            raise _attack(path)
        _feed(parser, chunk, path)
        waiting += len(chunk)
        for event, element in parser.read_events():
            if root is None:
                root = _tmx(element, path)
            elif event == "end" and _name(element) == "tu":
                yield element
                _forget(element)
                waiting = 0
        if waiting > LARGEST_UNIT:
            raise _broken(parser, path, _BOMB) or InputError(f"{path}: {_BOMB}", _EXPORT)
    wrong = _broken(parser, path, "cut short before </tmx>")
    if wrong:
        raise wrong if root is not None else _not_xml(path)


def _parser() -> Any:
    return etree.XMLPullParser(
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _declares_entity(chunk: bytes) -> bool:
    """Look before the root, in any encoding: the parser expands entities in its attributes."""
    return b"<!ENTITY" in chunk.replace(b"\0", b"").partition(b"<tmx")[0]


def _feed(parser: Any, chunk: bytes, path: Path) -> None:
    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as error:
        raise _malformed(error.code, error.lineno, error.msg, path) from None
    # An undeclared entity stops the parser for good, and `feed` does not say so.
    for entry in parser.feed_error_log.filter_from_fatals():
        raise _malformed(entry.type, entry.line, entry.message, path)


def _tmx(root: Any, path: Path) -> Any:
    if _name(root) != "tmx":
        raise InputError(f"{path}: not a TMX: its root is <{_name(root)[:60]}>, not <tmx>", _EXPORT)
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise _attack(path)
    return root


def _name(element: Any) -> str:
    """Name an element without its namespace: some tools invent one."""
    return str(element.tag).rpartition("}")[2]


def _forget(unit: Any) -> None:
    """Drop a unit, and what stood before it, so that memory does not grow with the file."""
    unit.clear(keep_tail=True)  # the parser is ahead of us: what follows may be there already
    while unit.getprevious() is not None:
        del unit.getparent()[0]


# ---- one unit


def _unit(unit: Any, number: int, source_lang: str, target_lang: str) -> Unit | LeftOut:
    try:
        variants = unit.findall("{*}tuv")
        source = _variant(variants, source_lang)
        target = _variant([other for other in variants if other is not source], target_lang)
        changed = _changed((unit, target, source))
        return Unit(source=_text(source), target=_text(target), changed=changed)
    except _Unfit as unfit:
        reason, detail = unfit.args
        return LeftOut(line=unit.sourceline or 1, number=number, reason=reason, detail=detail)


def _variant(variants: list[Any], lang: str) -> Any:
    """Choose the first variant of just this tag, or else the first of the language."""
    wanted = _canonical(lang)
    tags = [_canonical(_lang(variant)) for variant in variants]
    fitting = [
        one for one, tag in zip(variants, tags, strict=True) if primary(tag) == primary(lang)
    ]
    if wanted in tags:
        return variants[tags.index(wanted)]
    if fitting:
        return fitting[0]
    listing = UNFIT.sub("", ", ".join(tag or "?" for tag in tags))[:60] or "nothing"
    raise _Unfit("language", f"no {lang}, only {listing}")


def _text(variant: Any) -> str:
    """Read the first segment of a variant as one trimmed line, without what is markup."""
    lang = _lang(variant)
    segment = variant.find("{*}seg")
    if segment is None:
        raise _Unfit("blank", f"no segment in {lang}")
    text = _unmarked(segment, lang).replace("\ufeff", "")
    if len(text) > LONGEST_SIDE:
        raise _Unfit("long", f"{len(text):,} characters in {lang}")
    # A letter is lost there, or was read in a wrong encoding: taking it out would hide that.
    for damage in UNFIT.finditer(text):
        raise _Unfit("damaged", f"U+{ord(damage[0]):04X} in {lang}")
    # Only plain spaces are stripped beside a line break; U+00A0 and U+202F carry meaning.
    lines = (line.strip(" ") for line in _BREAKS.split(text))
    line = normalize("NFC", " ".join(filter(None, lines))).strip()
    if not line:
        raise _Unfit("blank", f"an empty segment in {lang}")
    return line


def _unmarked(segment: Any, lang: str) -> str:
    if not len(segment):
        return segment.text or ""
    etree.strip_elements(segment, *_MARKUP, with_tail=False)
    for entity in segment.iter(etree.Entity):
        raise _Unfit("entity", f"{entity.text[:40]} in {lang}, which the file does not define")
    return "".join(segment.itertext())


def _changed(elements: tuple[Any, ...]) -> str:
    found = (
        element.get(name, "").strip()
        for name in ("changedate", "creationdate")
        for element in elements
    )
    return next(filter(None, found), "")


def _lang(variant: Any) -> str:
    """Read the language of a variant; TMX 1.1 and OmegaT have `lang` where others `xml:lang`."""
    return str(variant.get(XML_LANG) or variant.get("lang") or "").strip()


def _canonical(tag: str) -> str:
    return tag.lower().replace("_", "-")


# ---- what is wrong with a file


def _broken(parser: Any, path: Path, otherwise: str) -> InputError | None:
    """Close the parser and make an error of what it says; None if all is well."""
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        # A bare & keeps the parser waiting for its ; and xmlParseEntityRef complains only now.
        if "Ref: " in error.msg:
            return _malformed(error.code, error.lineno, error.msg, path)
        return InputError(f"{path}: line {error.lineno}: {otherwise}", _COPY)
    return None


def _malformed(code: int, line: int, message: str, path: Path) -> InputError:
    if code == etree.ErrorTypes.ERR_DOCUMENT_EMPTY:
        return _not_xml(path)
    what = message.partition(", line ")[0].strip()
    return InputError(f"{path}: line {line}: damaged XML: {what}", f"mend that line, or {_EXPORT}")


def _not_xml(path: Path) -> InputError:
    return InputError(f"{path}: not a TMX: empty, or not XML", _EXPORT)


def _attack(path: Path) -> InputError:
    return InputError(f"{path}: it declares an entity, as attacks do", "remove the declaration")
