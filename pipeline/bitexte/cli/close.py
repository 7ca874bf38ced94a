"""How a run ends: its exports and manifest, and what they can be remade by."""

import json
import os
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import typer

from bitexte import __version__
from bitexte.cli import report
from bitexte.config import Config
from bitexte.errors import SOME_FAILED
from bitexte.exporters import counted, digest, manifest
from bitexte.files import STDIN, is_folder, sweep
from bitexte.store import Run, Store

# Settings that decide what an export holds, and their flags. The others change how fast it comes.
_FLAGS = {
    **{name: f"--{name.replace('_', '-')}" for name in (
        "engine", "model", "revision", "compute", "device", "beam_size", "source_lang",
        "target_lang", "fuzzy", "store", "out", "min_confidence",
    )},
    "formats": "--format",
}  # fmt: skip
#: Those of `align`, which asks an engine only for what --model names.
ALIGN_FLAGS = {"source_lang", "target_lang", "store", "out", "min_confidence", "formats"}
_SWITCHES = {"keep_quotes": "--keep-quotes", "words": "--no-words", "min_french": "--force"}
_UNFLAGGED = ("abbreviations", "max_sentence_chars", "max_article_chars")


def store_path(config: Config) -> Path:
    """Return the file of what is done: among the exports, where none is named."""
    return Path(config.store) if config.store else Path(config.out) / "bitexte.sqlite"


def named(inputs: Sequence[str]) -> str:
    """Name the exports after the one text or folder given; `corpus` stands for several."""
    if len(inputs) > 1:
        return "corpus"
    if inputs[0] == STDIN:
        return "stdin"
    given = Path(inputs[0])
    return given.resolve().name if is_folder(inputs[0]) else given.stem


def say_if_taken(store: Store, name: str, texts: Collection[str], tally: report.Tally) -> None:
    """Warn where a run of quite other texts is about to be replaced."""
    for run in store.runs(name):
        before = {os.path.realpath(text) for _, text in store.texts(run.id)}
        if before and before.isdisjoint(map(os.path.realpath, texts)):
            tally.warn(f"{name}: replaces a run of that name over other texts; --name keeps both")


def command(
    words: Sequence[str],
    config: Config,
    file: Mapping[str, Any],
    known: Collection[str] = _FLAGS.keys(),
) -> str:
    """Write the command line that makes the same exports again, beside a settings file or without.

    It takes the flags that are not the defaults, or not what the file says; `known` are those that
    the command has.
    """
    usual = Config()
    line = ["bitexte", *words]
    for name, flag in _FLAGS.items():
        value, default = getattr(config, name), getattr(usual, name)
        if name in known and not value == default == file.get(name, default):
            for one in value if isinstance(value, tuple) else (value,):
                line += [flag, str(one)]
    for name, flag in _SWITCHES.items():
        value = getattr(config, name)
        if value != getattr(usual, name) and (name != "min_french" or value == 0):
            line.append(flag)
    return shlex.join(line)


def settings(config: Config) -> dict[str, Any]:
    """List the settings that decide what an export holds, where they are not the defaults."""
    told = {*_FLAGS, *_SWITCHES, *_UNFLAGGED} - {"out", "store"}
    changed = {
        field.name: getattr(config, field.name)
        for field in fields(Config)
        if getattr(config, field.name) != field.default
    }
    return {name: value for name, value in changed.items() if name in told}


def write(store: Store, run: Run, config: Config, beside: bool = False) -> list[Path]:
    """Write the exports of a run and their manifest from the store; nothing is translated.

    A run of which nothing is done has none, and what was exported before stays. `beside` keeps
    other formats of the same corpus in the manifest.
    """
    if not run.done:
        return []
    base = Path(config.out) / run.name
    failed = failures(store, run)
    line, settled = _remade(run, config), _settings_of(run, config)
    told = {
        "bitexte": __version__,
        "signature": run.signature,
        "pending": run.pending,
        "failures": failed,
        "texts_sha256": digest(store.texts(run.id)),
        "command": line,
        "settings": settled,
    }
    wanted = [base.with_name(f"{base.name}.{name}") for name in dict.fromkeys(config.formats)]
    if not beside and (there := manifest.current(base, told, wanted)):
        return there
    sweep(base.parent)
    paths, counts = counted(store.bitexts(run.id), config.formats, base, config.min_confidence)
    listing = manifest.write(
        base,
        signature=run.signature,
        counts=counts,
        files=paths,
        failures=failed,
        pending=run.pending,
        command=line,
        settings=settled,
        beside=beside,
    )
    return [*paths, listing]


def failures(store: Store, run: Run) -> list[dict[str, str]]:
    """List what failed in a run, as machines are told it."""
    return [
        {"name": name, "error": message, "hint": hint}
        for name, message, hint in store.failures(run.id)
    ]


def _settings_of(run: Run, config: Config) -> dict[str, Any]:
    """List the settings behind what is exported: those of the run, with the threshold of now."""
    told = {name: value for name, value in run.settings.items() if name != "min_confidence"}
    return told | ({"min_confidence": config.min_confidence} if config.min_confidence else {})


def _remade(run: Run, config: Config) -> str:
    """Write what makes an export again; one that leaves out other pairs than the run takes two."""
    if run.settings.get("min_confidence", 0) == config.min_confidence:
        return run.command
    flags = {name: getattr(config, name) for name in ("formats", "store", "out", "min_confidence")}
    # The formats always: a settings file may name others.
    again = command(["export", run.name], replace(Config(), **flags), {"formats": ()})
    return f"{run.command} && {again}"


def finish(
    store: Store,
    run: int,
    name: str,
    config: Config,
    tally: report.Tally,
    as_json: bool,
    loading: float = 0.0,
) -> None:
    """Export what is done, say how it went, and leave as `_end` does."""
    [known] = [one for one in store.runs(name) if one.id == run]
    paths = write(store, known, config)
    if as_json:
        print(json.dumps(_summary(paths, known, tally, loading), ensure_ascii=False))
    else:
        for path in paths:
            print(path)
    report.table(tally, known.sentences, loading)
    _end(tally)


def _summary(paths: list[Path], run: Run, tally: report.Tally, loading: float) -> dict[str, Any]:
    return {
        "event": "end",
        "version": 1,
        "files": [str(path) for path in paths],
        "articles": run.done,
        "unchanged": tally.unchanged,
        "pending": run.pending,
        "sentences": run.sentences,
        "seconds": round(tally.seconds, 3),
        "loading_seconds": round(loading, 3),
        "warnings": tally.warnings,
        "failures": [
            {"name": failure.name, "error": failure.error.message, "hint": failure.error.hint}
            for failure in tally.failures
        ],
        "signature": run.signature if run.done else "",
    }


def _end(tally: report.Tally) -> None:
    """Leave with the error of the only text, or with 6 if some texts of several failed."""
    if len(tally.failures) == 1 and tally.total == 1:
        raise tally.failures[0].error
    for failure in tally.failures:
        where = "" if failure.name in failure.error.message else f"{failure.name}: "
        print(f"failed: {where}{failure.error.message}", file=sys.stderr)
    if tally.failures:
        raise typer.Exit(SOME_FAILED)
