"""Words of a French or English text, with exact offsets.

An elided word keeps its apostrophe and stands alone (`l'` `école`), as do the pronoun of an
inversion (`a` `-t-il`) and the end of an English contraction (`do` `n't`, `Paris` `'s`). Words with
an apostrophe or a hyphen of their own stay whole (aujourd'hui, prud'homme, peut-être), and so do
numbers (12 000,5), abbreviations (M., etc., O.N.U.), addresses and the placeholder marks `⟦0⟧`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from bitexte.stages.language import primary
from bitexte.stages.segment import kinds

_SHARED = (
    r"⟦\d+⟧",
    # https://afp.com/a.html?x=1     info@police.be     belga.be/fr     @afpfr     #COP21
    r"(?:https?://|www\.)[^\s«»<>\"“”]*[^\s«»<>\"“”.,;:!?…)\]'’]",
    # Bounded, as names of the net are: « aa.aa.aa » would be read to its end from every word.
    r"\w[\w.+-]{0,63}@\w[\w-]{0,62}(?:\.\w[\w-]{0,62}){1,5}",
    r"\w[\w-]{0,62}(?:\.[\w-]{1,63}){0,5}\.(?:com|org|net|info|int|eu|fr|be|ch|ca|uk)\b(?:/[\w/.-]*[\w/])?",
    r"[@#]\w+",
)
# 1,000.50     4,2     12/03/2020     14:30, but not the 20 of « 20-year-old » or of « 20e »
_PLAIN_NUMBER = r"\d+(?:[.,/:]\d+)*(?!\w|[-‐‑][^\W\d])"
_GROUPED_NUMBER = r"(?<![\d.,])\d{1,3}(?:[@ \xa0\u202f\u2009]\d{3})+(?!\d)(?:[.,]\d+)?(?!\w)"
_REST = (
    r"(?<!\w)[^\W\d_](?:\.-?[^\W\d_])+(?!\w)\.?",  # O.N.U.     J.-P.     a.m.
    r"\b[A-ZÀ-Þ]\.(?=[ \xa0\u202f]?[A-ZÀ-Þ])",  # M. Michel     F. Hollande
    # COVID-19     chef-d'œuvre     R&D     A380; a letter's marks go with it
    r"\w[\w\u0300-\u036f]*(?:[-‐‑'’&]\w[\w\u0300-\u036f]*)*",
    r"\.{2,}|-{2,}|!{2,}|\?{2,}",
    r"\S[\u0300-\u036f\u200d\ufe0f]*",
)
_ELISION = (
    # N'Djamena and M'Bala are names
    r"(?<![\w'’-])(?![NMTJS]['’][A-ZÀ-Þ][a-zà-ÿ])"
    r"(?i:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|quelqu)['’](?=[\w«“\"⟦])"
)
_CONTRACTED = r"['’](?:s|ll|ve|re|d|m|t)\b"  # after what is no word: the 1990's
_PATTERNS = {
    "fr": (*_SHARED, _GROUPED_NUMBER.replace("@", " "), _PLAIN_NUMBER, _ELISION, *_REST),
    "en": (*_SHARED, _GROUPED_NUMBER.replace("@ ", ""), _PLAIN_NUMBER, _CONTRACTED, *_REST),
}
_INVERSION = r"(?i:(?:-t)?-(?:je|tu|ils?|elles?|on|nous|vous|ce|moi|toi|lui|leur|les?|la|y|en))"
_INVERSIONS = re.compile(rf"(?:{_INVERSION})+\Z")
# Of pronouns after a verb, as in « donne-le-moi », in characters.
LONGEST_CHAIN = 32
_TAIL = re.compile(r"(?i)(?:(?<=\w)n['’]t|['’](?:s|ll|ve|re|d|m))\Z")
_WHOLE = frozenset({"rendez-vous", "chez-moi"})


@dataclass(frozen=True, slots=True)
class Cut:
    """A text and the spans of its words."""

    text: str
    spans: Sequence[tuple[int, int]]

    @property
    def words(self) -> list[str]:
        """The words as they stand in the text."""
        return [self.text[start:end] for start, end in self.spans]


def cut(text: str, lang: str) -> Cut:
    """Cut a text into words, see `words`."""
    return Cut(text, words(text, lang))


def words(text: str, lang: str) -> list[tuple[int, int]]:
    """Return the spans of a text's words, numbers and marks, in code points and in order.

    `text[start:end]` is a word; nothing but white space is outside. `lang` is a BCP 47 tag: French
    and English have rules of their own, any other language is cut at its letters' ends.
    """
    lang = primary(lang)
    return list(_joined(text, _parts(text, lang), lang))


def _parts(text: str, lang: str) -> Iterator[tuple[int, int]]:
    for match in _pattern(lang).finditer(text):
        start, end = match.span()
        yield from zip([start, *(cuts := _cuts(match[0], start, lang))], [*cuts, end], strict=True)


@cache
def _pattern(lang: str) -> re.Pattern[str]:
    return re.compile("|".join(_PATTERNS.get(lang, (*_SHARED, _PLAIN_NUMBER, *_REST))))


def _cuts(word: str, start: int, lang: str) -> list[int]:
    """Return where a word is cut inside: before -t-il, before n't."""
    if lang == "fr" and "-" in word and word.lower() not in _WHOLE:
        # The end alone: a search would begin anew at each hyphen of a long chain.
        shift = max(0, len(word) - LONGEST_CHAIN)
        found = _INVERSIONS.search(word, shift)
        if found and found.start() and (word.isupper() or found[0].islower()):
            chain = re.finditer(_INVERSION, found[0])
            return [start + found.start() + match.start() for match in chain]
    elif lang == "en" and (tail := _TAIL.search(word)) and tail.start():
        return [start + tail.start()]
    return []


def _joined(text: str, spans: Iterator[tuple[int, int]], lang: str) -> Iterator[tuple[int, int]]:
    """Give an abbreviation its point, unless the text ends there."""
    held: tuple[int, int] | None = None
    for start, end in spans:
        if held and held[1] == start and text[start:end] == "." and _abbreviated(text, *held, lang):
            held = held[0], end
            continue
        if held:
            yield held
        held = start, end
    if held:
        yield held


def _abbreviated(text: str, start: int, end: int, lang: str) -> bool:
    word = text[start:end]
    following = text[end + 1 : end + 3].lstrip()
    known = kinds(lang)
    kind = known.get(word) or known.get(word.lower(), "")
    return following[:1].isdigit() if kind == "number" else bool(kind and following)
