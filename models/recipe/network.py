"""The MarianMT network: fresh, or grown from a landed folder when pieces were added."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import GenerationConfig, MarianConfig, MarianMTModel

#: Ids of the SentencePiece models of this recipe; <pad> comes after the last piece.
EOS, UNK = 0, 1
EMBEDDING = "model.shared.weight"


@dataclass(frozen=True)
class Shape:
    """Sizes of a fresh network; widths in units, depths in layers."""

    width: int = 512
    ffn: int = 2048
    heads: int = 8
    encoder_layers: int = 6
    decoder_layers: int = 4


def configure(pieces: int, shape: Shape, dropout: float = 0.0) -> MarianConfig:
    """Describe a MarianMT network over `pieces` joint pieces and <pad> as the last row."""
    return MarianConfig(
        vocab_size=pieces + 1,
        decoder_vocab_size=pieces + 1,
        pad_token_id=pieces,
        decoder_start_token_id=pieces,
        eos_token_id=EOS,
        bos_token_id=EOS,
        forced_eos_token_id=EOS,
        d_model=shape.width,
        encoder_ffn_dim=shape.ffn,
        decoder_ffn_dim=shape.ffn,
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        encoder_layers=shape.encoder_layers,
        decoder_layers=shape.decoder_layers,
        max_position_embeddings=512,
        scale_embedding=True,
        activation_function="gelu",
        dropout=dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        share_encoder_decoder_embeddings=True,
        tie_word_embeddings=True,
        use_cache=True,
    )


def generation(pieces: int) -> GenerationConfig:
    """Describe how the exported model translates: beam 4, never <pad> nor <unk>."""
    return GenerationConfig(
        max_length=256,
        num_beams=4,
        decoder_start_token_id=pieces,
        pad_token_id=pieces,
        eos_token_id=EOS,
        forced_eos_token_id=EOS,
        bad_words_ids=[[pieces], [UNK]],
    )


def fresh(config: MarianConfig, attention: str) -> MarianMTModel:
    """Make a network with random weights: Xavier matrices, embeddings of length 1, zero <pad>."""
    config._attn_implementation = attention
    model = MarianMTModel(config)
    model.generation_config = generation(config.pad_token_id)
    with torch.no_grad():
        for name, weight in trained(model).items():
            if weight.dim() == 2 and name != EMBEDDING:
                nn.init.xavier_uniform_(weight)
        # Times sqrt(width) in the network (scale_embedding): each input coordinate starts near 1.
        model.model.shared.weight.normal_(0, config.d_model**-0.5)
    zero_pad(model)
    return model


def zero_pad(model: MarianMTModel) -> None:
    """Set the <pad> row to zero: CTranslate2 starts decoding from a zero embedding."""
    with torch.no_grad():
        model.model.shared.weight[model.config.pad_token_id] = 0


def grow_rows(rows: Tensor, old: dict[str, int], new: Sequence[str], seed: int = 3) -> Tensor:
    """Carry embedding rows [old, width] over to new pieces by name: [new + 1, width], <pad> zero.

    A piece without a row starts near the mean of all rows: far enough off (0.7 of their spread)
    to tell the new pieces apart, near enough not to look like any known word.
    """
    known = rows[[row for piece, row in old.items() if piece != "<pad>"]]
    generator = torch.Generator().manual_seed(seed)
    grown = torch.zeros(len(new) + 1, rows.shape[1])
    for row, piece in enumerate(new):
        if piece in old:
            grown[row] = rows[old[piece]]
        else:
            noise = torch.randn(rows.shape[1], generator=generator)
            grown[row] = known.mean(0) + 0.7 * known.std() * noise
    return grown


def start_from(folder: Path, pieces: Sequence[str], attention: str) -> MarianMTModel:
    """Load a MarianMT folder in float32 with its embedding rows fitted to `pieces`."""
    landed = MarianMTModel.from_pretrained(folder, dtype=torch.float32)
    vocabulary: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    config = MarianConfig.from_dict(landed.config.to_dict())
    config.vocab_size = config.decoder_vocab_size = len(pieces) + 1
    config.pad_token_id = config.decoder_start_token_id = len(pieces)
    weights: dict[str, Tensor] = {k: p.detach() for k, p in trained(landed).items()}
    weights[EMBEDDING] = grow_rows(weights[EMBEDDING], vocabulary, pieces)
    model = fresh(config, attention)
    load_weights(model, weights)
    return model


def trained(model: MarianMTModel) -> dict[str, nn.Parameter]:
    """List the trained weights by name; positions are sines, the output is the embedding."""
    return {k: p for k, p in model.named_parameters() if "embed_positions" not in k}


def load_weights(model: MarianMTModel, weights: dict[str, Tensor]) -> None:
    """Copy trained weights in; any name or shape that does not fit is an error."""
    parameters = trained(model)
    if unfit := parameters.keys() ^ weights.keys():
        raise ValueError(f"weights do not fit the network: {sorted(unfit)[:4]}")
    with torch.no_grad():
        for name, parameter in parameters.items():
            if parameter.shape != weights[name].shape:
                shapes = f"{tuple(weights[name].shape)}, not {tuple(parameter.shape)}"
                raise ValueError(f"weights do not fit the network: {name} is {shapes}")
            parameter.copy_(weights[name])
    zero_pad(model)
