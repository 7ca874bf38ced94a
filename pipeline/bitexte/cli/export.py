"""bitexte export: remake the exports of a run from what is stored, without translating."""

from dataclasses import replace
from typing import Annotated

import typer

from bitexte import store
from bitexte.cli import close, options
from bitexte.errors import InputError


def export(
    name: Annotated[
        str, typer.Argument(help="The run, as its exports are named.", show_default="the latest")
    ] = "",
    formats: options.Formats = None,
    out: options.Out = None,
    min_confidence: options.MinConfidence = None,
    store_file: Annotated[
        str | None,
        typer.Option(
            "--store",
            help="File of what is done.",
            show_default="bitexte.sqlite in --out, if it is there, or in exports",
        ),
    ] = None,
    config: options.ConfigFile = None,
) -> None:
    """Write the exports of a run again, in any format, from the store.

    Examples:
    bitexte export archive --format html

    bitexte export archive --min-confidence 0.6 --out sure

    """
    loaded = options.load(config, formats=formats, min_confidence=min_confidence, store=store_file)
    there = replace(loaded, out=out or loaded.out)
    path = close.store_path(there)
    if not store.is_there(path):  # --out is a new folder
        path = close.store_path(loaded)
    with store.opened(path, write=False) as kept:
        runs = kept.runs(name)
        if not runs:
            raise InputError(
                f"{path}: no run{f' named {name!r}' if name else ''} in it",
                "`bitexte status` lists them; `bitexte run` makes one",
            )
        written = close.write(kept, runs[0], there, beside=True)
    if not written:
        raise InputError(f"{runs[0].name}: nothing done yet", "`bitexte run` goes on with it")
    for one in written:
        print(one)
