"""JSON lines: one pair a line, for `datasets` and training pipelines."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

from bitexte.errors import OutputError
from bitexte.files import atomic_binary
from bitexte.records import Bitext, Pair
from bitexte.stages.language import primary

# JSON allows them inside a string, but str.splitlines() and some readers cut there.
_SEPARATORS = {char: f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}
# A file name that is not UTF-8 comes in as surrogates, which neither UTF-8 nor Arrow can hold.
_FIELDS = [field.name for field in fields(Pair)]
_SURROGATE = re.compile("[\ud800-\udfff]")


def write(bitexts: Iterable[Bitext], base: Path) -> list[Path]:
    """Write `base`.jsonl and return its path; raise OutputError if that cannot be done."""
    path = base.with_name(f"{base.name}.jsonl")
    with atomic_binary(path, check=partial(_reread, path)) as out:
        for bitext in bitexts:
            for pair in bitext.pairs:
                out.write(_line(row(bitext, pair)))
    return [path]


def row(bitext: Bitext, pair: Pair) -> dict[str, Any]:
    """Make the row of a pair: its fields, the two texts as `translation`, and where it is from.

    `flags` are joined by spaces, `links` in Pharaoh's format (`0-0 1-2`), `suggestions` are JSON in
    a string: a list that is empty in the first rows has no type yet, and `datasets` then refuses
    the first one that is not.
    """
    fields = {name: getattr(pair, name) for name in _FIELDS}
    fields["flags"] = " ".join(pair.flags)
    fields["links"] = " ".join(f"{source}-{target}" for source, target in pair.links)
    fields["suggestions"] = _suggestions(pair)
    source, target = fields.pop("source"), fields.pop("target")
    languages = (primary(bitext.article.lang), primary(bitext.target_lang))
    return {
        "id": fields.pop("id"),
        "article_id": fields.pop("article_id"),
        "article": bitext.article.name,
        "translation": dict(zip(languages, (source, target), strict=True)),
        **fields,
        "signature": bitext.signature,
    }


def _suggestions(pair: Pair) -> str:
    if not pair.suggestions:
        return ""
    return json.dumps([asdict(one) for one in pair.suggestions], ensure_ascii=False)


def _line(fields: dict[str, Any]) -> bytes:
    text = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    for char, escape in _SEPARATORS.items():
        text = text.replace(char, escape)
    return _SURROGATE.sub("\ufffd", text).encode() + b"\n"


def _reread(path: Path, aside: Path) -> None:
    with aside.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                texts = json.loads(line)["translation"].values()
            except (ValueError, KeyError, AttributeError) as error:
                raise OutputError(f"{path}: line {number} is not a row: {error}") from error
            if len(texts) != 2 or not all(text.strip() for text in texts):
                raise OutputError(f"{path}: line {number} has a blank side")
