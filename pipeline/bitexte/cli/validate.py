"""bitexte validate: say whether others will read a TMX or JSONL file."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bitexte.cli import options
from bitexte.errors import InputError
from bitexte.exporters.rules import RULES, Finding


def validate(
    files: Annotated[list[Path], typer.Argument(help="TMX or JSONL files.")],
    most: Annotated[int, typer.Option(min=0, help="Findings shown of each file.")] = 20,
    as_json: options.Json = False,
) -> None:
    """Check files by the TMX 1.4b grammar and by what CAT tools and `datasets` refuse.

    Example: bitexte validate exports/dispatch.tmx
    """
    found = {str(path): list(_findings(path)) for path in files}
    if as_json:
        listing = {path: [asdict(one) for one in ones] for path, ones in found.items()}
        print(json.dumps({"version": 1, "files": listing}, ensure_ascii=False))
    else:
        for path, ones in found.items():
            _print(path, ones, most)
    bad = [path for path, ones in found.items() if not _valid(ones)]
    if bad:
        raise InputError(f"{', '.join(bad)}: not valid", "the lines above say what to mend")


def _findings(path: Path) -> Iterator[Finding]:
    rules = RULES.get(path.suffix.lower())
    try:
        yield from rules(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", "check the path") from error


def _valid(found: list[Finding]) -> bool:
    return all(one.warning for one in found)


def _print(path: str, found: list[Finding], most: int) -> None:
    if _valid(found):
        print(f"{path}: valid")
    for one in found[:most]:
        kind = " (a warning)" if one.warning else ""
        print(f"{path}:{one.line}: {one.unit}: {one.rule}: {one.message}; {one.cure}{kind}")
    if len(found) > most:
        print(f"{path}: {len(found) - most:,} more", file=sys.stderr)
