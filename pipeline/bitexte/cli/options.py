"""The flags that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bitexte import config as settings
from bitexte.config import Config
from bitexte.engines import ENGINES
from bitexte.errors import ConfigError
from bitexte.exporters import EXPORTERS
from bitexte.files import read_bytes
from bitexte.runners import RUNNERS
from bitexte.stages.language import primary

Model = Annotated[
    str | None,
    typer.Option(
        help="Embedded name, MarianMT folder, or hub id such as Helsinki-NLP/opus-mt-fr-en.",
        show_default="fr-en",
    ),
]
Revision = Annotated[str | None, typer.Option(help="Commit, branch or tag of a hub model.")]
Engine = Annotated[
    str | None, typer.Option(help=f"{', '.join(ENGINES.names())}.", show_default="ct2")
]
BeamSize = Annotated[
    int | None, typer.Option(help="Hypotheses kept at each step; 1 is greedy.", show_default="4")
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda.", show_default="cpu")]
Compute = Annotated[
    str | None,
    typer.Option(help="Number type of ct2: int8, float32, …", show_default="int8 on a CPU"),
]
Threads = Annotated[int | None, typer.Option(help="CPU threads.", show_default="all cores")]
Cache = Annotated[
    str | None,
    typer.Option(help="Folder for converted models.", show_default="the user's cache"),
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format", help=f"{', '.join(EXPORTERS.names())}; repeat it.", show_default="tmx, jsonl"
    ),
]
Out = Annotated[str | None, typer.Option(help="Folder for the exports.", show_default="exports")]
Name = Annotated[
    str | None,
    typer.Option(help="Name of the exports.", show_default="after the text or folder"),
]
SourceLang = Annotated[
    str | None, typer.Option(help="BCP 47 tag of the source.", show_default="fr")
]
TargetLang = Annotated[
    str | None, typer.Option(help="BCP 47 tag of the target.", show_default="en")
]
MinConfidence = Annotated[
    float | None, typer.Option(help="Leave out pairs below, 0 to 1.", show_default="0")
]
NoWords = Annotated[bool, typer.Option("--no-words", help="Do not say which words go together.")]
Abbreviations = Annotated[
    str | None, typer.Option(help="File of more abbreviations, one a line; # begins a comment.")
]
KeepQuotes = Annotated[
    bool, typer.Option("--keep-quotes", help="Keep a quotation in one sentence.")
]
Force = Annotated[bool, typer.Option("--force", help="Also take what is in another language.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file.", show_default="bitexte.toml, if it is there"),
]
Store = Annotated[
    str | None,
    typer.Option("--store", help="File of what is done.", show_default="bitexte.sqlite in --out"),
]
Runner = Annotated[
    str | None, typer.Option(help=f"{', '.join(RUNNERS.names())}.", show_default="local")
]
Jobs = Annotated[
    int | None,
    typer.Option(help="Worker processes.", show_default="1; on a cluster, all it carries"),
]
Address = Annotated[
    str | None,
    typer.Option(help="Ray cluster to join, or auto.", show_default="one on this machine"),
]
Fuzzy = Annotated[
    float | None,
    typer.Option(help="Suggest imported units as near as this, 0 to 1.", show_default="none"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def load(config: Path | None, force: bool = False, no_words: bool = False, **flags: Any) -> Config:
    """Build the settings of a command, and check the names that tables know."""
    if force:
        flags["min_french"] = 0.0
    if no_words:
        flags["words"] = False
    if formats := flags.get("formats"):
        flags["formats"] = tuple(formats)
    if flags.get("abbreviations"):
        flags["abbreviations"] = entries(flags["abbreviations"])
    loaded = settings.load(config, flags)
    if "source_lang" in flags:  # of a command that goes from one language to another
        _check_languages(loaded)
    ENGINES.check(loaded.engine)
    RUNNERS.check(loaded.runner)
    for name in loaded.formats:
        EXPORTERS.check(name)
    return loaded


def _check_languages(config: Config) -> None:
    source, target = config.source_lang, config.target_lang
    if primary(source) == primary(target):
        raise ConfigError(
            f"source_lang and target_lang are one language: {source} and {target}",
            "choose two languages",
        )


def entries(path: str) -> tuple[str, ...]:
    """Read the entries of a list: one a line, without what follows #."""
    lines = read_bytes(path).decode("utf-8-sig", "replace").splitlines()
    return tuple(entry for line in lines if (entry := line.partition("#")[0].strip()))
