"""The records that pass between stages.

Offsets count Unicode code points, from 0, end excluded. Logarithms are natural.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Origin = Literal["engine", "memory", "human"]
Links = tuple[tuple[int, int], ...]

# A pair of lower confidence is doubtful: worth a look.
SURE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One dispatch: its text, and what was read off it.

    `id` is the first 16 hexadecimal digits of the SHA-256 of its name and the bytes read,
    `name` the path as given (`-` for standard input), `text` is NFC with LF line ends,
    `lang` a BCP 47 tag. `meta` holds what was found around the sentences (agency, dateline, …)
    and how the bytes were read (encoding).
    """

    id: str
    name: str
    text: str
    title: str = ""
    lang: str = "fr"
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One source sentence: `article.text[start:end] == text`, always.

    `index` counts from 0 in the article, `paragraph` from 0.
    """

    article_id: str
    index: int
    paragraph: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What an engine says of one sentence.

    `logprob` is the mean natural log-probability per target token, end of sentence included
    (≤ 0; 0 for a blank sentence), `tokens` the number of target subword tokens. `links` are word
    positions (source, target) from 0, None while nobody has looked which words go together.
    """

    text: str
    logprob: float
    tokens: int
    origin: Origin = "engine"
    links: Links | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A translation in memory of a sentence that is nearly this one: offered, never used.

    `score` in [0, 1] says how near the two sentences are.
    """

    source: str
    target: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One row of the corpus: one JSONL line, one `<tu>`, one table row.

    `id` is `{article_id}:{index:04d}`, `bead` the numbers of source and target sentences,
    `links` word positions (source, target) from 0, `confidence` in [0, 1] a rank and not a
    probability, `flags` the names of failed checks, `suggestions` what a memory has for nearly
    the same source.
    """

    id: str
    article_id: str
    source: str
    target: str
    start: int
    end: int
    bead: tuple[int, int] = (1, 1)
    links: Links = ()
    logprob: float = 0.0
    confidence: float = 0.0
    flags: tuple[str, ...] = ()
    origin: Origin = "engine"
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bitext:
    """An article with its pairs, in the order of the text, and the signature that made them."""

    article: Article
    pairs: tuple[Pair, ...]
    signature: str
    target_lang: str = "en"
