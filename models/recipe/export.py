"""Write checkpoints as a MarianMT folder that transformers, CTranslate2 and bitexte load.

    python models/recipe/export.py RUN/last.pt --pieces DATA/joint.model --out models/fr-en
    python models/recipe/export.py RUN/weights-*.safetensors --pieces DATA/joint.model --out FOLDER

Several checkpoints are averaged. RUN/config.json tells the network's shape.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import sentencepiece
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import MarianConfig

from network import fresh, generation, load_weights

Weights = dict[str, Tensor]


def read_checkpoint(path: Path, which: str) -> Weights:
    """Read the trained weights, `ema` or `raw`; a .safetensors file holds one kind."""
    if path.suffix == ".safetensors":
        return load_file(path)
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    weights: Weights = checkpoint["ema" if which == "ema" else "weights"]
    return weights


def average(checkpoints: Sequence[Weights]) -> Weights:
    """Average checkpoints of one run, tensor by tensor, in float32."""
    first = checkpoints[0]
    return {k: torch.stack([c[k].float() for c in checkpoints]).mean(0) for k in first}


def write_folder(weights: Weights, config: MarianConfig, pieces: Path, out: Path) -> int:
    """Write the MarianMT folder and return its size in bytes.

    Weights become float16 and the <pad> row zero. A CARD.md that is there already stays and is
    left out of SHA256SUMS, for it is written last, by hand.
    """
    out.mkdir(parents=True, exist_ok=True)
    model = fresh(config, "eager")
    load_weights(model, weights)
    model.generation_config = generation(config.pad_token_id)
    model.half().save_pretrained(out)
    # safetensors writes files that only their owner may read.
    (out / "model.safetensors").chmod(0o644)
    for name in ("source.spm", "target.spm"):
        shutil.copyfile(pieces, out / name)
    _write_json(out / "vocab.json", _vocabulary(pieces, config.pad_token_id))
    _write_json(out / "tokenizer_config.json", _tokenizer_config())
    _write_sums(out)
    return sum(path.stat().st_size for path in out.iterdir())


def _vocabulary(pieces: Path, pad: int) -> dict[str, int]:
    processor = sentencepiece.SentencePieceProcessor(model_file=str(pieces))
    size = processor.get_piece_size()
    if size != pad:
        raise ValueError(f"{pieces} has {size} pieces; the network was trained on {pad}")
    return {processor.id_to_piece(i): i for i in range(size)} | {"<pad>": pad}


def _tokenizer_config() -> dict[str, str | int]:
    # 128: no training pair was longer, so more pieces than that are better cut before.
    return {
        "tokenizer_class": "MarianTokenizer",
        "source_lang": "fr",
        "target_lang": "en",
        "unk_token": "<unk>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "model_max_length": 128,
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_sums(folder: Path) -> None:
    left_out = {"SHA256SUMS", "CARD.md"}
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name not in left_out)
    sums = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Average the checkpoints named and write the folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--pieces", type=Path, required=True, help="DATA/joint.model")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", choices=("ema", "raw"), default="ema", help="of a .pt file")
    flags = parser.parse_args(arguments)
    weights = average([read_checkpoint(path, flags.weights) for path in flags.checkpoints])
    config = MarianConfig.from_json_file(flags.checkpoints[0].parent / "config.json")
    size = write_folder(weights, config, flags.pieces, flags.out)
    print(f"{flags.out}: {len(flags.checkpoints)} checkpoint(s), {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
