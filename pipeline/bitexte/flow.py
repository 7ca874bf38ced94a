"""The order of the stages, and nothing else."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from bitexte import __version__
from bitexte.config import Config
from bitexte.engines import Engine
from bitexte.engines import model as models
from bitexte.errors import BitexteError, Failure, InputError, NotFrench
from bitexte.records import SURE, Article, Bitext, Pair, Segment, Translation
from bitexte.stages.clean import clean
from bitexte.stages.confidence import confidence
from bitexte.stages.language import primary, probability
from bitexte.stages.segment import VERSION, lines, segment
from bitexte.stages.tokens import Cut, cut

if TYPE_CHECKING:  # numpy is loaded when texts are aligned, not when commands start
    from bitexte.stages.align import Bead
    from bitexte.stages.beads import Encode
    from bitexte.stages.words import Links


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An article cleaned and segmented, ready for an engine."""

    article: Article
    segments: tuple[Segment, ...]
    presegmented: bool = False


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


def prepare(
    article: Article, config: Config, lang: str = "", presegmented: bool = False
) -> Prepared:
    """Check, clean and segment an article of the source's language, or of `lang`.

    Where it is `presegmented`, each line that is not blank is a sentence. Raises what `check`
    raises.
    """
    lang = lang or config.source_lang
    check(article, config, lang)
    article = replace(clean(article), lang=lang)
    if presegmented:
        return Prepared(article=article, segments=lines(article), presegmented=True)
    segments = segment(
        article, config.max_sentence_chars, frozenset(config.abbreviations), config.keep_quotes
    )
    return Prepared(article=article, segments=segments)


def check(article: Article, config: Config, lang: str = "") -> None:
    """Raise InputError for an article that is too long, or not in the source's language or `lang`.

    It is a NotFrench where that language is French.
    """
    lang = lang or config.source_lang
    if len(article.text) > config.max_article_chars:
        raise InputError(
            f"{article.name}: {len(article.text):,} characters, more than an article has",
            f"split it, or raise max_article_chars ({config.max_article_chars:,}) in bitexte.toml",
        )
    share = probability(article.text, lang)
    if share < config.min_french:
        french = primary(lang) == "fr"
        kind = NotFrench if french else InputError
        raise kind(
            f"{article.name}: this does not look like {'French' if french else repr(lang)} "
            f"({share:.2f} < {config.min_french})",
            "use --force to take it all the same",
        )


def finish(window: Sequence[Prepared], engine: Engine, config: Config) -> list[Bitext | Failure]:
    """Translate the sentences of a window, each once, and pair them with their sources.

    If the engine refuses the window, its articles are tried one at a time, so that one bad
    article costs one Failure.
    """
    try:
        mark = signature(engine, config)
        translations = _translated(window, engine)
        done = [_bitext(prepared, translations, mark, config) for prepared in window]
        return list(linked(done, config) if config.words else done)
    except BitexteError as error:
        if len(window) == 1:
            return [Failure(name=window[0].article.name, error=error)]
        return [done for one in window for done in finish([one], engine, config)]


def match(source: Prepared, target: Prepared, encode: "Encode", config: Config) -> Bitext:
    """Align an article with its human translation: a pair for each bead, null beads included.

    A pair's confidence is its bead's score; a sentence without a counterpart has a blank other
    side and the flag `omission` or `addition`. Raises InputError for a text without sentences, and
    for two that are one and the same or have nothing in common.
    """
    from bitexte.stages.align import align

    for side in (source, target):
        if not side.segments:
            raise InputError(f"{side.article.name}: no sentence to align", "give a text with some")
    names = f"{source.article.name} and {target.article.name}"
    left, right = ([segment.text for segment in side.segments] for side in (source, target))
    if left == right:
        raise InputError(f"{names}: the same text twice", "give the text and its translation")
    beads = align(left, right, encode, (source.article.lang, target.article.lang))
    if not any(bead.score >= SURE for bead in beads):
        raise InputError(
            f"{names}: nothing in common: no sentence goes with another",
            "check that one is the translation of the other",
        )
    told = {f"translation {key}": value for key, value in target.article.meta.items()}
    meta = {**source.article.meta, "translation": target.article.name, **told}
    bitext = Bitext(
        article=replace(source.article, meta=meta),
        pairs=tuple(_beaded(source, target, beads)),
        signature=signature_of_alignment(config, source.presegmented),
        target_lang=target.article.lang,
    )
    return linked([bitext], config)[0] if config.words else bitext


def linked(bitexts: Sequence[Bitext], config: Config) -> list[Bitext]:
    """Say which words of each pair go together; equal pairs are read once."""
    langs = config.source_lang, config.target_lang
    texts = list(
        dict.fromkeys((pair.source, pair.target) for bitext in bitexts for pair in bitext.pairs)
    )
    pairs = [(cut(source, langs[0]), cut(target, langs[1])) for source, target in texts]
    links = dict(zip(texts, word_links(pairs, config), strict=True))
    return [
        replace(
            bitext,
            pairs=tuple(
                replace(pair, links=links[pair.source, pair.target]) for pair in bitext.pairs
            ),
        )
        for bitext in bitexts
    ]


def word_links(pairs: Sequence[tuple[Cut, Cut]], config: Config) -> "list[Links]":
    """Link the words of pairs: by a table where there is one, else by the model's attention.

    The `identity` engine has no model: spelling and order then tell what they can.
    """
    from bitexte.stages.lexicon import load
    from bitexte.stages.words import link

    attention = None
    if _by_attention(config):
        from bitexte.engines.attention import reader

        attention = reader(config).read(pairs)
    table = load(config.source_lang, config.target_lang)
    return link([(source.words, target.words) for source, target in pairs], table, attention)


def signature(engine: Engine, config: Config) -> str:
    """Name all that changes the rows: engine, model and its content, beam, segmenter, version."""
    return _signature([f"engine:{engine.signature}", *_segmenter(config)], config)


def signature_of_alignment(config: Config, presegmented: bool = False) -> str:
    """Name all that changes the rows of an aligned text: aligner, segmenter, version."""
    from bitexte.stages.align import VERSION as ALIGNER

    cuts = ["seg:lines"] if presegmented else _segmenter(config)
    return _signature([f"align:{ALIGNER}", *cuts], config)


def _segmenter(config: Config) -> list[str]:
    parts = [f"seg:{VERSION}", f"cut:{config.max_sentence_chars}"]
    if config.keep_quotes:
        parts.append("quotes:whole")
    if config.abbreviations:
        listing = "\n".join(sorted(config.abbreviations)).encode()
        parts.append(f"abbr:{hashlib.sha256(listing).hexdigest()[:8]}")
    return parts


def _signature(parts: list[str], config: Config) -> str:
    if config.words:
        from bitexte.stages.words import VERSION as LINKER

        by = models.find(config.model, config.revision).label if _by_attention(config) else ""
        parts = [*parts, f"words:{LINKER}{by and '-'}{by}"]
    return "|".join([*parts, f"bitexte:{__version__}"])


def _by_attention(config: Config) -> bool:
    """Tell whether a model has to say which words go together, for want of a table."""
    from bitexte.stages.lexicon import load

    return config.engine != "identity" and load(config.source_lang, config.target_lang) is None


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


def _beaded(source: Prepared, target: Prepared, beads: "Iterable[Bead]") -> Iterator[Pair]:
    place = 0
    for index, bead in enumerate(beads):
        left, right = source.segments[slice(*bead.source)], target.segments[slice(*bead.target)]
        start, place = (left[0].start, left[-1].end) if left else (place, place)
        yield Pair(
            id=f"{source.article.id}:{index:04d}",
            article_id=source.article.id,
            source=" ".join(segment.text for segment in left),
            target=" ".join(segment.text for segment in right),
            start=start,
            end=place,
            bead=(len(left), len(right)),
            confidence=bead.score,
            flags=() if left and right else ("omission" if left else "addition",),
            origin="human",
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
