"""What was written: signature, counts, checksums, the command that remakes it."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bitexte import __version__
from bitexte.exporters import Counts
from bitexte.files import atomic_binary, stamp


def write(
    base: Path,
    *,
    signature: str,
    counts: Counts,
    files: Sequence[Path],
    failures: Sequence[Mapping[str, str]],
    pending: int,
    command: str,
    settings: Mapping[str, Any],
    beside: bool = False,
) -> Path:
    """Write `base`.manifest.json and return its path; `failures` have name, error and hint.

    `beside` keeps what an earlier manifest says of other files of the same corpus.

    It says nothing of how long it took, or on how many cores: the same corpus has the same
    manifest. Raises OutputError if it cannot be written.
    """
    path = base.with_name(f"{base.name}.manifest.json")
    content: dict[str, Any] = {
        "version": 1,
        "bitexte": __version__,
        "made_at": stamp(),
        "signature": signature,
        "articles": counts.articles,
        "pairs": counts.pairs,
        "left_out": counts.left_out,
        "pending": pending,
        "failures": list(failures),
        "texts_sha256": counts.texts_sha256,
        "files": [_file(file) for file in files],
        "command": command,
        "settings": dict(settings),
    }
    if beside:
        content["files"] += _others(path, content)
    with atomic_binary(path) as out:
        text = json.dumps(content, ensure_ascii=False, indent=2)
        out.write(text.encode("utf-8", "replace") + b"\n")
    return path


def current(base: Path, expected: Mapping[str, Any], files: Sequence[Path]) -> list[Path]:
    """List the files that stand there already, made of the same texts in the same way, or none.

    `expected` are fields of the manifest, `files` those wanted of it; each is read and its sum
    compared. With SOURCE_DATE_EPOCH set, they must be of that time, too.
    """
    path = base.with_name(f"{base.name}.manifest.json")
    try:
        told = json.loads(path.read_bytes())
        same = all(told[key] == value for key, value in expected.items())
        listed = {file["name"]: file for file in told["files"]}
        whole = all(listed[file.name] == _file(file) for file in files)
        dated = not os.environ.get("SOURCE_DATE_EPOCH") or told["made_at"] == stamp()
        if same and whole and dated:
            return [*files, path]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none, or none of ours
    return []


def _others(path: Path, content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Find the files of an earlier manifest that are of this corpus, too, and still there."""
    try:
        earlier = json.loads(path.read_bytes())
        same = all(earlier[key] == content[key] for key in ("signature", "texts_sha256"))
        same = same and _least(earlier) == _least(content)
        written = {file["name"] for file in content["files"]}
        return [
            file
            for file in earlier["files"]
            if same and file["name"] not in written and path.with_name(file["name"]).exists()
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # none, or none of ours


def _least(content: Mapping[str, Any]) -> float:
    return float(content["settings"].get("min_confidence", 0))


def _file(path: Path) -> dict[str, Any]:
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}
