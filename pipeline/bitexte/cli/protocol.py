"""Lines of JSON that scorers ask with, one object a line."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bitexte.errors import InputError
from bitexte.files import read_bytes


def asked(file: str, wanted: Mapping[str, Callable[[Any], bool]]) -> Iterator[dict[str, Any]]:
    """Read the objects of a file; raise InputError for one whose wanted fields do not fit."""
    lines = read_bytes(file).strip(b"\n").split(b"\n")
    for number, line in enumerate(lines, 1):
        row = _row(line)
        if not all(key in row and fits(row[key]) for key, fits in wanted.items()):
            raise InputError(
                f"{file}: line {number} is not a JSON object with {', '.join(wanted)}",
                "leave --jsonl out for plain texts",
            )
        yield row


def _row(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or deeper than any that is asked
        return {}
    return row if isinstance(row, dict) else {}


def anything(value: Any) -> bool:
    """Take whatever is given."""
    return True


def is_text(value: Any) -> bool:
    """Tell a text."""
    return isinstance(value, str)


def are_texts(value: Any) -> bool:
    """Tell a list of texts."""
    return isinstance(value, list) and all(map(is_text, value))
