"""Links asked for line by line: of words with words, of sentences that are cut already."""

import json
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from typing import Any

from bitexte import flow
from bitexte.cli.protocol import anything, are_texts, asked, is_text
from bitexte.config import Config
from bitexte.errors import InputError
from bitexte.files import read_bytes
from bitexte.readers import txt
from bitexte.stages.tokens import Cut, cut

# Pairs of lines read together: enough for full batches, few enough to see the first soon.
WINDOW = 1000

Row = dict[str, Any]


def print_words(source: str, target: str, config: Config, as_json: bool) -> None:
    """Print the links of each pair of lines in Pharaoh's format, or as JSON with the spans.

    Raises InputError for two files that do not have the same number of lines.
    """
    left, right = _lines(source), _lines(target)
    if len(left) != len(right):
        raise InputError(
            f"{source} has {len(left):,} lines and {target} {len(right):,}",
            "give files that go line by line, or leave --words out to align their sentences",
        )
    pairs = ({"src": a, "tgt": b} for a, b in zip(left, right, strict=True))
    if as_json:
        print(json.dumps({"version": 1, "pairs": list(_word_links(pairs, config))}))
        return
    for row in _word_links(pairs, config):
        print(*(f"{a}-{b}" for a, b in row["links"]))


def answer(file: str, config: Config, of_words: bool) -> None:
    """Answer each {"id", "src", "tgt"} line of a file with {"id", "links"}.

    Of words: `src` and `tgt` are texts, or lists of their words. Of sentences: lists of sentences.
    """
    fits = _is_side if of_words else are_texts
    rows = asked(file, {"id": anything, "src": fits, "tgt": fits})
    answers = _word_links if of_words else _sentence_links
    for row in answers(rows, config):
        print(json.dumps(row))


def _is_side(value: Any) -> bool:
    return is_text(value) or are_texts(value)


def _lines(name: str) -> list[str]:
    text, _ = txt.decode(read_bytes(name), name)
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines]


def _sentence_links(rows: Iterable[Row], config: Config) -> Iterator[Row]:
    """Answer with the beads: the numbers of their source and of their target sentences."""
    from bitexte.engines.vectors import encode
    from bitexte.stages.align import align

    for row in rows:
        langs = (
            str(row.get("src_lang") or config.source_lang),
            str(row.get("tgt_lang") or config.target_lang),
        )
        beads = align(row["src"], row["tgt"], encode, langs)
        yield {
            "id": row["id"],
            "links": [[list(range(*bead.source)), list(range(*bead.target))] for bead in beads],
            "scores": [bead.score for bead in beads],
        }


def _word_links(rows: Iterable[Row], config: Config) -> Iterator[Row]:
    """Answer with the links, and where a side was a text with the spans of its words."""
    langs, rows = (config.source_lang, config.target_lang), iter(rows)
    while window := list(islice(rows, WINDOW)):
        left, right = (
            [_cut(row[side], lang) for row in window]
            for side, lang in zip(("src", "tgt"), langs, strict=True)
        )
        found = flow.word_links(list(zip(left, right, strict=True)), config)
        for row, source, target, links in zip(window, left, right, found, strict=True):
            answer = {"id": row["id"]} if "id" in row else {}
            spans = {"src": source.spans, "tgt": target.spans}
            told = {side: at for side, at in spans.items() if isinstance(row[side], str)}
            yield {**answer, **told, "links": links}


def _cut(side: str | list[str], lang: str) -> Cut:
    """Cut a text into words; a list holds the words themselves."""
    if isinstance(side, str):
        return cut(side, lang)
    ends = list(accumulate(len(word) + 1 for word in side))
    return Cut(
        " ".join(side),
        [(end - len(word) - 1, end - 1) for word, end in zip(side, ends, strict=True)],
    )
