"""bitexte translate: one French text in, English text out."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Annotated

import typer

from bitexte import flow, readers
from bitexte.cli import options, report
from bitexte.config import Config
from bitexte.engines import Engine, load
from bitexte.errors import ConfigError, Failure
from bitexte.files import STDIN
from bitexte.records import Article, Bitext

# Lines are short: as many as make full batches, few enough to see the first soon.
LINES_A_WINDOW = 1000


def translate(
    file: Annotated[str, typer.Argument(help="A text, or - for stdin.")] = STDIN,
    lines: Annotated[
        bool, typer.Option("--lines", help="One output line for each input line.")
    ] = False,
    model: options.Model = None,
    revision: options.Revision = None,
    engine: options.Engine = None,
    beam_size: options.BeamSize = None,
    device: options.Device = None,
    compute: options.Compute = None,
    threads: options.Threads = None,
    cache: options.Cache = None,
    abbreviations: options.Abbreviations = None,
    keep_quotes: options.KeepQuotes = False,
    force: options.Force = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Print the English of a French text, paragraph by paragraph.

    Examples:
    echo "Bonjour." | bitexte translate

    bitexte translate seeds/dispatch.txt

    """
    loaded = options.load(
        config,
        force,
        no_words=not as_json,  # a plain text does not show them
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
    )
    if lines and as_json:
        raise ConfigError("--lines and --json do not go together", "leave one of them out")
    article = readers.read(file)
    if lines:
        _print_lines(article, loaded)
    else:
        _print_text(article, loaded, as_json)


def _print_text(article: Article, config: Config, as_json: bool) -> None:
    prepared = flow.prepare(article, config)
    bitext = _single(flow.finish([prepared], load(config), config)[0])
    if as_json:
        fields = {"version": 1, "text": flow.rendered(bitext), "signature": bitext.signature}
        pairs = [asdict(pair) for pair in bitext.pairs]
        print(json.dumps({**fields, "pairs": pairs}, ensure_ascii=False))
    else:
        print(flow.rendered(bitext))


def _print_lines(article: Article, config: Config) -> None:
    flow.check(article, config)
    each = replace(config, min_french=0.0, window_sentences=LINES_A_WINDOW)
    for bitext in _each_line(article, load(config), each):
        # What a line holds besides its sentences may be a line end to Unicode; here it is not.
        print(" ".join(flow.rendered(bitext).splitlines()))


def _each_line(article: Article, engine: Engine, config: Config) -> Iterator[Bitext]:
    text = article.text.replace("\r\n", "\n").removesuffix("\n")
    articles = (replace(article, text=line) for line in text.split("\n"))
    for done in flow.run(articles, engine, config):
        yield _single(done)


def _single(done: Bitext | Failure) -> Bitext:
    if isinstance(done, Failure):
        raise done.error
    for warning in report.warnings(done):
        report.log.warning("%s", warning)
    return done
