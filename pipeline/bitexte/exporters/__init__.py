"""The table of export formats; threshold and order, applied once for all."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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
_BREAKS = re.compile("[\t\n\r\v\f\x85\u2028\u2029]")


@dataclass(slots=True)
class Counts:
    """What went into the corpora: articles, pairs, pairs left out; a sum over the articles."""

    articles: int = 0
    pairs: int = 0
    left_out: int = 0
    texts_sha256: str = ""


def export(
    bitexts: Iterable[Bitext], formats: Sequence[str], base: Path, min_confidence: float = 0.0
) -> list[Path]:
    """Write each format to `base` plus its suffix; return the paths written.

    `bitexts` are gone through once a format, in their order. Pairs below `min_confidence`, and
    those with a blank side, which no tool takes, are left out of all formats but those of WHOLE.
    """
    return counted(bitexts, formats, base, min_confidence)[0]


def counted(
    bitexts: Iterable[Bitext], formats: Sequence[str], base: Path, min_confidence: float = 0.0
) -> tuple[list[Path], Counts]:
    """Write as `export` does, and say what went in."""
    writers = {name: EXPORTERS.get(name) for name in formats}
    kept = _Kept(bitexts, min_confidence)
    paths = [
        path
        for name, write in writers.items()
        for path in write(bitexts if name in WHOLE else kept, base)
    ]
    if WHOLE.issuperset(formats):  # nobody has counted yet
        for _ in kept:
            pass
    return paths, kept.counts


def digest(texts: Iterable[tuple[str, str]]) -> str:
    """Sum up which texts a corpus is made of: the id and name of each article, in order."""
    total = hashlib.sha256()
    for identity, name in texts:
        total.update(_named(identity, name))
    return total.hexdigest()


def _named(identity: str, name: str) -> bytes:
    return f"{identity} {name}\n".encode(errors="replace")


class _Kept:
    """The bitexts without the pairs that stay out of corpora, counted as they go by."""

    def __init__(self, bitexts: Iterable[Bitext], min_confidence: float) -> None:
        self._bitexts = bitexts
        self._min_confidence = min_confidence
        self.counts = Counts()

    def __iter__(self) -> Iterator[Bitext]:
        counts = self.counts = Counts()
        texts = hashlib.sha256()
        for bitext in self._bitexts:
            pairs = tuple(pair for pair in bitext.pairs if _wanted(pair, self._min_confidence))
            counts.articles += 1
            counts.pairs += len(pairs)
            counts.left_out += len(bitext.pairs) - len(pairs)
            texts.update(_named(bitext.article.id, bitext.article.name))
            yield replace(bitext, pairs=pairs)
        counts.texts_sha256 = texts.hexdigest()


def _wanted(pair: Pair, min_confidence: float) -> bool:
    both = line(pair.source) and line(pair.target)
    return bool(both) and pair.confidence >= min_confidence


def line(text: str) -> str:
    """Make a text one trimmed line of NFC that every reader takes."""
    return normalize("NFC", UNFIT.sub("", _BREAKS.sub(" ", text))).strip()
