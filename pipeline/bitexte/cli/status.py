"""bitexte status: what is done, what failed and why, what is pending."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from bitexte import store
from bitexte.cli import close, options
from bitexte.errors import InputError
from bitexte.store import Run, Store


def status(
    name: Annotated[
        str, typer.Argument(help="The run, as its exports are named.", show_default="all runs")
    ] = "",
    store_file: options.Store = None,
    out: options.Out = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show what the runs of a store have done, also while one of them goes on.

    Example: bitexte status
    """
    loaded = options.load(config, store=store_file, out=out)
    path = close.store_path(loaded)
    with store.opened(path, write=False) as kept:
        runs = kept.runs(name)
        if name and not runs:
            raise InputError(f"{path}: no run named {name!r} in it", "`bitexte status` lists them")
        if as_json:
            told = [_fields(kept, run) for run in runs]
            print(json.dumps({"version": 1, "runs": told, **kept.sizes()}, ensure_ascii=False))
            return
        for run in runs:
            _print(kept, run)
        sizes = kept.sizes()
        print(f"memory: {sizes['translations']:,} translations, {sizes['units']:,} imported units")


def _fields(kept: Store, run: Run) -> dict[str, Any]:
    return {**asdict(run), "pending": run.pending, "failures": close.failures(kept, run)}


def _print(kept: Store, run: Run) -> None:
    ended = f"ended {run.ended_at}" if run.ended_at else "not ended"
    print(
        f"{run.name}: {run.done:,} of {run.articles:,} articles done, {run.sentences:,} sentences"
    )
    print(f"  {run.failed:,} failed, {run.pending:,} pending; started {run.started_at}, {ended}")
    print(f"  {run.signature}")
    print(f"  {run.command}")
    for name, message, hint in kept.failures(run.id):
        print(f"  failed: {'' if name in message else f'{name}: '}{message} ({hint})")
