"""Plain text: UTF-8, UTF-16, or the encodings that older French files come in."""

import codecs
import re

from bitexte.errors import InputError
from bitexte.readers import article_id
from bitexte.records import Article

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it starts with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
MAGIC = {
    b"PK\x03\x04": "a zip archive, as docx and odt files are",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Word or Excel file",
    b"\x1f\x8b": "a gzip archive",
    b"{\\rtf": "an RTF file",
}
# What French text was written in before UTF-8: Windows, Unix, the euro's Latin-9, Mac and DOS.
LEGACY = ["cp1252", "iso8859_15", "mac_roman", "cp850"]

_BEYOND_ASCII = re.compile("[^\0-\x7f\ufffd]")


def read(data: bytes, name: str) -> Article:
    """Read one plain text; `meta["encoding"]` names what it was decoded from, if not UTF-8.

    Raises InputError for binary content and for damaged text.
    """
    text, encoding = decode(data, name)
    meta = {} if encoding == "utf-8" else {"encoding": encoding}
    return Article(id=article_id(name, data), name=name, text=text, meta=meta)


def decode(data: bytes, name: str) -> tuple[str, str]:
    """Decode bytes and name the encoding; raise InputError for what is not text."""
    for magic, what in MAGIC.items():
        if data.startswith(magic):
            raise InputError(f"{name}: this is {what}, not plain text", "save it as plain text")
    encoding = _marked(data) or _unmarked_utf16(data) or "utf-8"
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        if encoding == "utf-8" and _mostly_utf8(data):
            raise _damaged(name, error, encoding) from error
        encoding = _legacy(data, name)
        text = _decoded(data, name, encoding)
    if "\0" in text:
        place = text.index("\0")
        raise InputError(
            f"{name}: a NUL character at offset {place:,}: binary, or a damaged file",
            "save it again as plain text in UTF-8",
        )
    return text, encoding


def _marked(data: bytes) -> str | None:
    return next((encoding for bom, encoding in BOMS if data.startswith(bom)), None)


def _unmarked_utf16(data: bytes) -> str | None:
    """See UTF-16 without a byte order mark: every other byte of a French text is then zero."""
    sample = data[:4096]
    if len(sample) < 4 or len(data) % 2:
        return None
    half = len(sample) // 2
    if sample[1::2].count(0) > 0.8 * half and sample[0::2].count(0) == 0:
        return "utf-16-le"
    if sample[0::2].count(0) > 0.8 * half and sample[1::2].count(0) == 0:
        return "utf-16-be"
    return None


def _mostly_utf8(data: bytes) -> bool:
    """Tell UTF-8 with some bad bytes, as of a file cut off inside a character.

    In the older encodings nearly every accented letter is bad UTF-8.
    """
    text = data.decode("utf-8", "replace")
    return len(_BEYOND_ASCII.findall(text)) >= text.count("\ufffd")


def _decoded(data: bytes, name: str, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _damaged(name, error, encoding) from error


def _damaged(name: str, error: UnicodeDecodeError, encoding: str) -> InputError:
    byte = error.object[error.start]
    return InputError(
        f"{name}: damaged: byte 0x{byte:02x} at offset {error.start:,} is not {encoding}",
        "mend it, or save it again as UTF-8",
    )


def _legacy(data: bytes, name: str) -> str:
    """Name the older encoding that makes French of these bytes."""
    from charset_normalizer import from_bytes

    if data.count(0) or _control_share(data) > 0.02:
        raise InputError(f"{name}: binary content", "give a plain text file")
    best = from_bytes(data[:65536], cp_isolation=LEGACY).best()
    return best.encoding if best else "cp1252"


def _control_share(data: bytes) -> float:
    sample = data[:65536]
    return sum(byte < 9 or 13 < byte < 32 for byte in sample) / max(1, len(sample))
