"""bitexte run: texts in, parallel corpora out."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from bitexte import config as settings
from bitexte import readers, store
from bitexte.batch import Batch, Translated, Unchanged
from bitexte.cli import close, options, report
from bitexte.config import Config
from bitexte.errors import Failure
from bitexte.files import stamp


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
    fuzzy: options.Fuzzy = None,
    runner: options.Runner = None,
    jobs: options.Jobs = None,
    address: options.Address = None,
    store_file: options.Store = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first text that fails.")
    ] = False,
    config: options.ConfigFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events as JSON lines on stdout.")
    ] = False,
) -> None:
    """Translate texts and write parallel corpora.

    Examples:
    bitexte run seeds/dispatch.txt

    bitexte run archive/ --format tmx --out corpus

    The same command again goes on where it was stopped, and skips what has not changed.

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
        fuzzy=fuzzy,
        runner=runner,
        jobs=jobs,
        address=address,
        store=store_file,
    )
    names = list(dict.fromkeys(name for given in inputs for name in readers.expand(given)))
    called = name or close.named(inputs)
    if dry_run:
        _say_plan(names, called, loaded, as_json)
        return
    if len(names) == 1:
        readers.check(names[0])  # one text that cannot be read: nothing is begun
    with store.opened(close.store_path(loaded)) as kept:
        batch = Batch(kept, names, loaded)
        words = ["run", *inputs, *(["--name", name] if name else [])]
        tally = report.Tally(len(names))
        close.say_if_taken(kept, called, names, tally)
        line = close.command(words, loaded, settings.read(config))
        batch.begin(called, line, close.settings(loaded))
        _follow(batch, tally, fail_fast, as_json)
        if tally.finished == tally.total:
            kept.end(batch.run, stamp())
        close.finish(kept, batch.run, called, loaded, tally, as_json, batch.loading)


def _follow(batch: Batch, tally: report.Tally, fail_fast: bool, as_json: bool) -> None:
    """Let the batch run to its end, or to the first failure."""
    if as_json:
        _event("start", version=1, articles=tally.total, signature=batch.signature)
    with closing(batch.results()) as results:
        for done in report.watch(results, tally):
            if as_json:
                _tell(done)
            if fail_fast and tally.failures:
                return


def _tell(done: report.Done) -> None:
    if isinstance(done, Failure):
        _event("failed", name=done.name, error=done.error.message, hint=done.error.hint)
    elif isinstance(done, Unchanged):
        _event("unchanged", name=done.name)
    elif isinstance(done, Translated):
        _event("translated", sentences=done.sentences)
    else:
        _event("done", name=done.article.name, sentences=len(done.pairs))


def _event(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, **fields}, ensure_ascii=False), flush=True)


def _say_plan(names: list[str], called: str, config: Config, as_json: bool) -> None:
    """Say what a run would do; the store is only looked into."""
    path = close.store_path(config)
    with store.opened(path, write=False) if store.is_there(path) else store.blank() as known:
        batch = Batch(known, names, config)
        plan = batch.plan()
    if as_json:
        failures = [{"name": one.name, "error": one.error.message} for one in plan.failures]
        told = {**asdict(plan), "failures": failures, "signature": batch.signature}
        print(json.dumps({"version": 1, **told}, ensure_ascii=False))
        return
    for failure in plan.failures:
        print(f"would fail: {failure.error.message}")
    print(f"articles: {len(names):,}: {plan.todo:,} to do, {plan.done:,} done,", end=" ")
    print(f"{len(plan.failures):,} that would fail")
    print(f"sentences: {plan.to_translate:,} to translate, {plan.in_memory:,} in memory")
    print(f"signature: {batch.signature}")
    print(f"exports: {Path(config.out) / called} as {', '.join(config.formats)}")
