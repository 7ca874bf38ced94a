"""Make the table of word translations that word alignment reads.

    python models/recipe/wordtable.py fr-en.words.npz part-*.tsv.zst

Cuts a corpus into words as bitexte does, links them with eflomal both ways, and keeps how much
oftener than chance two words are linked. A link counts where both ways agree on it. What is stored
and why: bitexte/stages/lexicon.py. 35 minutes of one core for 2.39 million pairs, most of
them eflomal's; 4 minutes for 700,000 (`--most`).

eflomal (GPL-3) is used as a command when the table is made, and is no dependency of bitexte.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bitexte.stages import lexicon
from bitexte.stages.tokens import words
from links import find_eflomal

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Table: TypeAlias = dict[str, NDArray[np.generic]]

# A word needs so many occurrences, and a pair of words so many links, to be kept.
MIN_WORD, MIN_LINKS = 3, 1.0
MAX_WORDS = 60_000
BITS = 16  # a word's number fits; a pair of them is one integer


def pairs(parts: Iterable[Path]) -> Iterator[tuple[list[str], list[str]]]:
    """Read the pairs of a corpus as the keys of their words."""
    for part in parts:
        for line in lines(part):
            source, target, *_ = line.rstrip("\n").split("\t")
            both = keys(source, "fr"), keys(target, "en")
            if all(both):
                yield both


def lines(part: Path) -> Iterator[str]:
    """Read the lines of a file, compressed with zstd or not."""
    with part.open("rb") as raw:
        if part.suffix != ".zst":
            yield from io.TextIOWrapper(raw, "utf-8", newline="\n")
            return
        import zstandard

        stream = zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(raw)
        yield from io.TextIOWrapper(stream, "utf-8", newline="\n")


def keys(text: str, lang: str) -> list[str]:
    """Cut a text into the keys of its words; eflomal counts words by spaces, so they hold none."""
    found = (lexicon.key(text[start:end]) for start, end in words(text, lang))
    return ["".join(key.split()) for key in found]


def link(corpus: Iterable[tuple[list[str], list[str]]], folder: Path) -> None:
    """Write a corpus to a folder as source, target, and eflomal's links both ways."""
    with (
        (folder / "source").open("w", encoding="utf-8") as left,
        (folder / "target").open("w", encoding="utf-8") as right,
    ):
        for source, target in corpus:
            left.write(" ".join(source) + "\n")
            right.write(" ".join(target) + "\n")
    rounds = ["-m", "3", "-1", "2", "-2", "1", "-3", "4", "--n-samplers", "1", "--overwrite"]
    files = {"-s": "source", "-t": "target", "-f": "forward", "-r": "backward"}
    named = [part for flag, name in files.items() for part in (flag, str(folder / name))]
    done = subprocess.run(
        [find_eflomal(), *named, *rounds], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise SystemExit(f"eflomal-align failed ({done.returncode}): {done.stderr[-500:]}")


def count(folder: Path) -> Table:
    """Count the words and agreed links of a folder and pack them as a table."""
    names, totals, flat, offsets = [], [], [], []
    for side in ("source", "target"):
        counted: Counter[str] = Counter()
        with (folder / side).open(encoding="utf-8") as file:
            for line in file:
                counted.update(line.split())
        names.append([w for w, n in counted.most_common(MAX_WORDS) if n >= MIN_WORD])
        totals.append(np.array([counted[word] for word in names[-1]], float))
        numbers, starts = _numbered(folder / side, names[-1])
        flat.append(numbers)
        offsets.append(starts)
    agreed = np.intersect1d(
        _links(folder / "forward", offsets), _links(folder / "backward", offsets)
    )
    rows, columns = flat[0][agreed >> 32], flat[1][agreed & 0xFFFFFFFF]
    return pack(names, totals, rows, columns)


def _numbered(path: Path, names: Sequence[str]) -> tuple[Ints, Ints]:
    """Return all words of a file by number, one past the last for rare ones, and line starts."""
    known = {name: number for number, name in enumerate(names)}
    numbers, lengths = [], [0]
    with path.open(encoding="utf-8") as file:
        for line in file:
            found = [known.get(word, len(names)) for word in line.split()]
            numbers.append(np.array(found, np.int32))
            lengths.append(len(found))
    return np.concatenate(numbers).astype(np.int64), np.cumsum(lengths)


def _links(path: Path, offsets: Sequence[Ints]) -> Ints:
    """Return links by the places of their words in the corpus, source · 2^32 + target, sorted."""
    text = path.read_text("utf-8")
    counts = [line.count("-") for line in text.splitlines()]
    places = np.fromstring(text.replace("-", " "), np.int64, sep=" ").reshape(-1, 2)
    line = np.repeat(np.arange(len(counts)), counts)
    return np.sort((offsets[0][line] + places[:, 0]) << 32 | (offsets[1][line] + places[:, 1]))


def pack(
    names: Sequence[Sequence[str]], totals: Sequence[Floats], rows: Ints, columns: Ints
) -> Table:
    """Make a table: names and occurrences of each side's words, and the two words of each link."""
    linked = [
        np.bincount(side, minlength=len(name) + 1).astype(float)
        for side, name in zip((rows, columns), names, strict=True)
    ]
    known = (rows < len(names[0])) & (columns < len(names[1]))
    codes, times = np.unique((rows << BITS | columns)[known], return_counts=True)
    kept = times >= MIN_LINKS
    codes, times = codes[kept], times[kept]
    source, target = codes >> BITS, codes & ((1 << BITS) - 1)
    lift = np.log(times * len(rows) / (linked[0][source] * linked[1][target]))
    kept = lift > lexicon.LOWEST
    table: Table = {
        "pairs": np.bincount(source[kept], minlength=len(names[0])).astype(np.uint16),
        "partners": target[kept].astype(np.uint16),
        "lift": _levels((lift[kept] - lexicon.LOWEST) * lexicon.LEVELS),
    }
    for side, name, total, times_linked in zip(
        ("source", "target"), names, totals, linked, strict=True
    ):
        table[side] = np.frombuffer("\n".join(name).encode(), np.uint8)
        share = np.maximum(times_linked[:-1], 0.5) / len(rows)
        table[f"share_{side}"] = _levels(-np.log(share) * lexicon.SHARE_LEVELS)
        table[f"alone_{side}"] = _levels((1 - times_linked[:-1] / total) * lexicon.ALONE_LEVELS)
    return table


def _levels(numbers: Floats) -> NDArray[np.uint8]:
    return np.clip(np.round(numbers), 0, 255).astype(np.uint8)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make a table from the parts named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="the table to write, fr-en.words.npz")
    parser.add_argument("parts", type=Path, nargs="+", help="lines of fr, en, source; or .zst")
    parser.add_argument("--most", type=int, help="read so many pairs and no more")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        link(islice(pairs(options.parts), options.most), folder)
        print(f"linked, {time.monotonic() - start:.0f} s", flush=True)
        table = count(folder)
    with options.out.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **table)
    print(
        f"{len(table['lift'])} pairs of words, {options.out.stat().st_size} bytes,"
        f" {time.monotonic() - start:.0f} s"
    )


if __name__ == "__main__":
    main()
