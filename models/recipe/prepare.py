"""Turn corpus parts into training data: sample, vary, train pieces, tokenise, link words.

    python models/recipe/prepare.py DATA --parts part-*.tsv.zst --extend OLD/source.spm --links

DATA then holds pairs/ (a `datasets` folder to look at), joint.model (SentencePiece), the arrays of
corpus.py and prepared.json. The same parts, seed and data.toml give the same files, but for the
links: eflomal samples.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import re
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import sentencepiece
import zstandard
from datasets import Dataset
from sentencepiece import sentencepiece_model_pb2 as spm_pb2

from augment import MARKS, Lines, Rates, Words, join, read_words, vary
from corpus import Corpus, flatten
from links import add_links

HERE = Path(__file__).parent
#: Sentences joined in one line stay shorter than this many French characters.
JOINED_CHARS = 300
#: What counts for `cover`: French words in small letters; names are copied, not learned.
WORD = re.compile(r"\b[a-zß-öø-ÿœ]{3,}\b")
#: A word met less often than this in a source may be a typing error.
LEAST_MET = 5


class Pair(NamedTuple):
    """A French line, its English translation, and the source of both."""

    fr: str
    en: str
    source: str


@dataclass(frozen=True)
class Source:
    """One [[source]] of data.toml."""

    name: str
    origin: str
    licence: str
    label: str
    pairs: int
    quality: str
    weights: dict[str, float]
    cover: dict[str, int] = field(default_factory=dict)
    min_chars: int = 1
    max_chars: int = 10_000
    short_chars: int = 0
    short_share: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """data.toml and names.toml, read."""

    sources: dict[str, Source]
    rates: Rates
    words: Words

    @classmethod
    def load(cls, folder: Path = HERE) -> Recipe:
        """Read both files; an unknown key is an error, and so is a mix that some sources lack."""
        path = folder / "data.toml"
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        sources = [Source(**entry) for entry in table.pop("source")]
        rates = Rates(**table.pop("augment"))
        if table:
            raise ValueError(f"{path}: unknown table {sorted(table)}")
        mixes = sources[0].weights.keys()
        for source in sources:
            if source.weights.keys() != mixes or not source.cover.keys() <= mixes:
                raise ValueError(f"{path}: the mixes of {source.name} are not {', '.join(mixes)}")
        return cls({s.name: s for s in sources}, rates, read_words(folder / "names.toml"))


def read_pairs(parts: Iterable[Path]) -> Iterator[Pair]:
    """Read pairs of .tsv or .tsv.zst files; a line without three fields is an error."""
    for part in parts:
        with part.open("rb") as file:
            raw: Any = file
            if part.suffix == ".zst":
                # The parts were packed with --long=27, a window of 128 MiB.
                raw = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file)
            # newline="\n": no other line end may split a pair.
            with io.TextIOWrapper(raw, "utf-8", newline="\n") as text:
                yield from _read_lines(part, text)


def _read_lines(part: Path, text: Iterable[str]) -> Iterator[Pair]:
    for number, line in enumerate(text, start=1):
        fields = line.rstrip("\n").split("\t")
        if len(fields) != 3:
            raise SystemExit(f"{part}:{number}: {len(fields)} fields, not 3")
        yield Pair(*fields)


def fits(pair: Pair, source: Source, rng: Random) -> bool:
    """Tell whether a pair's length is wanted; of the short ones, by chance."""
    if not source.min_chars <= len(pair.fr) <= source.max_chars:
        return False
    return len(pair.fr) >= source.short_chars or rng.random() < source.short_share


def copies(weight: float, rng: Random) -> int:
    """Choose how often a pair is used: its weight on average."""
    whole = math.floor(weight)
    return whole + (rng.random() < weight - whole)


def sample(pairs: Iterable[Pair], recipe: Recipe, mix: str, rng: Random) -> list[Pair]:
    """Draw the pairs of a mix, shuffled. A source that data.toml does not know is an error."""
    if any(mix not in source.weights for source in recipe.sources.values()):
        raise SystemExit(f"mix {mix!r} is not in data.toml")
    drawn: list[Pair] = []
    left: dict[str, list[Pair]] = {}
    for pair in pairs:
        if pair.source not in recipe.sources:
            raise SystemExit(f"source {pair.source!r} is not in data.toml")
        source = recipe.sources[pair.source]
        if not fits(pair, source, rng):
            continue
        times = copies(source.weights[mix], rng)
        drawn += [pair] * times
        if mix in source.cover and not times:
            left.setdefault(pair.source, []).append(pair)
    for name, rest in left.items():
        drawn += cover(rest, drawn, recipe.sources[name].cover[mix], rng)
    rng.shuffle(drawn)
    return drawn


def cover(rest: list[Pair], drawn: Iterable[Pair], times: int, rng: Random) -> list[Pair]:
    """Choose more pairs for their rare words, in one pass over `rest` in random order.

    A pair is taken when one of its French words is in fewer than `times` of the pairs taken so
    far: the one-pass, unweighted form of feature decay (Biçici & Yuret 2011, WMT).
    """
    met = Counter(word for pair in rest for word in WORD.findall(pair.fr))
    taught = Counter(word for pair in drawn for word in set(WORD.findall(pair.fr)))
    rng.shuffle(rest)
    chosen = []
    for pair in rest:
        words = set(WORD.findall(pair.fr))
        if any(taught[word] < times and met[word] >= LEAST_MET for word in words):
            taught.update(words)
            chosen.append(pair)
    return chosen


def greetings(words: Words) -> Iterator[Pair]:
    """Give the one-liners of names.toml."""
    return (Pair(fr, en, "greetings") for fr, en in words.short)


def augment(pairs: Iterable[Pair], recipe: Recipe, rng: Random) -> Iterator[Pair]:
    """Vary every pair, and join some with the one or two of their source that came before."""
    before: dict[str, Lines] = {}
    for pair in pairs:
        lines = vary(pair.fr, pair.en, rng, recipe.rates, recipe.words)
        if rng.random() < recipe.rates.joined and joinable(before.get(pair.source), lines):
            joined = join(before[pair.source], lines)
            yield Pair(*joined, pair.source)
            # A third go on to a third sentence.
            before[pair.source] = joined if rng.random() < recipe.rates.joined * 10 else lines
        else:
            yield Pair(*lines, pair.source)
            before[pair.source] = lines


def joinable(first: Lines | None, second: Lines) -> bool:
    """Tell whether two varied lines are whole sentences and short enough for one line."""
    if first is None or len(first[0]) + len(second[0]) >= JOINED_CHARS:
        return False
    return all(line.endswith((".", "!", "?")) for line in (*first, *second))


def train_pieces(pairs: Dataset, size: int, out: Path, threads: int) -> None:
    """Train one unigram model for both languages: byte fallback, single digits, marks whole."""
    texts = (text for row in pairs for text in (row["fr"], row["en"]))
    # Else its shuffling, and so the model, would differ from run to run.
    sentencepiece.set_random_generator_seed(1)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=texts,
        model_writer=model,
        vocab_size=size,
        model_type="unigram",
        character_coverage=0.9998,
        byte_fallback=True,
        split_digits=True,
        user_defined_symbols=list(MARKS),
        input_sentence_size=1_500_000,
        shuffle_input_sentence=True,
        num_threads=threads,
        normalization_rule_name="nmt_nfkc",
        eos_id=0,
        unk_id=1,
        pad_id=-1,
        bos_id=-1,
        minloglevel=2,
    )
    out.write_bytes(model.getvalue())


def extend_pieces(model: Path, out: Path) -> None:
    """Add the marks that a SentencePiece model lacks, as user-defined pieces at its end.

    The other pieces keep their numbers, so weights trained with the model go on being right.
    """
    proto = spm_pb2.ModelProto()
    proto.ParseFromString(model.read_bytes())
    known = {piece.piece for piece in proto.pieces}
    for mark in MARKS:
        if mark not in known:
            kind = spm_pb2.ModelProto.SentencePiece.USER_DEFINED
            proto.pieces.add(piece=mark, score=0.0, type=kind)
    proto.trainer_spec.vocab_size = len(proto.pieces)
    out.write_bytes(proto.SerializeToString())


def tokenise(pairs: Dataset, model: Path, longest: int, threads: int) -> Corpus:
    """Cut the pairs into pieces and </s>; empty ones and any over `longest` pieces are left out."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    encode = partial(processor.encode, num_threads=threads, add_eos=True)
    sides: tuple[list[list[int]], list[list[int]]] = ([], [])
    for rows in pairs.iter(batch_size=50_000):
        for fr, en in zip(encode(rows["fr"]), encode(rows["en"]), strict=True):
            if 1 < len(fr) <= longest + 1 and 1 < len(en) <= longest + 1:
                sides[0].append(fr)
                sides[1].append(en)
    src, tgt = (flatten(side, np.uint16).astype(np.uint16) for side in sides)
    src_len, tgt_len = (np.array([len(s) for s in side], np.int32) for side in sides)
    return Corpus(src, tgt, src_len, tgt_len)


def make_pairs(flags: argparse.Namespace, recipe: Recipe) -> Dataset:
    """Sample and vary the pairs of the parts and keep them in DATA/pairs."""
    rng = Random(flags.seed)
    every = [*read_pairs(flags.parts), *greetings(recipe.words)]
    drawn = sample(every, recipe, flags.mix, rng)
    del every  # 2.4 M pairs are over 1 GB
    varied = list(augment(drawn[: flags.limit or None], recipe, rng))
    columns = dict(zip(Pair._fields, map(list, zip(*varied, strict=True)), strict=True))
    pairs = Dataset.from_dict(columns)
    pairs.save_to_disk(flags.data / "pairs")
    return pairs


def make_pieces(flags: argparse.Namespace, pairs: Dataset) -> Path:
    """Extend the model given, or train one; either is DATA/joint.model."""
    model: Path = flags.data / "joint.model"
    if flags.extend:
        extend_pieces(flags.extend, model)
    else:
        train_pieces(pairs, flags.pieces, model, flags.threads)
    return model


def prepare(flags: argparse.Namespace) -> dict[str, Any]:
    """Run every step and return what prepared.json keeps."""
    clock = {"start": time.monotonic()}
    flags.data.mkdir(parents=True, exist_ok=True)
    pairs = make_pairs(flags, Recipe.load(flags.recipe))
    clock["pairs"] = time.monotonic()
    model = make_pieces(flags, pairs)
    clock["pieces"] = time.monotonic()
    corpus = tokenise(pairs, model, flags.longest, flags.threads)
    corpus.save(flags.data)
    clock["arrays"] = time.monotonic()
    linked = add_links(flags.data) if flags.links else None
    clock["links"] = time.monotonic()
    return {
        "arguments": {k: _plain(v) for k, v in vars(flags).items()},
        "pairs": len(corpus.src_len),
        "sources": dict(Counter(pairs["source"]).most_common()),
        "pieces": {"src": len(corpus.src), "tgt": len(corpus.tgt)},
        "linked": linked,
        "seconds": {b: round(clock[b] - clock[a]) for a, b in pairwise(clock)},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare a folder and say what is in it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("data", type=Path, help="folder to write")
    add("--parts", type=Path, nargs="+", required=True, help=".tsv or .tsv.zst files")
    add("--mix", default="stretch", help="weights of data.toml: stretch, whole, news")
    add("--seed", type=int, default=11)
    add("--pieces", type=int, default=16_000, help="size of the joint vocabulary to train")
    add("--extend", type=Path, help="SentencePiece model to add the marks to instead")
    add("--longest", type=int, default=126, help="pieces a side, without </s>")
    add("--links", action="store_true", help="link words with eflomal for the guided head")
    add("--limit", type=int, default=0, help="pairs to keep, for a try; 0: all")
    add("--threads", type=int, default=2)
    add("--recipe", type=Path, default=HERE, help="folder of data.toml and names.toml")
    flags = parser.parse_args(arguments)
    report = prepare(flags)
    text = json.dumps(report, ensure_ascii=False, indent=1)
    (flags.data / "prepared.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
