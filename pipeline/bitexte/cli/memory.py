"""bitexte memory: translation units that others made, to be used again."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bitexte import batch, store
from bitexte.cli import close, options
from bitexte.config import Config
from bitexte.errors import InputError
from bitexte.files import stamp

if TYPE_CHECKING:  # lxml is loaded when a TMX is read
    from bitexte.readers.tmx import LeftOut

# Of the units that are left out, so many are told one by one.
SHOWN = 5

memory = typer.Typer(no_args_is_help=True, help="Translation units that others made.")


@memory.command("import")
def import_(
    files: Annotated[list[str], typer.Argument(help="TMX files, also gzipped.")],
    source_lang: options.SourceLang = None,
    target_lang: options.TargetLang = None,
    store_file: options.Store = None,
    out: options.Out = None,
    config: options.ConfigFile = None,
) -> None:
    """Import the units of TMX files: `run` then takes them for sentences that are the same.

    A file that is imported again replaces what it gave before; one that is damaged gives nothing.

    Example: bitexte memory import agency.tmx
    """
    loaded = options.load(
        config, source_lang=source_lang, target_lang=target_lang, store=store_file, out=out
    )
    for file in files:
        _check(Path(file))
    with store.opened(close.store_path(loaded)) as kept:
        for file in files:
            _import(kept, file, loaded)


@memory.command("list")
def list_(
    store_file: options.Store = None,
    out: options.Out = None,
    config: options.ConfigFile = None,
) -> None:
    """List the files that were imported: units, languages, when.

    Example: bitexte memory list
    """
    loaded = options.load(config, store=store_file, out=out)
    with store.opened(close.store_path(loaded), write=False) as kept:
        for one in kept.imports():
            print(f"{one.name}: {one.units:,} units, {one.langs}, imported {one.at}")


@memory.command("forget")
def forget(
    files: Annotated[list[str], typer.Argument(help="Files, named as `list` names them.")],
    store_file: options.Store = None,
    out: options.Out = None,
    config: options.ConfigFile = None,
) -> None:
    """Drop what files gave; `run` then translates their sentences again.

    Example: bitexte memory forget agency.tmx
    """
    loaded = options.load(config, store=store_file, out=out)
    path = close.store_path(loaded)
    store.require(path)
    with store.opened(path) as kept:
        for file in files:
            if not kept.forget(file):
                raise InputError(
                    f"{file}: nothing was imported from it into {path}",
                    "`bitexte memory list` names the files",
                )


def _check(path: Path) -> None:
    """Refuse a file that is not there before a store is made for nothing."""
    if not path.is_file():
        raise InputError(f"{path}: no such file", "check the path")


def _import(kept: store.Store, file: str, config: Config) -> None:
    from bitexte.readers import tmx

    left: list[LeftOut] = []
    reasons: Counter[str] = Counter()

    def wanted() -> Iterator[tuple[str, str, str]]:
        for one in tmx.units(Path(file), config.source_lang, config.target_lang):
            if isinstance(one, tmx.Unit):
                yield one.source, one.target, one.changed
                continue
            reasons[one.reason] += 1
            if len(left) < SHOWN:
                left.append(one)

    langs, count = batch.langs(config), 0
    try:
        count = kept.learn(file, langs, wanted(), stamp())
    finally:  # where nothing is left, most of all: why
        told = ", ".join(f"{number:,} {reason}" for reason, number in sorted(reasons.items()))
        if count or told:
            print(f"{file}: {count:,} units, {langs}{f'; left out: {told}' if told else ''}")
        for one in left:
            print(f"  line {one.line}, unit {one.number}: {one.detail}")
