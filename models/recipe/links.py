"""Link the words of prepared pairs with eflomal, for the guided attention head.

    python models/recipe/links.py DATA      # adds words.npy and links.npy to a prepared folder

eflomal (GPL-3) is used at training time only, as a command, and is no dependency of bitexte.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from corpus import NO_LINK, Corpus, flatten, split

Words = tuple[list[int], list[str]]


@dataclass(frozen=True)
class Cutter:
    """Puts pieces together to words: letters and digits, or punctuation."""

    starts: list[bool]
    marks: list[bool]
    text: list[str]

    @classmethod
    def load(cls, model: Path) -> Cutter:
        """Read the pieces of a SentencePiece model."""
        processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
        pieces = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
        text = [piece.lstrip("▁").lower() for piece in pieces]
        marks = [not any(c.isalnum() for c in t) for t in text]
        return cls([piece.startswith("▁") for piece in pieces], marks, text)

    def words(self, pieces: Iterable[int]) -> Words:
        """Give the word of each piece by number (-1: </s>, id 0) and the words in lower case."""
        numbers: list[int] = []
        words: list[str] = []
        mark = True
        for piece in pieces:
            if piece == 0:
                numbers.append(-1)
                continue
            if not words or self.starts[piece] or self.marks[piece] != mark:
                words.append("")
            mark = self.marks[piece]
            words[-1] += self.text[piece]
            numbers.append(len(words) - 1)
        return numbers, words


def find_eflomal() -> str:
    """Find the command, on the path or beside this Python; absent, say how to get it."""
    beside = Path(sys.executable).parent / "eflomal-align"
    command = shutil.which("eflomal-align") or (str(beside) if beside.exists() else None)
    if command is None:
        raise SystemExit("eflomal-align is not installed: pip install eflomal (GPL, training only)")
    return command


def align(command: str, source: Path, target: Path, out: Path) -> None:
    """Align two files of words, line by line, source to target; three samplings rounds, quick."""
    rounds = ["-m", "3", "-1", "2", "-2", "1", "-3", "4", "--n-samplers", "1"]
    call = [command, "-s", str(source), "-t", str(target), "-f", str(out), "--overwrite", *rounds]
    done = subprocess.run(call, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"eflomal-align failed ({done.returncode}): {done.stderr[-500:]}")


def read_links(line: str, numbers: Sequence[int]) -> list[int]:
    """Turn a line of "source-target" word links into the linked source word of each piece."""
    linked: dict[int, int] = {}
    for link in line.split():
        source, target = link.split("-")
        linked[int(target)] = int(source)
    return [linked.get(number, NO_LINK) for number in numbers]


def write_words(
    cutter: Cutter, flat: NDArray[np.uint16], lengths: NDArray[np.int32], path: Path
) -> list[list[int]]:
    """Write a side's words for eflomal and return the word of each piece, by sentence."""
    numbers = []
    with path.open("w", encoding="utf-8") as file:
        for sentence in split(flat, lengths):
            number, words = cutter.words(sentence)
            # A lone ▁ has no text, and eflomal counts words by spaces.
            file.write(" ".join(word or "_" for word in words) + "\n")
            numbers.append(number)
    return numbers


def link(corpus: Corpus, model: Path) -> Corpus:
    """Add words and links to a corpus. eflomal samples: links differ a little from run to run."""
    command, cutter = find_eflomal(), Cutter.load(model)
    with tempfile.TemporaryDirectory() as folder:
        source, target, out = (Path(folder) / name for name in ("source", "target", "links"))
        words = write_words(cutter, corpus.src, corpus.src_len, source)
        numbers = write_words(cutter, corpus.tgt, corpus.tgt_len, target)
        align(command, source, target, out)
        with out.open(encoding="utf-8") as lines:
            links = [read_links(line, n) for line, n in zip(lines, numbers, strict=True)]
    return replace(
        corpus,
        words=flatten(words, np.int16).astype(np.int16),
        links=flatten(links, np.int16).astype(np.int16),
    )


def add_links(folder: Path) -> float:
    """Link a prepared folder and return the share of target pieces with a link."""
    linked = link(Corpus.load(folder, linked=False), folder / "joint.model")
    linked.save(folder)
    assert linked.links is not None
    return float((linked.links != NO_LINK).mean())


def main(arguments: Sequence[str] | None = None) -> None:
    """Link the folder named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder that prepare.py wrote")
    folder = parser.parse_args(arguments).data
    start = time.monotonic()
    share = add_links(folder)
    print(f"{share:.1%} of target pieces linked, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
