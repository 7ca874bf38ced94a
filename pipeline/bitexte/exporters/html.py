"""HTML: source and target side by side, for people to look through."""

from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from itertools import chain
from pathlib import Path

from bitexte import __version__
from bitexte.chars import UNFIT
from bitexte.exporters import line
from bitexte.files import atomic_binary
from bitexte.records import SURE, Bitext, Pair
from bitexte.stages.tokens import words


def write(bitexts: Iterable[Bitext], base: Path) -> list[Path]:
    """Write `base`.html and return its path: one page that needs nothing from elsewhere.

    Pairs without a counterpart and those of low confidence are marked; a word that the pointer
    is on shows the words it goes with.
    """
    path = base.with_name(f"{base.name}.html")
    with atomic_binary(path) as out:
        for part in _page(bitexts):
            # What HTML cannot hold becomes U+FFFD, which shows that something was there.
            out.write(UNFIT.sub("\ufffd", part).encode())
    return [path]


def _page(bitexts: Iterable[Bitext]) -> Iterator[str]:
    page = files("bitexte.exporters").joinpath("page.html").read_text("utf-8")
    head, tail = page.split("<!-- articles -->")
    stream = iter(bitexts)
    first = next(stream, None)
    yield head.replace("{title}", escape(first.article.name) if first else "bitexte")
    signatures: dict[str, None] = {}
    for bitext in chain([first] if first else [], stream):
        signatures[bitext.signature] = None
        yield from _article(bitext)
    footer = " · ".join(signatures) or f"bitexte:{__version__}"
    yield tail.replace("{signature}", escape(footer))


def _article(bitext: Bitext) -> Iterator[str]:
    pairs = bitext.pairs
    alone = sum(not _whole(pair) for pair in pairs)
    low = sum(_low(pair) for pair in pairs)
    about = [f"{len(pairs):,} pairs", f"{alone:,} without a counterpart", f"{low:,} doubtful"]
    about += [f"{key}: {value}" for key, value in bitext.article.meta.items()]
    yield f"<section>\n<h2>{escape(bitext.article.name)}</h2>\n"
    yield f"<p>{escape(' · '.join(about))}</p>\n<table>\n"
    for number, pair in enumerate(pairs, 1):
        yield _row(number, pair, bitext.article.lang, bitext.target_lang)
    yield "</table>\n</section>\n"


def _whole(pair: Pair) -> bool:
    return bool(line(pair.source) and line(pair.target))


def _low(pair: Pair) -> bool:
    return _whole(pair) and pair.confidence < SURE


def _row(number: int, pair: Pair, source_lang: str, target_lang: str) -> str:
    kind = "low" if _low(pair) else "" if _whole(pair) else "null"
    links = pair.links
    source = _cell(pair.source, source_lang, [(a, b) for a, b in links])
    target = _cell(pair.target, target_lang, [(b, a) for a, b in links])
    sure = f"{pair.confidence:.2f}" if _whole(pair) else "–"
    bead = "" if pair.bead == (1, 1) else f"{pair.bead[0]}–{pair.bead[1]}"
    near = (f"{one.score:.0%}: {one.source} → {one.target}" for one in pair.suggestions)
    notes = " ".join(filter(None, (bead, *pair.flags, *near)))
    return (
        f'<tr id="{escape(pair.id)}" class="{kind}"><th>{number}</th>{source}{target}'
        f"<td>{sure}<br><small>{escape(notes)}</small></td></tr>\n"
    )


def _cell(text: str, lang: str, links: list[tuple[int, int]]) -> str:
    """Make a cell whose linked words know their partners: `data-n` own place, `data-to` theirs."""
    partners: dict[int, list[str]] = {}
    for own, other in links:
        partners.setdefault(own, []).append(str(other))
    parts, place = [], 0
    for number, (start, end) in enumerate(words(text, lang)):
        parts.append(escape(text[place:start]))
        word = escape(text[start:end])
        if number in partners:
            to = " ".join(partners[number])
            word = f'<span data-n="{number}" data-to="{to}">{word}</span>'
        parts.append(word)
        place = end
    shown = "".join(chain(parts, [escape(text[place:])])) if line(text) else ""
    return f'<td lang="{escape(lang)}">{shown}</td>'
