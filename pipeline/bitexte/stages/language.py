"""The probability that a text is French."""

import re
from functools import cache
from importlib.resources import files
from typing import Any

# Below this many letters a text says too little: « Bonjour. » would be refused.
MIN_LETTERS = 25
# One word in eight: French news has about one in four, other languages hardly any.
SURE_SHARE = 0.125
SAMPLE_CHARS = 20_000

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def french(text: str) -> float:
    """Return the probability, 0 to 1, that a text is French rather than its best other guess.

    Plain French is seen by its function words. What is left goes to py3langid (Lui & Baldwin,
    langid.py, ACL 2012), whose model costs half a second to load. A text too short to tell is
    taken for French.
    """
    sample = text[:SAMPLE_CHARS].replace("\u2019", "'").lower()
    words = _WORD.findall(sample)
    if sum(map(len, words)) < MIN_LETTERS:
        return 1.0
    known = _function_words()
    if sum(word in known for word in words) >= SURE_SHARE * len(words):
        return 1.0
    ranks = dict(_identifier().rank(sample))
    own = float(ranks.pop("fr", 0.0))
    rival = float(max(ranks.values()))
    return own / (own + rival) if own + rival else 0.0


@cache
def _function_words() -> frozenset[str]:
    text = files("bitexte.stages").joinpath("data/function_words.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
