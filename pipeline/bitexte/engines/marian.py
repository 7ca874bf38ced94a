"""MarianMT through transformers and torch: the reference."""

from collections.abc import Callable, Sequence
from typing import Any

from bitexte.config import Config
from bitexte.engines import model as models
from bitexte.engines.pieces import EOS, Hypothesis, Pieces, batches, translate
from bitexte.errors import ModelError
from bitexte.records import Translation


class Marian:
    """A MarianMT model in transformers, in float32."""

    def __init__(self, config: Config) -> None:
        import torch

        model = models.find(config.model, config.revision)
        self.signature = _signature(model, config)
        self.pieces = Pieces(model.folder)
        self._names = {number: piece for piece, number in self.pieces.vocabulary.items()}
        self._beam_size = config.beam_size
        self._batch_tokens = config.batch_tokens
        if config.threads:
            torch.set_num_threads(config.threads)
        if config.device == "cuda" and not torch.cuda.is_available():
            raise ModelError("torch sees no GPU here", "use --device cpu")
        self.model = models.load_transformers(model).eval().to(config.device)
        self._decode_as_ctranslate2()

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
        return translate(sentences, self.pieces, self._generate)

    def _decode_as_ctranslate2(self) -> None:
        """Take <pad> and <unk> out of the softmax, and force no end mark at the limit."""
        import torch

        never = [self.model.config.pad_token_id, self.pieces.vocabulary["<unk>"]]
        with torch.no_grad():
            self.model.final_logits_bias[0, never] = -1e9
        self.model.generation_config.bad_words_ids = None
        self.model.generation_config.forced_eos_token_id = None

    def _generate(self, sources: list[list[str]], no_repeat: int) -> list[Hypothesis]:
        found: list[Hypothesis | None] = [None] * len(sources)
        for places in batches(sources, self._batch_tokens):
            hypotheses = self._batch([sources[place] for place in places], no_repeat)
            for place, hypothesis in zip(places, hypotheses, strict=True):
                found[place] = hypothesis
        return [hypothesis for hypothesis in found if hypothesis is not None]

    def _batch(self, sources: list[list[str]], no_repeat: int) -> list[Hypothesis]:
        import torch

        ids, mask = padded([self.pieces.numbers(source) for source in sources], self.model)
        with torch.inference_mode():
            out = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                num_beams=self._beam_size,
                do_sample=False,
                max_length=None,  # the model's own limit would argue with max_new_tokens
                min_new_tokens=1,  # as CTranslate2: a source that is not blank gets a target
                max_new_tokens=self.pieces.target_limit,
                early_stopping=True,  # ends as CTranslate2 does: at beam_size finished hypotheses
                length_penalty=1.0,
                no_repeat_ngram_size=no_repeat,
                return_dict_in_generate=True,
                output_scores=True,
            )
            scores = self.model.compute_transition_scores(
                out.sequences, out.scores, out.get("beam_indices"), normalize_logits=True
            )
        return [
            self._hypothesis(row[1:].tolist(), score.tolist())
            for row, score in zip(out.sequences, scores, strict=True)
        ]

    def _hypothesis(self, ids: list[int], scores: list[float]) -> Hypothesis:
        pieces = [self._names[number] for number in ids]
        length = pieces.index(EOS) if EOS in pieces else len(pieces)
        used = scores[: length + 1]
        return Hypothesis(pieces[:length], sum(used) / max(1, len(used)))


def _signature(model: models.Model, config: Config) -> str:
    return f"marian-float32|model:{model.label}|beam:{config.beam_size}"


def padded(rows: Sequence[list[int]], model: Any) -> tuple[Any, Any]:
    """Make the ids and the attention mask of rows of pieces, both of shape (rows, longest row)."""
    import torch

    width = max(map(len, rows))
    ids = torch.full((len(rows), width), model.config.pad_token_id)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
    lengths = torch.tensor([len(row) for row in rows])
    mask = (torch.arange(width)[None, :] < lengths[:, None]).long()
    return ids.to(model.device), mask.to(model.device)
