"""bitexte bench: time engines on a text."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bitexte import flow, readers
from bitexte.cli import options
from bitexte.config import Config
from bitexte.engines import ENGINES
from bitexte.errors import InputError

if TYPE_CHECKING:  # other commands need not load what times them
    from bitexte.bench import Row

COLUMNS = (
    ("load_seconds", "load s"),
    ("seconds", "seconds"),
    ("sentences_per_second", "sent/s"),
    ("source_tokens_per_second", "source tok/s"),
    ("target_tokens_per_second", "target tok/s"),
    ("peak_mb", "peak MB"),
)


def bench(
    file: Annotated[str, typer.Argument(help="A text, or - for stdin.")],
    engine: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{', '.join(ENGINES.names())}, bare; repeat it to compare. "
            "bare is CTranslate2 without bitexte.",
            show_default="ct2",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Sentences used; 0 for all.")] = 0,
    runs: Annotated[int, typer.Option(help="Runs of each engine; the best counts.")] = 3,
    model: options.Model = None,
    revision: options.Revision = None,
    beam_size: options.BeamSize = None,
    device: options.Device = None,
    compute: options.Compute = None,
    threads: options.Threads = None,
    cache: options.Cache = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Time engines on the sentences of a text; print one table and one JSON line.

    Example: bitexte bench seeds/dispatch.txt --engine ct2 --engine marian
    """
    from bitexte import bench as timing

    names = engine or ["ct2"]
    for name in names:
        if name != timing.BARE:
            ENGINES.check(name)
    loaded = options.load(
        config,
        model=model,
        revision=revision,
        beam_size=beam_size,
        device=device,
        compute=compute,
        threads=threads,
        cache=cache,
    )
    sentences = _sentences(file, loaded)[: limit or None]
    rows = timing.measure(names, loaded, sentences, runs)
    if not as_json:
        _print(rows)
    print(json.dumps({"version": 1, "rows": [asdict(row) for row in rows]}))


def _sentences(file: str, config: Config) -> list[str]:
    prepared = flow.prepare(readers.read(file), config)
    if not prepared.segments:
        raise InputError(f"{file}: no sentence to translate", "give a text with sentences")
    return [segment.text for segment in prepared.segments]


def _print(rows: "list[Row]") -> None:
    width = max(len(row.engine) for row in rows)
    print(" " * width, *(f"{title:>12}" for _, title in COLUMNS))
    for row in rows:
        figures = (f"{getattr(row, field):12,.1f}" for field, _ in COLUMNS)
        print(f"{row.engine:{width}}", *figures)
    for row in rows:
        print(f"{row.engine}: {row.signature}, {row.sentences:,} sentences")
