"""How much of a model's attention each source word had for each target word.

A MarianMT decoder reads the source through its cross-attention, and some of its heads look where
the word being written comes from. Which head does so, and whether at the step that writes a piece
or at the step after, when the decoder has seen the piece (Chen and others 2020), differs from model
to model: `choose` finds out without any gold. Word links need it where there is no table of word
translations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from bitexte.config import Config
from bitexte.engines.marian import Marian, padded
from bitexte.engines.pieces import EOS, Pieces, batches
from bitexte.stages.tokens import Cut, cut

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

Spans: TypeAlias = Sequence[tuple[int, int]]
# Pieces of sources (with end mark) and of targets (without) in; for each pair a matrix of shape
# (layers, heads, target pieces and the step after the last, source pieces) out.
Heads: TypeAlias = "Callable[[Sequence[list[str]], Sequence[list[str]]], list[Floats]]"
# Both sides of a pair: the pieces of each, and their spans.
Pieced: TypeAlias = tuple[tuple[list[str], list[tuple[int, int]]], ...]

# What a model translates to show its heads at work: names, numbers and marks that most copy.
SAMPLE = (
    "Le ministre Paul Dupont a présenté mardi à Bruxelles un budget de 45 millions d'euros.",
    "En 2019, la ville de Lyon comptait 516.092 habitants, selon l'Insee.",
    "La chancelière Angela Merkel rencontrera Emmanuel Macron à Berlin le 12 mai.",
    "Trois personnes ont été blessées dans un accident près de Namur, a indiqué la police.",
    "Le tribunal a condamné l'ancien directeur à deux ans de prison et 10.000 euros d'amende.",
    "Les syndicats appellent à une grève nationale jeudi contre la réforme des retraites.",
    "Il n'y a pas eu de victimes, mais les dégâts sont importants, a déclaré le maire.",
    "La Banque centrale européenne a laissé son taux directeur inchangé à 0,5 %.",
    "Après six mois de négociations, l'Iran et les États-Unis ont signé un accord à Genève.",
    "Le coureur belge a remporté la course devant l'Italien Rossi et l'Espagnol Garcia.",
    "« Nous ne céderons pas », a averti le président Jean Martin devant 300 journalistes.",
    "Une tempête venue de l'Atlantique a privé 25.000 foyers d'électricité en Bretagne.",
    "Le film raconte la vie de Marie Curie, née à Varsovie en 1867.",
    "Les prix du pétrole ont baissé de 3 % à New York, où le baril valait 61 dollars.",
    "L'entreprise Airbus veut supprimer 1.200 emplois à Toulouse d'ici 2024.",
    "Le pape François se rendra au Canada en juillet pour rencontrer les peuples autochtones.",
)


@dataclass(frozen=True, slots=True)
class Head:
    """A cross-attention head: its decoder layer and its number, from 0.

    `after` says that what belongs to a target piece is read at the step that follows it.
    """

    layer: int
    head: int
    after: bool


_loading = Lock()


def reader(config: Config) -> "Reader":
    """Load the model that the settings name, once for all threads, and choose its head."""
    with _loading:
        return _reader(config)


@cache
def _reader(config: Config) -> "Reader":
    return Reader(config)


class Reader:
    """A MarianMT model that is given both sides of a pair, and tells where it looked."""

    def __init__(self, config: Config) -> None:
        engine = Marian(replace(config, engine="marian"))
        pieces = engine.pieces
        self._processors, self._limit = (pieces.source, pieces.target), pieces.limit
        heads = partial(all_heads, engine.model, pieces, config.batch_tokens)
        made = [translation.text for translation in engine.translate(SAMPLE)]
        sample = [cut(text, config.source_lang) for text in SAMPLE]
        pairs = list(zip(sample, [cut(text, config.target_lang) for text in made], strict=True))
        self.head = choose(pairs, self._processors, heads(), self._limit)
        self._read = heads(self.head)

    def read(self, pairs: Sequence[tuple[Cut, Cut]]) -> "list[Floats | None]":
        """Return the attention of pairs, whoever translated them.

        One matrix a pair, of shape (source, target words), in [0, 1]; None for a pair with a side
        of no piece, or of more than the model takes.
        """
        pieces = [_pieces(pair, self._processors) for pair in pairs]
        places = [place for place, pair in enumerate(pieces) if _fits(pair, self._limit)]
        matrices = self._read(*_written([pieces[place] for place in places]))
        found: list[Floats | None] = [None] * len(pairs)
        for place, matrix in zip(places, matrices, strict=True):
            found[place] = _of_words(matrix[0, 0], pieces[place], pairs[place], self.head.after)
        return found


def _pieces(pair: tuple[Cut, Cut], processors: tuple[Any, Any]) -> Pieced:
    return tuple(pieced(p, side.text) for p, side in zip(processors, pair, strict=True))


def _fits(pair: Pieced, limit: int) -> bool:
    return all(0 < len(pieces) < limit for pieces, _ in pair)


def _written(pairs: Sequence[Pieced]) -> tuple[list[list[str]], list[list[str]]]:
    return [[*source[0], EOS] for source, _ in pairs], [target[0] for _, target in pairs]


def _of_words(rows: "Floats", pieces: Pieced, pair: tuple[Cut, Cut], after: bool) -> "Floats":
    (_, source), (_, target) = pieces
    return by_words(rows, source, target, pair[0].spans, pair[1].spans, after)


def pieced(processor: Any, text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """Cut a text into pieces, with the span of each in code points."""
    found = processor.encode(text, return_type="offset_mapping")
    return found["pieces"], found["offsets"]


def by_words(
    rows: "Floats", source: Spans, target: Spans, left: Spans, right: Spans, after: bool
) -> "Floats":
    """Gather attention from pieces to words: sums over a source word, means over a target word.

    `rows` has the shape (target pieces and at least one step more, source pieces and the end mark);
    `source` and `target` are the pieces' spans, `left` and `right` the words'. A piece over two
    words counts for both by its characters.
    """
    import numpy as np

    steps = rows[1 : len(target) + 1] if after else rows[: len(target)]
    from_source, to_target = _overlap(source, left), _overlap(target, right)
    to_target /= np.maximum(to_target.sum(axis=0), 1e-9)
    words: Floats = from_source.T @ steps[:, : len(source)].T @ to_target
    return words


def _overlap(pieces: Spans, words: Spans) -> "Floats":
    """Return which share of each piece's characters belongs to each word."""
    import numpy as np

    first = np.array(pieces, float).reshape(-1, 1, 2)
    second = np.array(words, float).reshape(1, -1, 2)
    ends = np.minimum(np.maximum(first[..., 1], first[..., 0] + 1), second[..., 1])
    shared = np.clip(ends - np.maximum(first[..., 0], second[..., 0]), 0, None)
    shares: Floats = shared / np.maximum(shared.sum(axis=1, keepdims=True), 1e-9)
    return shares


def all_heads(model: Any, pieces: Pieces, batch_tokens: int, only: Head | None = None) -> Heads:
    """Let a transformers model read given targets, in one pass each.

    With `only`, the matrices hold that one head of that one layer.
    """
    layers, numbers = slice(None), slice(None)
    if only:
        layers = slice(only.layer, only.layer + 1)
        numbers = slice(only.head, only.head + 1)

    def force(sources: Sequence[list[str]], targets: Sequence[list[str]]) -> "list[Floats]":
        model.set_attn_implementation("eager")  # the only one that tells
        found: list[Any] = [None] * len(sources)
        for group in batches(sources, batch_tokens):
            ids = [[pieces.numbers(side[place]) for place in group] for side in (sources, targets)]
            for place, matrix in zip(group, _read(model, *ids), strict=True):
                size = slice(len(targets[place]) + 1), slice(len(sources[place]))
                # A copy, or the padded batch would stay in memory.
                found[place] = matrix[layers, numbers, *size].copy()
        return found

    return force


def _read(model: Any, sources: list[list[int]], targets: list[list[int]]) -> "Floats":
    """Return all cross-attention: (pairs, layers, heads, target steps, source pieces)."""
    import torch

    written = [[model.config.decoder_start_token_id, *target] for target in targets]
    ids, mask = padded(sources, model)
    steps, _ = padded(written, model)
    with torch.inference_mode():
        seen = model.model(
            input_ids=ids,
            attention_mask=mask,
            decoder_input_ids=steps,
            output_attentions=True,
        )
    matrices: Floats = torch.stack(seen.cross_attentions, dim=1).double().cpu().numpy()
    return matrices


def choose(
    pairs: Sequence[tuple[Cut, Cut]], processors: tuple[Any, Any], heads: Heads, limit: int
) -> Head:
    """Return the head that tells best where a target word comes from, on pairs of any origin.

    A good head is mutual: the source word that a target word looks at most is looked at most by
    that very word, and with much of its attention; and it finds words that stand on both sides.
    `heads` is what `all_heads` returns; some twenty pairs are enough.
    """
    import numpy as np

    scores: dict[Head, float] = {}
    pieces = [_pieces(pair, processors) for pair in pairs]
    kept = [place for place, pair in enumerate(pieces) if _fits(pair, limit)]
    matrices = heads(*_written([pieces[place] for place in kept]))
    for place, matrix in zip(kept, matrices, strict=True):
        for layer, number, after in np.ndindex(*matrix.shape[:2], 2):
            head = Head(layer, number, bool(after))
            read = _of_words(matrix[layer, number], pieces[place], pairs[place], head.after)
            scores[head] = scores.get(head, 0.0) + _mutual(read) + _copies(read, *pairs[place])
    return max(scores, key=lambda head: scores[head])


def _mutual(read: "Floats") -> float:
    """Return the mean attention of the words that choose each other, 0 for the others."""
    import numpy as np

    best = read.argmax(axis=0)
    chosen = read.argmax(axis=1)[best] == np.arange(read.shape[1])
    return float(np.where(chosen, read.max(axis=0), 0).mean())


def _copies(read: "Floats", source: Cut, target: Cut) -> float:
    """Return the mean attention between the words that stand once on each side."""
    left, right = source.words, target.words
    both = [word for word in right if right.count(word) == left.count(word) == 1]
    found = [float(read[left.index(word), right.index(word)]) for word in both]
    return sum(found) / len(found) if found else 0.0
