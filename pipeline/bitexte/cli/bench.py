"""bitexte bench: time engines on a text, and whole runs over a folder."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from bitexte import flow, readers
from bitexte.cli import options
from bitexte.config import DEFAULT_FILE, Config
from bitexte.engines import ENGINES
from bitexte.errors import ConfigError, InputError
from bitexte.files import read_bytes
from bitexte.readers import txt
from bitexte.registry import unknown

if TYPE_CHECKING:  # other commands need not load what times them
    from bitexte import bench_batch
    from bitexte.bench import Row


class _EnginesFirst(TyperGroup):
    """A group in which `bench FILE` is `bench engines FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = ["engines", *args]
        return super().parse_args(ctx, args)


bench = typer.Typer(
    cls=_EnginesFirst,
    no_args_is_help=True,
    help="Time engines on a text (`bench FILE`), and whole runs over a folder (`bench batch`).",
)

COLUMNS = (
    ("load_seconds", "load s"),
    ("seconds", "seconds"),
    ("sentences_per_second", "sent/s"),
    ("source_tokens_per_second", "source tok/s"),
    ("target_tokens_per_second", "target tok/s"),
    ("peak_mb", "peak MB"),
)


@bench.command("engines")
def engines(
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


@bench.command("batch")
def batch(
    files: Annotated[list[str], typer.Argument(help="Texts of one French sentence a line.")],
    articles: Annotated[int, typer.Option(min=1, help="Dispatches made of the lines.")] = 2000,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="bare, jobs, ray, transformers, again, growth; repeat it.", show_default="all"
        ),
    ] = None,
    runs: Annotated[
        int, typer.Option(min=1, help="Turns of bare, jobs and ray; the best of each counts.")
    ] = 1,
    growth: Annotated[
        str, typer.Option(help="Sizes of the folders that show how it grows.")
    ] = "1000,10000,100000",
    model: options.Model = None,
    beam_size: options.BeamSize = None,
    threads: options.Threads = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Time whole runs over a folder of short dispatches, as ratios of two programs.

    Above 1, ours is the faster one. It takes some twenty minutes on two cores.

    Example: bitexte bench batch sentences.fr --articles 200 --only bare --only again
    """
    from bitexte import bench_batch as timing

    loaded = options.load(config, model=model, beam_size=beam_size, threads=threads)
    names = only or list(timing.NAMES)
    for name in names:
        if name not in timing.NAMES:
            raise unknown("measurement", name, list(timing.NAMES))
    lines = [line for file in files for line in txt.decode(read_bytes(file), file)[0].split("\n")]
    sizes = _sizes(growth)
    rows = []
    with tempfile.TemporaryDirectory(prefix="bitexte-bench-") as work:
        programs = timing.Bench(Path(work), lines, articles, loaded, _flags(loaded, config), runs)
        for row in programs.rows(names, sizes):
            rows.append(row)
            if not as_json:
                _print_ratio(row)
    print(json.dumps({"version": 1, "rows": [asdict(row) for row in rows]}))


def _flags(config: Config, file: Path | None) -> list[str]:
    """Write the flags of the runs that are timed; they work in a folder of their own."""
    model = str(Path(config.model).absolute()) if Path(config.model).is_dir() else config.model
    flags = ["--model", model, "--beam-size", str(config.beam_size)]
    flags += ["--threads", str(config.threads)] if config.threads else []
    file = file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    return [*flags, *(["--config", str(file.absolute())] if file else [])]


def _sizes(listing: str) -> Sequence[int]:
    sizes = [int(size) for size in listing.split(",") if size.strip().isdecimal()]
    if not sizes or min(sizes) < 1 or len(sizes) != listing.count(",") + 1:
        raise ConfigError(f"growth is {listing!r}", "write numbers, as in 1000,10000")
    return sizes


def _print_ratio(row: "bench_batch.Row") -> None:
    print(
        f"{row.ratio:8.2f} times {row.name} (bar {row.bar:g}): {row.ours:,.1f} s for "
        f"{row.other:,.1f} s, {row.sentences:,} sentences, {row.peak_mb:,.0f} MB",
        flush=True,
    )


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
