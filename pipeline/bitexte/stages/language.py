"""The probability that a text is in the language it should be in."""

import re
from functools import cache
from typing import Any

from bitexte.stages.clean import entries

# Below this many letters a text says too little: « Bonjour. » would be refused.
MIN_LETTERS = 25
# One word in eight: French news has about one in four, other languages hardly any.
SURE_SHARE = 0.125
SAMPLE_CHARS = 20_000

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def primary(tag: str) -> str:
    """Return the language of a BCP 47 tag, in lower case: `fr` of `fr-BE`."""
    return tag.partition("-")[0].lower()


def probability(text: str, lang: str) -> float:
    """Return the probability, 0 to 1, that a text is in `lang` rather than its best other guess.

    Plain French and English are seen by their function words. What is left goes to py3langid (Lui
    & Baldwin, langid.py, ACL 2012), whose model costs half a second to load. A text too short to
    tell, or in a language that the model does not know, is taken for what it should be. `lang` is
    a BCP 47 tag.
    """
    lang = primary(lang)
    sample = text[:SAMPLE_CHARS].replace("\u2019", "'").lower()
    words = _WORD.findall(sample)
    if sum(map(len, words)) < MIN_LETTERS:
        return 1.0
    known = _function_words(lang)
    if known and sum(word in known for word in words) >= SURE_SHARE * len(words):
        return 1.0
    ranks = dict(_identifier().rank(sample))
    if lang not in ranks:
        return 1.0
    own = float(ranks.pop(lang))
    rival = float(max(ranks.values()))
    return own / (own + rival) if own + rival else 0.0


@cache
def _function_words(lang: str) -> frozenset[str]:
    table = {"fr": "function_words.txt", "en": "function_words.en.txt"}.get(lang)
    return frozenset(entries(table)) if table else frozenset()


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
