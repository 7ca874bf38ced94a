"""The flags that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bitexte import config as settings
from bitexte.config import Config
from bitexte.engines import ENGINES

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
Force = Annotated[bool, typer.Option("--force", help="Also translate what is not French.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file.", show_default="bitexte.toml, if it is there"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def load(config: Path | None, force: bool = False, **flags: Any) -> Config:
    """Build the settings of a command, and check the names that tables know."""
    if force:
        flags["min_french"] = 0.0
    loaded = settings.load(config, flags)
    ENGINES.check(loaded.engine)
    return loaded
