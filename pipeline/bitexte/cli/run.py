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
from bitexte.exporters import export
from bitexte.files import STDIN
from bitexte.records import Article


def run(
    inputs: Annotated[list[str], typer.Argument(help="Texts, folders of texts, or - for stdin.")],
    formats: options.Formats = None,
    out: options.Out = None,
    name: options.Name = None,
    model: options.Model = None,
    revision: options.Revision = None,
    engine: options.Engine = None,
    beam_size: options.BeamSize = None,
    device: options.Device = None,
    compute: options.Compute = None,
    threads: options.Threads = None,
    cache: options.Cache = None,
    source_lang: options.SourceLang = None,
    target_lang: options.TargetLang = None,
    min_confidence: options.MinConfidence = None,
    no_words: options.NoWords = False,
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
        no_words,
        formats=formats,
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
    tally = report.Tally()
    articles = list(readers.read_all(inputs))
    loading = _translate(articles, loaded, tally)
    close(tally, loaded, name or named(inputs), as_json, loading)


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


def named(inputs: Sequence[str]) -> str:
    """Name the exports after the one text or folder given; `corpus` stands for several."""
    if len(inputs) > 1:
        return "corpus"
    given = Path(inputs[0])
    if inputs[0] == STDIN:
        return "stdin"
    return given.resolve().name if given.is_dir() else given.stem


def close(
    tally: report.Tally, config: Config, name: str, as_json: bool, loading: float = 0.0
) -> None:
    """Export what came out, say how it went, and leave as `_end` does."""
    paths = []
    if tally.bitexts:
        base = Path(config.out) / name
        paths = export(tally.bitexts, config.formats, base, config.min_confidence)
    if as_json:
        print(json.dumps(_summary(paths, tally, loading), ensure_ascii=False))
    else:
        for path in paths:
            print(path)
    report.summary(tally, loading)
    _end(tally)


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
