"""Fixtures: a tiny MarianMT model, a small bitext, a command line to run."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bitexte import Article, Bitext, Pair

ROOT = Path(__file__).resolve().parents[1]
DISPATCH = ROOT / "seeds" / "dispatch.txt"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep converted models and hub files of the tests out of the user's cache."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setenv("HF_HOME", str(cache / "hub"))
        patch.setenv("SOURCE_DATE_EPOCH", "1594900800")  # 16 July 2020, noon
        yield


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a MarianMT folder of some 300 kB: real pieces, random weights."""
    folder = tmp_path_factory.mktemp("tiny") / "tiny-fr-en"
    folder.mkdir()
    _pieces(folder)
    _weights(folder)
    return folder


def _pieces(folder: Path) -> None:
    import sentencepiece

    text = DISPATCH.read_text("utf-8")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text.replace(". ", ".\n").splitlines()),
        model_writer=model,
        vocab_size=420,
        byte_fallback=True,
        split_digits=True,
        eos_id=0,
        unk_id=1,
        bos_id=-1,
        pad_id=-1,
        minloglevel=2,
    )
    for side in ("source.spm", "target.spm"):
        (folder / side).write_bytes(model.getvalue())
    loaded = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [loaded.id_to_piece(number) for number in range(loaded.get_piece_size())]
    vocabulary = {piece: number for number, piece in enumerate([*pieces, "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")


def _weights(folder: Path) -> None:
    import torch
    from transformers import GenerationConfig, MarianConfig, MarianMTModel

    pad = len(json.loads((folder / "vocab.json").read_text("utf-8"))) - 1
    torch.manual_seed(3)
    model = MarianMTModel(
        MarianConfig(
            vocab_size=pad + 1,
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            max_position_embeddings=64,
            pad_token_id=pad,
            eos_token_id=0,
            bos_token_id=0,
            decoder_start_token_id=pad,
            forced_eos_token_id=0,
            scale_embedding=True,
        )
    )
    with torch.no_grad():
        model.model.shared.weight[pad] = 0  # where CTranslate2 starts from, too
    _taught(model, folder)
    model.generation_config = GenerationConfig(
        decoder_start_token_id=pad,
        pad_token_id=pad,
        eos_token_id=0,
        forced_eos_token_id=0,
        bad_words_ids=[[pad]],
    )
    model.save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "MarianTokenizer", "model_max_length": 64}), "utf-8"
    )


def _taught(model: Any, folder: Path) -> None:
    """Teach the model a little of repeating the dispatch, so that it ends its sentences.

    Random weights see near ties everywhere, where two runtimes part for nothing.
    """
    import torch

    from bitexte.engines.pieces import Pieces

    pieces = Pieces(folder)
    words = DISPATCH.read_text("utf-8").split()
    phrases = [" ".join(words[start : start + 2 + start % 7]) for start in range(0, len(words), 4)]
    ids = [[pieces.vocabulary.get(p, 1) for p in pieces.encode(phrase)] for phrase in phrases]
    width, pad = max(map(len, ids)), model.config.pad_token_id
    rows = torch.tensor([row + [pad] * (width - len(row)) for row in ids])
    started = torch.cat([torch.full((len(rows), 1), pad), rows[:, :-1]], 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    shared = model.model.shared.weight
    for _ in range(80):
        out = model(input_ids=rows, attention_mask=(rows != pad).long(), decoder_input_ids=started)
        loss = torch.nn.functional.cross_entropy(
            out.logits[..., :pad].flatten(0, 1), rows.flatten(), ignore_index=pad
        )
        optimiser.zero_grad()
        loss.backward()
        shared.grad[pad] = 0
        optimiser.step()


@pytest.fixture
def bitext() -> Bitext:
    """Make an article of three sentences with what formats stumble over, and a credit."""
    sources = (
        "« Prix : 12\u202f000 € », a-t-il dit.",
        "R&D <b>: l'été à « Saint-Ouen » !",
        "Deux lignes\nd'une phrase \U0001f642.",
    )
    targets = (
        '"Price: €12,000," he said.',
        "R&D <b>: summer in Saint-Ouen!",
        "Two lines \U0001f642.",
    )
    text = " ".join(sources) + " (Belga)"
    article = Article(id="0123456789abcdef", name="a&b.txt", text=text, meta={"agency": "Belga"})
    pairs = []
    for index, (source, target) in enumerate(zip(sources, targets, strict=True)):
        start = text.index(source)
        pairs.append(
            Pair(
                id=f"{article.id}:{index:04d}",
                article_id=article.id,
                source=source,
                target=target,
                start=start,
                end=start + len(source),
                logprob=-0.25,
                confidence=0.7788,
                flags=("length",) if index == 2 else (),
            )
        )
    return Bitext(
        article=article, pairs=tuple(pairs), signature="engine:identity|seg:fr2|bitexte:0.1.0"
    )


def written(name: str, *formats: str) -> str:
    """Say what a run prints: the paths of its exports, then its manifest."""
    return "".join(f"exports/{name}.{suffix}\n" for suffix in (*formats, "manifest.json"))


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Done]:
    """Run a command line in this process, in an empty folder."""
    from bitexte.cli import main

    monkeypatch.chdir(tmp_path)

    def run(*args: str, stdin: bytes = b"") -> Done:
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = main(list(args))
            out.flush()
            err.flush()
        return Done(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))  # type: ignore[attr-defined]

    return run
