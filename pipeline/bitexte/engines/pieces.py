"""Sentences as SentencePiece pieces, cut where the model's limit demands, and back."""

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any
from unicodedata import normalize

from bitexte.chars import UNFIT
from bitexte.errors import ModelError
from bitexte.records import Translation

EOS = "</s>"
# A loop or a runaway ends here; twice any source that a model takes is room enough.
TARGET_PER_SOURCE = 2

# Four pieces said more than three times are a loop, unless the source repeats itself as much.
LOOP_NGRAM = 4
LOOP_TIMES = 3

# How good a cut is after a word that ends so; after any other word it is 0.
_STRENGTH = {";": 3, ":": 2, ",": 1, "–": 1, "—": 1, "-": 1}
# Sentences of one length in a batch: fewer read the weights too often for too little, which short
# ones feel most; past it a batch of a small model outgrows the processor's caches.
ALIKE_SENTENCES = 32
_LANGUAGE = re.compile(r">>[^<>\s]+<<")


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The best target of one source: its pieces without end mark, their mean log-probability."""

    pieces: list[str]
    logprob: float


# Sources, and the length of the runs of pieces that no target may repeat (0: it may).
Generate = Callable[[list[list[str]], int], list[Hypothesis]]


class Pieces:
    """The two SentencePiece models and the vocabulary of a MarianMT folder.

    Agrees with transformers' MarianTokenizer piece for piece; `limit` is the number of source
    pieces, end mark included, that the model takes: the smaller of what its tokenizer allows and
    the positions that it has. `target_limit` is the longest target.
    """

    def __init__(self, folder: Path) -> None:
        from sentencepiece import SentencePieceProcessor

        try:
            source, target = (
                (folder / f"{side}.spm").read_bytes() for side in ("source", "target")
            )
            self.source = SentencePieceProcessor(model_proto=source)
            # Joint pieces are the same twice: loading them once halves the time.
            joint = source == target
            self.target = self.source if joint else SentencePieceProcessor(model_proto=target)
            self.vocabulary: dict[str, int] = _json(folder / "vocab.json")
        except (OSError, RuntimeError, ValueError) as error:
            raise ModelError(
                f"{folder}: cannot read the model's pieces: {error}", "fetch the model again"
            ) from error
        positions = int(_json(folder / "config.json").get("max_position_embeddings", 512))
        longest = _json(folder / "tokenizer_config.json").get("model_max_length") or positions
        self.limit = min(int(longest), positions)
        self.target_limit = min(TARGET_PER_SOURCE * self.limit, positions)

    def encode(self, text: str) -> list[str]:
        """Cut a text into source pieces, with the end mark."""
        code = _LANGUAGE.match(text)
        if code and code.group() in self.vocabulary:
            pieces = [code.group(), *self.source.encode(text[code.end() :], out_type=str)]
        else:
            pieces = self.source.encode(text, out_type=str)
        return [*pieces, EOS]

    def length(self, text: str) -> int:
        """Count the source pieces of a text, without the end mark."""
        return len(self.source.encode(text, out_type=int))

    def numbers(self, pieces: Sequence[str]) -> list[int]:
        """Return the numbers of pieces in the vocabulary."""
        unknown = self.vocabulary["<unk>"]
        return [self.vocabulary.get(piece, unknown) for piece in pieces]

    def decode(self, pieces: Sequence[str]) -> str:
        """Join target pieces into a text in NFC."""
        text: str = self.target.decode_pieces([piece for piece in pieces if piece != EOS])
        # Byte pieces can make controls, or U+FFFD where they make no character at all.
        return normalize("NFC", UNFIT.sub("", text.replace("▁", " "))).strip()

    def parts(self, text: str) -> list[str]:
        """Cut a text at clause boundaries into parts that the model takes.

        A text without a piece has no part: it is blank, or nothing in it is visible.
        """
        room = self.limit - 1  # the end mark
        total = self.length(text)
        if total <= room:
            return [text.strip()] if total else []
        words = [part for word in text.split() for part in self._short(word, room)]
        # Pieces never cross white space, so the counts of words add up.
        counts = [len(pieces) for pieces in self.source.encode(words, out_type=int)]
        parts, start = [], 0
        while start < len(words):
            # No word is without a piece: more than `room` words never fit.
            near = slice(start, start + room + 1)
            taken = _clauses(words[near], counts[near], room)
            parts.append(" ".join(words[start : start + taken]))
            start += taken
        return parts

    def _short(self, word: str, room: int) -> list[str]:
        """Halve a word that no model could take, such as a kilometre of base64, until it fits."""
        if len(word) == 1 or self.length(word) <= room:
            return [word]
        half = len(word) // 2
        return [*self._short(word[:half], room), *self._short(word[half:], room)]


def _clauses(words: list[str], counts: list[int], room: int) -> int:
    """Say how many words to take: up to the best clause boundary in the last two thirds."""
    totals = list(accumulate(counts))
    fitting = bisect_right(totals, room)
    if fitting == len(words):
        return fitting
    places = range(bisect_right(totals, room // 3), fitting)
    best = max(places, key=lambda place: (_STRENGTH.get(words[place][-1], 0), place), default=0)
    return best + 1


def translate(sentences: Sequence[str], pieces: Pieces, generate: Generate) -> list[Translation]:
    """Translate sentences with `generate`, part by part where one is longer than the limit.

    A target that goes round in circles is generated again with that forbidden.
    """
    cut = [pieces.parts(sentence) for sentence in sentences]
    sources = [pieces.encode(part) for parts in cut for part in parts]
    hypotheses = generate(sources, 0)
    looping = [
        place
        for place, (source, found) in enumerate(zip(sources, hypotheses, strict=True))
        if loops(source, found.pieces)
    ]
    again = generate([sources[place] for place in looping], LOOP_NGRAM) if looping else []
    for place, found in zip(looping, again, strict=True):
        hypotheses[place] = found
    ordered = iter(hypotheses)
    return [_rejoin([next(ordered) for _ in parts], pieces) for parts in cut]


def loops(source: Sequence[str], target: Sequence[str]) -> bool:
    """Tell a target that says the same four pieces over and over, when its source does not."""
    often = _most_repeated(target)
    return often > LOOP_TIMES and often > _most_repeated(source)


def _most_repeated(pieces: Sequence[str]) -> int:
    ngrams = zip(*(pieces[start:] for start in range(LOOP_NGRAM)), strict=False)
    return max(Counter(ngrams).values(), default=0)


def _rejoin(parts: list[Hypothesis], pieces: Pieces) -> Translation:
    tokens = [len(part.pieces) + 1 for part in parts]
    total = sum(tokens)
    weighted = sum(part.logprob * count for part, count in zip(parts, tokens, strict=True))
    return Translation(
        text=" ".join(filter(None, (pieces.decode(part.pieces) for part in parts))),
        logprob=weighted / total if total else 0.0,
        tokens=total,
    )


def batches(sources: Sequence[Sequence[str]], batch_tokens: int) -> list[list[int]]:
    """Group sources of like length, longest first, so that no padded batch passes `batch_tokens`.

    Returns their positions. A source longer than `batch_tokens` gets a batch of its own.
    """
    order = sorted(range(len(sources)), key=lambda place: -len(sources[place]))
    groups: list[list[int]] = []
    for place in order:
        if groups and len(sources[groups[-1][0]]) * (len(groups[-1]) + 1) <= batch_tokens:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def alike(sources: Sequence[Sequence[str]], batch_tokens: int) -> list[list[int]]:
    """Group sources of the same length, longest first, at most `batch_tokens` a group.

    Returns their positions. Such batches need no padding, and none is large.
    """
    lengths: dict[int, list[int]] = {}
    for place, source in enumerate(sources):
        lengths.setdefault(len(source), []).append(place)
    groups: list[list[int]] = []
    for length, places in sorted(lengths.items(), reverse=True):
        room = max(1, min(ALIKE_SENTENCES, batch_tokens // max(1, length)))
        groups += [places[start : start + room] for start in range(0, len(places), room)]
    return groups


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.exists() else {}
