"""MarianMT through CTranslate2: the default on CPU and GPU."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bitexte.config import Config
from bitexte.engines import model as models
from bitexte.engines.pieces import EOS, Hypothesis, Pieces, alike, batches, translate
from bitexte.errors import ModelError
from bitexte.records import Translation

_AUTO = {"cpu": "int8", "cuda": "float16"}


class Ct2:
    """A converted MarianMT model in CTranslate2."""

    def __init__(self, config: Config) -> None:
        model = models.find(config.model, config.revision)
        compute = compute_type(config)
        self.signature = _signature(model, config)
        self._pieces = Pieces(model.folder)
        self._beam_size = config.beam_size
        self._batch_tokens = config.batch_tokens
        # On a CPU int8 products are whole numbers: without padding, what a sentence becomes does
        # not depend, to the last bit, on what else is in its batch. A GPU promises no such thing,
        # and wants its batches full.
        self._group = alike if config.device == "cpu" else batches
        self._translator = translator(models.converted(model, compute, config.cache), config)

    @staticmethod
    def sign(config: Config) -> str:
        """Return the signature without loading the model, see `engines.signature`."""
        return _signature(models.find(config.model, config.revision), config)

    @staticmethod
    def measure(config: Config) -> Callable[[str], int]:
        """Count a sentence's pieces, see `engines.measure`."""
        return Pieces(models.find(config.model, config.revision).folder).length

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        """Translate sentences, see `Engine.translate`."""
        return translate(sentences, self._pieces, self._generate)

    def _generate(self, sources: list[list[str]], no_repeat: int) -> list[Hypothesis]:
        groups = self._group(sources, self._share(sources)) if sources else []
        # All at once: the translator's threads take them up one after the other, without a pause.
        running = [
            self._translator.translate_batch(
                [sources[place] for place in places],
                beam_size=self._beam_size,
                max_input_length=0,  # its default of 1024 would cut a source off without a word
                max_decoding_length=self._pieces.target_limit,
                return_scores=True,  # log-probability a token: its default length penalty is 1
                disable_unk=True,
                no_repeat_ngram_size=no_repeat,
                asynchronous=True,
            )
            for places in groups
        ]
        found: dict[int, Hypothesis] = {}
        for places, batch in zip(groups, running, strict=True):
            for place, waiting in zip(places, batch, strict=True):
                best = waiting.result()
                pieces = [piece for piece in best.hypotheses[0] if piece != EOS]
                found[place] = Hypothesis(pieces, best.scores[0])
        return [found[place] for place in range(len(sources))]

    def _share(self, sources: list[list[str]]) -> int:
        """Make batches small enough that a short text keeps every thread at work."""
        workers: int = self._translator.num_translators
        each = sum(map(len, sources)) // workers + 1
        return min(self._batch_tokens, max(each, *map(len, sources)))


def _signature(model: models.Model, config: Config) -> str:
    return f"ct2-{compute_type(config)}|model:{model.label}|beam:{config.beam_size}"


def compute_type(config: Config) -> str:
    """Name the number type that the settings ask for: int8 on a CPU, float16 on a GPU."""
    return _AUTO[config.device] if config.compute == "auto" else config.compute


def translator(folder: Path, config: Config) -> Any:
    """Load a converted model; raise ModelError if this machine cannot run it so."""
    import ctranslate2

    threads = config.threads or cores()
    try:
        return ctranslate2.Translator(
            str(folder),
            device=config.device,
            compute_type=compute_type(config),
            # A thread a batch: twice as fast on two cores as two threads on one batch.
            inter_threads=threads if config.device == "cpu" else 1,
            intra_threads=1,
        )
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"{config.model}: CTranslate2 cannot load it: {error}",
            f"choose another --device or --compute, or delete {folder}",
        ) from error


def cores() -> int:
    """Count the cores this process may use; where a system does not say, those there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
