"""bitexte segment: the sentences of a text."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated

import typer

from bitexte import readers
from bitexte.cli import options
from bitexte.cli.protocol import anything, asked, is_text
from bitexte.files import STDIN
from bitexte.records import Segment
from bitexte.stages.clean import clean
from bitexte.stages.segment import furniture_gaps, sentences, with_furniture
from bitexte.stages.segment import segment as cut


def segment(
    file: Annotated[str, typer.Argument(help="A text, or - for stdin.")] = STDIN,
    keep_quotes: options.KeepQuotes = False,
    abbreviations: options.Abbreviations = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Read {"id", "text"} lines, write {"id", "sents"}.')
    ] = False,
    attach_credits: Annotated[
        bool,
        typer.Option(
            "--attach-credits", help="With --jsonl: credits belong to a sentence, as in gold sets."
        ),
    ] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Print the sentences of a text, one a line.

    Example: bitexte segment seeds/dispatch.txt
    """
    loaded = options.load(config, abbreviations=abbreviations, keep_quotes=keep_quotes or None)
    known, whole = frozenset(loaded.abbreviations), loaded.keep_quotes
    if jsonl:
        spans = with_furniture if attach_credits else _bare
        for line in _protocol(file, lambda text: spans(text, known, whole)):
            print(line)
        return
    article = clean(replace(readers.read(file), lang=loaded.source_lang))
    segments = cut(article, loaded.max_sentence_chars, known, whole)
    if as_json:
        fields = {"version": 1, "title": article.title, "meta": dict(article.meta)}
        print(json.dumps({**fields, "sentences": [_row(one) for one in segments]}))
    else:
        for one in segments:
            print(" ".join(one.text.splitlines()))


def _row(one: Segment) -> dict[str, object]:
    return {"start": one.start, "end": one.end, "paragraph": one.paragraph, "text": one.text}


def _bare(text: str, known: frozenset[str] | None, keep_quotes: bool) -> list[tuple[int, int]]:
    gaps = furniture_gaps(text)
    return sentences(text, abbreviations=known, keep_quotes=keep_quotes, gaps=gaps)


def _protocol(file: str, spans: Callable[[str], list[tuple[int, int]]]) -> Iterator[str]:
    """Answer each {"id", "text"} line with the spans of its sentences, in code points."""
    for row in asked(file, {"id": anything, "text": is_text}):
        yield json.dumps({"id": row["id"], "sents": spans(row["text"])})
