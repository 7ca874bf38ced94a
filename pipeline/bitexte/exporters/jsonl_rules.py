"""What makes JSON lines load everywhere: one object a line, two texts, one type a column."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from bitexte.exporters.rules import Finding


def findings(path: Path) -> Iterator[Finding]:
    """Check a JSONL file line by line, then load it with `datasets`; yield what breaks a rule.

    Raises OSError if the file cannot be read.
    """
    clean = True
    languages: set[str] = set()
    last = b"\n"
    with path.open("rb") as lines:
        for number, last in enumerate(lines, 1):
            for finding in _line(last, number, languages):
                clean = False
                yield finding
    if not last.endswith(b"\n"):
        clean = False
        yield Finding(0, "file", "newline", "the last line has no end", "end it with a newline")
    if clean and languages:
        yield from _loaded(path, languages)


def _line(line: bytes, number: int, languages: set[str]) -> Iterator[Finding]:
    unit = f"line {number}"
    if line.startswith(b"\xef\xbb\xbf"):
        yield Finding(number, unit, "bom", "a byte order mark", "write UTF-8 without one")
        return
    if b"\r" in line:
        yield Finding(number, unit, "cr", "a carriage return", "end lines with \\n alone")
    try:
        row = json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        yield Finding(number, unit, "json", str(error), "write one JSON object a line, in UTF-8")
        return
    if b"\\ud" in line.lower() and not _encodable(row):
        cure = "write U+FFFD, or the character that the pair stands for"
        yield Finding(number, unit, "surrogate", "half of a surrogate pair", cure)
    text = line.decode("utf-8").rstrip("\r\n")
    if len(text.splitlines()) > 1:
        cure = "escape U+0085, U+2028 and U+2029: some readers cut lines there"
        yield Finding(number, unit, "line-break", "an unescaped line separator", cure)
    yield from _translation(row, number, languages)


def _encodable(row: Any) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _translation(row: Any, number: int, languages: set[str]) -> Iterator[Finding]:
    unit = f"line {number}"
    texts = row.get("translation") if isinstance(row, dict) else None
    if not isinstance(texts, dict) or len(texts) != 2:
        cure = 'write "translation": {"fr": …, "en": …}'
        yield Finding(number, unit, "translation", "no translation of two texts", cure)
        return
    if not all(isinstance(text, str) and text.strip() for text in texts.values()):
        yield Finding(number, unit, "empty", "a side without text", "leave the row out")
    if not languages:
        languages.update(texts)
    if set(texts) != languages:
        cure = "keep to one pair of languages a file"
        yield Finding(number, unit, "langs", f"languages {', '.join(sorted(texts))}", cure)


def _loaded(path: Path, languages: set[str]) -> Iterator[Finding]:
    """Load the file as a user would, which is what finds columns of two types."""
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        try:
            rows = datasets.load_dataset(
                "json", data_files=str(path), split="train", cache_dir=cache
            )
            mixed = [
                name for name, kind in rows.features.items() if isinstance(kind, datasets.Json)
            ]
            if mixed:
                raise TypeError(f"several types in {', '.join(mixed)}")
            rows.cast_column("translation", datasets.Translation(languages=sorted(languages)))
        except Exception as error:  # whatever `datasets` raises is the finding
            cure = "give every row the same fields, of the same types"
            yield Finding(0, "file", "datasets", _short(error.__cause__ or error), cure)


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
