"""One number in [0, 1] from the model's score."""

import math

from bitexte.records import Translation


def confidence(translation: Translation) -> float:
    """Return the geometric mean probability of the target's tokens.

    It ranks the translations of one model; it is not the probability that one is right.
    """
    return round(min(1.0, math.exp(translation.logprob)), 4)
