"""bitexte models: list the models that are embedded and cached."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bitexte.cli import options
from bitexte.engines import hub
from bitexte.engines import model as found


@dataclass(frozen=True, slots=True)
class Row:
    """One model folder: its size in MB (10^6 bytes) and the first 8 digits of its sum."""

    name: str
    kind: str
    megabytes: float
    sum: str
    folder: str


def models(cache: options.Cache = None, as_json: options.Json = False) -> None:
    """List the embedded, cached and converted models, with sizes and sums.

    The name is what --model takes.
    """
    rows = list(_rows(cache or ""))
    if as_json:
        print(json.dumps({"version": 1, "models": [asdict(row) for row in rows]}))
        return
    for row in rows:
        print(f"{row.name:32} {row.kind:9} {row.megabytes:7.1f} MB  {row.sum}  {row.folder}")


def _rows(cache: str) -> Iterator[Row]:
    for folder in found.embedded():
        model = found.opened(folder, folder.name)
        yield Row(model.name, "embedded", _megabytes(folder), model.digest[:8], str(folder))
    for name, _, folder in hub.cached():
        model = found.opened(folder, name)
        yield Row(name, "hub cache", _megabytes(folder), model.digest[:8], str(folder))
    root = Path(cache) if cache else found.default_cache()
    for weights in sorted(root.glob("*/model.bin")):
        folder = weights.parent
        name, digest, compute = folder.name.rsplit("-", 2)
        yield Row(f"{name} ({compute})", "converted", _megabytes(folder), digest[:8], str(folder))


def _megabytes(folder: Path) -> float:
    return round(sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) / 1e6, 1)
