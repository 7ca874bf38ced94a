"""The prepared pairs as flat arrays on disk, and batches of them as padded tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: Fill of `Batch.words` and value of no link: they never meet.
NO_WORD, NO_LINK = -2, -1


@dataclass(frozen=True)
class Corpus:
    """Pairs of pieces, one after the other, each sentence ending with </s>.

    src, tgt: piece ids, uint16 [sum of lengths]; src_len, tgt_len: int32 [pairs].
    words: the word that each source piece belongs to, int16 like src, -1 for </s>.
    links: the source word that each target piece translates, int16 like tgt, -1 for none.
    """

    src: NDArray[np.uint16]
    tgt: NDArray[np.uint16]
    src_len: NDArray[np.int32]
    tgt_len: NDArray[np.int32]
    words: NDArray[np.int16] | None = None
    links: NDArray[np.int16] | None = None

    def save(self, folder: Path) -> None:
        """Write one .npy file per array that is there."""
        for name, array in vars(self).items():
            if array is not None:
                np.save(folder / f"{name}.npy", array)

    @classmethod
    def load(cls, folder: Path, linked: bool) -> Corpus:
        """Read the arrays; `linked` needs those of `prepare.py --links`."""
        names = ["src", "tgt", "src_len", "tgt_len", *(["words", "links"] if linked else [])]
        absent = [n for n in names if not (folder / f"{n}.npy").exists()]
        if absent:
            hint = "run prepare.py --links, or train with --guide 0" if "links" in absent else ""
            raise SystemExit(f"{folder}: {', '.join(absent)} missing. {hint}")
        return cls(**{name: np.load(folder / f"{name}.npy") for name in names})


def flatten(sentences: Sequence[Sequence[int]], dtype: type) -> NDArray[np.generic]:
    """Write sentences one after the other."""
    total = sum(map(len, sentences))
    return np.fromiter(chain.from_iterable(sentences), dtype=dtype, count=total)


def split(flat: NDArray[np.generic], lengths: NDArray[np.int32]) -> Iterator[list[int]]:
    """Give back the sentences of a flat array."""
    ends = np.cumsum(lengths, dtype=np.int64)
    for start, end in zip(ends - lengths, ends, strict=True):
        yield flat[start:end].tolist()


def epoch_batches(
    src_len: NDArray[np.int32],
    tgt_len: NDArray[np.int32],
    seed: tuple[int, int],
    tokens: int,
    lengths: tuple[int, int],
    bucket: int = 100_000,
) -> list[NDArray[np.int64]]:
    """Batch all pairs within `lengths` (pieces, inclusive) once, in an order given by the seed.

    A batch holds pairs of like length, at most `tokens` padded pieces a side. Pairs are sorted
    within buckets only, so that batches differ from epoch to epoch.
    """
    rng = np.random.default_rng(seed)
    longer = np.maximum(src_len, tgt_len)
    order = rng.permutation(len(src_len))
    order = order[(longer[order] <= lengths[1]) & (tgt_len[order] >= lengths[0])]
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), bucket):
        part = order[start : start + bucket]
        part = part[np.lexsort((src_len[part], tgt_len[part]))]
        batches += _cut(part, longer[part].tolist(), tokens)
    shuffled = rng.permutation(len(batches))
    return [batches[i] for i in shuffled]


def _cut(part: NDArray[np.int64], lengths: list[int], tokens: int) -> list[NDArray[np.int64]]:
    batches, first, longest = [], 0, 0
    for i, length in enumerate(lengths):
        longest = max(longest, length)
        if longest * (i - first + 1) > tokens and i > first:
            batches.append(part[first:i])
            first, longest = i, length
    return [*batches, part[first:]] if len(part) else batches


@dataclass(frozen=True)
class Batch:
    """Padded tensors of one batch: B pairs, S source and T target pieces.

    source [B, S], mask [B, S] (1 where a piece is), target [B, T] (pad at the end), shifted [B, T]
    (the decoder's input: pad first), words [B, S], links [B, T]; tokens: real target pieces.
    """

    source: Tensor
    mask: Tensor
    target: Tensor
    shifted: Tensor
    words: Tensor | None = None
    links: Tensor | None = None
    tokens: int = 0

    def __len__(self) -> int:
        return len(self.source)


class Gatherer:
    """The corpus on a device, where batches are gathered without Python loops."""

    def __init__(self, corpus: Corpus, pad: int, device: torch.device) -> None:
        self.pad, self.device = pad, device
        self.tgt_len = corpus.tgt_len
        # On a GPU, lengths in steps of 8 keep the matrix units busy and shapes few.
        self.step = 8 if device.type == "cuda" else 1
        self.flat = {
            name: torch.from_numpy(array.astype(np.int32)).to(device)
            for name, array in vars(corpus).items()
            if array is not None and not name.endswith("_len")
        }
        self.length = {"src": self._on(corpus.src_len), "tgt": self._on(corpus.tgt_len)}
        self.start = {side: n.cumsum(0) - n for side, n in self.length.items()}

    def _on(self, lengths: NDArray[np.int32]) -> Tensor:
        return torch.from_numpy(lengths.astype(np.int64)).to(self.device)

    def rows(self, name: str, side: str, index: Tensor, fill: int) -> Tensor:
        """Gather the sentences `index` of an array that is laid out like `side`, padded."""
        length = self.length[side][index]
        width = -(-int(length.max()) // self.step) * self.step
        column = torch.arange(width, device=self.device)
        flat = self.flat[name]
        at = (self.start[side][index, None] + column).clamp(max=len(flat) - 1)
        return torch.where(column < length[:, None], flat[at].long(), fill)

    def batch(self, pairs: NDArray[np.int64]) -> Batch:
        """Gather the pairs of these numbers."""
        index = torch.from_numpy(pairs).to(self.device)
        source = self.rows("src", "src", index, self.pad)
        target = self.rows("tgt", "tgt", index, self.pad)
        shifted = torch.nn.functional.pad(target[:, :-1], (1, 0), value=self.pad)
        linked = "links" in self.flat
        return Batch(
            source,
            (source != self.pad).long(),
            target,
            shifted,
            words=self.rows("words", "src", index, NO_WORD) if linked else None,
            links=self.rows("links", "tgt", index, NO_LINK) if linked else None,
            tokens=int(self.tgt_len[pairs].sum()),
        )
