"""bitexte run: texts in, parallel corpora out."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bitexte import flow, readers
from bitexte.cli import options, report
from bitexte.config import Config
from bitexte.engines import load
from bitexte.errors import SOME_FAILED, Failure
from bitexte.exporters import EXPORTERS, export
from bitexte.files import STDIN
from bitexte.records import Article


def run(
    inputs: Annotated[list[str], typer.Argument(help="Texts, folders of texts, or - for stdin.")],
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", help=f"{', '.join(EXPORTERS.names())}; repeat it.", show_default="both"
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder for the exports.", show_default="exports")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the exports.", show_default="that of the text or folder"),
    ] = None,
    model: options.Model = None,
    revision: options.Revision = None,
    engine: options.Engine = None,
    beam_size: options.BeamSize = None,
    device: options.Device = None,
    compute: options.Compute = None,
    threads: options.Threads = None,
    cache: options.Cache = None,
    source_lang: Annotated[
        str | None, typer.Option(help="BCP 47 tag written for the source.", show_default="fr")
    ] = None,
    target_lang: Annotated[
        str | None, typer.Option(help="BCP 47 tag written for the target.", show_default="en")
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option(help="Leave out pairs below, 0 to 1.", show_default="0")
    ] = None,
    abbreviations: options.Abbreviations = None,
    keep_quotes: options.KeepQuotes = False,
    force: options.Force = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Translate texts and write parallel corpora.

    Examples:
    bitexte run seeds/dispatch.txt

    bitexte run archive/ --format tmx --out corpus

    """
    loaded = options.load(
        config,
        force,
        formats=tuple(formats) if formats else None,
        out=out,
        model=model,
        revision=revision,
        engine=engine,
        beam_size=beam_size,
        device=device,
        compute=compute,
        threads=threads,
        cache=cache,
        abbreviations=abbreviations,
        keep_quotes=keep_quotes or None,
        source_lang=source_lang,
        target_lang=target_lang,
        min_confidence=min_confidence,
    )
    for wanted in loaded.formats:
        EXPORTERS.check(wanted)
    tally = report.Tally()
    articles = list(readers.read_all(inputs))
    loading = _translate(articles, loaded, tally)
    paths = []
    if tally.bitexts:
        base = Path(loaded.out) / (name or _name(inputs))
        paths = export(tally.bitexts, loaded.formats, base, loaded.min_confidence)
    _print(paths, tally, loading, as_json)
    _end(tally)


def _translate(articles: Sequence[Article | Failure], config: Config, tally: report.Tally) -> float:
    """Translate what could be read; return the seconds that loading the model took."""
    failed = [article for article in articles if isinstance(article, Failure)]
    if len(failed) == len(articles):
        report.watch(failed, tally)
        return 0.0
    started = time.perf_counter()
    engine = load(config)
    loading = time.perf_counter() - started
    report.watch(flow.run(articles, engine, config), tally, len(articles))
    return loading


def _name(inputs: Sequence[str]) -> str:
    """Name the exports after the one text or folder given; `corpus` stands for several."""
    if len(inputs) > 1:
        return "corpus"
    given = Path(inputs[0])
    if inputs[0] == STDIN:
        return "stdin"
    return given.resolve().name if given.is_dir() else given.stem


def _print(paths: list[Path], tally: report.Tally, loading: float, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_summary(paths, tally, loading), ensure_ascii=False))
    else:
        for path in paths:
            print(path)
    report.summary(tally, loading)


def _summary(paths: list[Path], tally: report.Tally, loading: float) -> dict[str, Any]:
    return {
        "version": 1,
        "files": [str(path) for path in paths],
        "articles": len(tally.bitexts),
        "sentences": tally.sentences,
        "seconds": round(tally.seconds, 3),
        "loading_seconds": round(loading, 3),
        "warnings": tally.warnings,
        "failures": [
            {"name": failure.name, "error": failure.error.message, "hint": failure.error.hint}
            for failure in tally.failures
        ],
        "signature": tally.bitexts[0].signature if tally.bitexts else "",
    }


def _end(tally: report.Tally) -> None:
    """Leave with the error of the only text, or with 6 if some texts of several failed."""
    if len(tally.failures) == 1 and not tally.bitexts:
        raise tally.failures[0].error
    for failure in tally.failures:
        print(f"failed: {failure.error.message}", file=sys.stderr)
    if tally.failures:
        raise typer.Exit(SOME_FAILED)
