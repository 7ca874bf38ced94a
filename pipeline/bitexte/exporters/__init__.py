"""The table of export formats; threshold and order, applied once for all."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

from bitexte.chars import UNFIT
from bitexte.records import Bitext, Pair
from bitexte.registry import Registry

Exporter = Callable[[Iterable[Bitext], Path], list[Path]]

EXPORTERS: Registry[Exporter] = Registry(
    "export format", __name__, {"tmx": "tmx:write", "jsonl": "jsonl:write", "html": "html:write"}
)
# A page for people shows what a corpus leaves out.
WHOLE = frozenset({"html"})

# A segment is one line: line and paragraph breaks become spaces. U+00A0 and U+202F stay: they
# carry meaning in French.
_BREAKS = str.maketrans(dict.fromkeys("\t\n\r\v\f\x85\u2028\u2029", " "))


def export(
    bitexts: Sequence[Bitext], formats: Sequence[str], base: Path, min_confidence: float = 0.0
) -> list[Path]:
    """Write each format to `base` plus its suffix; return the paths written.

    Articles are ordered by (name, id) and pairs by their place in the text, whoever finished
    first. Pairs below `min_confidence`, and those with a blank side, which no tool takes, are
    left out of all formats but those of WHOLE.
    """
    writers = {name: EXPORTERS.get(name) for name in formats}
    ordered = sorted(bitexts, key=lambda bitext: (bitext.article.name, bitext.article.id))
    kept = [
        replace(bitext, pairs=tuple(pair for pair in bitext.pairs if _wanted(pair, min_confidence)))
        for bitext in ordered
    ]
    return [
        path
        for name, write in writers.items()
        for path in write(ordered if name in WHOLE else kept, base)
    ]


def _wanted(pair: Pair, min_confidence: float) -> bool:
    both = line(pair.source) and line(pair.target)
    return bool(both) and pair.confidence >= min_confidence


def line(text: str) -> str:
    """Make a text one trimmed line of NFC that every reader takes."""
    return normalize("NFC", UNFIT.sub("", text.translate(_BREAKS))).strip()
