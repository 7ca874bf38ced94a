"""bitexte models: list the models that are embedded and cached."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bitexte.cli import options
from bitexte.engines import hub
from bitexte.engines import model as found
from bitexte.errors import ModelError

log = logging.getLogger(__name__)

_CONVERTED = re.compile(r"(.+)-([0-9a-f]{16})-(\w+)")  # see engines.model.converted


@dataclass(frozen=True, slots=True)
class Row:
    """One model folder: its size in MB (10^6 bytes) and the first 8 digits of its sum."""

    name: str
    kind: str
    megabytes: float
    sum: str
    folder: str


def models(
    cache: options.Cache = None, config: options.ConfigFile = None, as_json: options.Json = False
) -> None:
    """List the embedded, cached and converted models, with sizes and sums.

    The name is what --model takes.
    """
    rows = list(_rows(options.load(config, cache=cache).cache))
    if as_json:
        print(json.dumps({"version": 1, "models": [asdict(row) for row in rows]}))
        return
    for row in rows:
        print(f"{row.name:32} {row.kind:9} {row.megabytes:7.1f} MB  {row.sum}  {row.folder}")


def _rows(cache: str) -> Iterator[Row]:
    for folder in found.embedded():
        yield from _row(folder, folder.name, "embedded")
    for name, _, folder in hub.cached():
        yield from _row(folder, name, "hub cache")
    root = Path(cache) if cache else found.default_cache()
    for weights in sorted(root.glob("*/model.bin")):
        folder = weights.parent
        if parts := _CONVERTED.fullmatch(folder.name):
            name, digest, compute = parts.groups()
            title = f"{name} ({compute})"
            yield Row(title, "converted", _megabytes(folder), digest[:8], str(folder))


def _row(folder: Path, name: str, kind: str) -> Iterator[Row]:
    """Describe a model; a damaged one gives a warning, so that the others are still listed."""
    try:
        model = found.opened(folder, name)
    except ModelError as error:
        log.warning("%s", error.message)
    else:
        yield Row(name, kind, _megabytes(folder), model.digest[:8], str(folder))


def _megabytes(folder: Path) -> float:
    return round(sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) / 1e6, 1)
