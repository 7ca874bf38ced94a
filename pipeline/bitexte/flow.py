"""The order of the stages, and nothing else."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from bitexte import __version__
from bitexte.config import Config
from bitexte.engines import Engine
from bitexte.errors import BitexteError, Failure, InputError, NotFrench
from bitexte.records import Article, Bitext, Pair, Segment, Translation
from bitexte.stages.clean import clean
from bitexte.stages.confidence import confidence
from bitexte.stages.language import french
from bitexte.stages.segment import VERSION, segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An article cleaned and segmented, ready for an engine."""

    article: Article
    segments: tuple[Segment, ...]


def run(
    articles: Iterable[Article | Failure], engine: Engine, config: Config
) -> Iterator[Bitext | Failure]:
    """Translate articles window by window; what cannot be done comes out as a Failure.

    The order within a window is kept, failures of the window first.
    """
    articles = iter(articles)
    while window := list(islice(articles, config.window_articles)):
        prepared = []
        for article in window:
            ready = article if isinstance(article, Failure) else _tried(article, config)
            if isinstance(ready, Failure):
                yield ready
            else:
                prepared.append(ready)
        yield from finish(prepared, engine, config)


def prepare(article: Article, config: Config) -> Prepared:
    """Check, clean and segment an article; raises what `check` raises."""
    check(article, config)
    article = replace(clean(article), lang=config.source_lang)
    segments = segment(
        article, config.max_sentence_chars, frozenset(config.abbreviations), config.keep_quotes
    )
    return Prepared(article=article, segments=segments)


def check(article: Article, config: Config) -> None:
    """Raise InputError for an article that is too long, NotFrench for one that is not French."""
    if len(article.text) > config.max_article_chars:
        raise InputError(
            f"{article.name}: {len(article.text):,} characters, more than an article has",
            f"split it, or raise max_article_chars ({config.max_article_chars:,}) in bitexte.toml",
        )
    share = french(article.text)
    if share < config.min_french:
        raise NotFrench(
            f"{article.name}: this does not look like French ({share:.2f} < {config.min_french})",
            "use --force to translate it all the same",
        )


def finish(window: Sequence[Prepared], engine: Engine, config: Config) -> list[Bitext | Failure]:
    """Translate the sentences of a window, each once, and pair them with their sources.

    If the engine refuses the window, its articles are tried one at a time, so that one bad
    article costs one Failure.
    """
    try:
        translations = _translated(window, engine)
    except BitexteError as error:
        if len(window) == 1:
            return [Failure(name=window[0].article.name, error=error)]
        return [done for one in window for done in finish([one], engine, config)]
    mark = signature(engine, config)
    return [_bitext(prepared, translations, mark, config) for prepared in window]


def signature(engine: Engine, config: Config) -> str:
    """Name all that changes the text: engine, model and its content, beam, segmenter, version."""
    parts = [f"engine:{engine.signature}", f"seg:{VERSION}", f"cut:{config.max_sentence_chars}"]
    if config.keep_quotes:
        parts.append("quotes:whole")
    if config.abbreviations:
        listing = "\n".join(sorted(config.abbreviations)).encode()
        parts.append(f"abbr:{hashlib.sha256(listing).hexdigest()[:8]}")
    return "|".join([*parts, f"bitexte:{__version__}"])


def _tried(article: Article, config: Config) -> Prepared | Failure:
    try:
        return prepare(article, config)
    except BitexteError as error:
        return Failure(name=article.name, error=error)


def _translated(window: Sequence[Prepared], engine: Engine) -> dict[str, Translation]:
    texts = (segment.text for prepared in window for segment in prepared.segments)
    sentences = list(dict.fromkeys(texts))
    return dict(zip(sentences, engine.translate(sentences), strict=True))


def _bitext(
    prepared: Prepared, translations: dict[str, Translation], mark: str, config: Config
) -> Bitext:
    pairs = (_pair(segment, translations[segment.text]) for segment in prepared.segments)
    return Bitext(
        article=prepared.article,
        pairs=tuple(pairs),
        signature=mark,
        target_lang=config.target_lang,
    )


def _pair(segment: Segment, translation: Translation) -> Pair:
    return Pair(
        id=f"{segment.article_id}:{segment.index:04d}",
        article_id=segment.article_id,
        source=segment.text,
        target=translation.text,
        start=segment.start,
        end=segment.end,
        logprob=round(translation.logprob, 4),
        confidence=confidence(translation),
        origin=translation.origin,
    )


def rendered(bitext: Bitext) -> str:
    """Put the targets where the sources stood: paragraphs, credits and datelines stay.

    Whatever stands between two segments is kept as it is, which is why nothing is lost.
    """
    text, parts, end = bitext.article.text, [], 0
    for pair in bitext.pairs:
        gap = text[end : pair.start]
        parts += [gap if gap or not end else " ", pair.target]
        end = pair.end
    return "".join([*parts, text[end:]])
