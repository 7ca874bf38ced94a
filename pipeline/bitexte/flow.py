"""The order of the stages, and nothing else."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from bitexte import __version__
from bitexte.config import Config
from bitexte.engines import Engine
from bitexte.engines import model as models
from bitexte.errors import BitexteError, Failure, InputError, ModelError, NotFrench
from bitexte.records import SURE, Article, Bitext, Links, Pair, Segment, Translation
from bitexte.stages.clean import clean
from bitexte.stages.confidence import confidence
from bitexte.stages.language import primary, probability
from bitexte.stages.segment import VERSION, lines, segment
from bitexte.stages.tokens import Cut, cut

if TYPE_CHECKING:  # numpy is loaded when texts are aligned, not when commands start
    from bitexte.stages.align import Bead
    from bitexte.stages.beads import Encode

_DEFAULTS = Config()
# An engine that fails on so many sentences, each on its own, and on none less, is broken.
STRIKES = 8
# A sentence, and its translation where one is known; what became of a sentence.
Asked: TypeAlias = tuple[str, Translation | None]
Outcome: TypeAlias = Translation | BitexteError


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An article cleaned and segmented, ready for an engine."""

    article: Article
    segments: tuple[Segment, ...]
    presegmented: bool = False


def run(
    articles: Iterable[Article | Failure], engine: Engine, config: Config
) -> Iterator[Bitext | Failure]:
    """Translate articles window by window; what cannot be done comes out as a Failure, in order."""
    prepared = (tried(article, config) for article in articles)
    for window in windows(prepared, config.window_sentences):
        ready = [one for one in window if isinstance(one, Prepared)]
        done = iter(finish(ready, engine, config))
        yield from (one if isinstance(one, Failure) else next(done) for one in window)


def windows(
    prepared: Iterable[Prepared | Failure], sentences: int
) -> Iterator[list[Prepared | Failure]]:
    """Group articles, in order, until each group has so many sentences.

    An article without a sentence, or that failed, counts as one: no window is without end.
    """
    window: list[Prepared | Failure] = []
    size = 0
    for one in prepared:
        window.append(one)
        size += max(1, len(one.segments)) if isinstance(one, Prepared) else 1
        if size >= sentences:
            yield window
            window, size = [], 0
    if window:
        yield window


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

    An article with a sentence that the engine refuses comes out as a Failure.
    """
    asked = sentences(window)
    found = dict(zip(asked, work([(text, None) for text in asked], engine, config), strict=True))
    mark = signature(engine.signature, config)
    return [paired(prepared, found, mark, config) for prepared in window]


def sentences(window: Iterable[Prepared]) -> list[str]:
    """List the sentences of a window, each once."""
    return list(dict.fromkeys(one.text for prepared in window for one in prepared.segments))


def work(asked: Sequence[Asked], engine: Engine, config: Config) -> list[Outcome]:
    """Translate sentences and link words: what workers do, each sentence for itself.

    A sentence that comes with a translation is not translated again, only linked. What the engine
    refuses comes out as its error; the others go on.
    """
    fresh = [text for text, known in asked if known is None]
    said = dict(zip(fresh, _each(fresh, engine), strict=True))
    found = [said[text] if known is None else known for text, known in asked]
    return _linked_each(asked, found, config) if config.words else found


def paired(
    prepared: Prepared, found: Mapping[str, Outcome], mark: str, config: Config
) -> Bitext | Failure:
    """Pair an article's sentences with what was found for them, under the signature `mark`."""
    pairs = []
    for one in prepared.segments:
        outcome = found[one.text]
        if isinstance(outcome, BitexteError):
            return Failure(name=prepared.article.name, error=outcome)
        pairs.append(_pair(one, outcome))
    return Bitext(
        article=prepared.article,
        pairs=tuple(pairs),
        signature=mark,
        target_lang=config.target_lang,
    )


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
    both = id_of_both(source.article.id, target.article.id)
    bitext = Bitext(
        article=replace(source.article, id=both, meta=meta),
        pairs=tuple(_beaded(source, target, beads, both)),
        signature=signature_of_alignment(config, source.presegmented),
        target_lang=target.article.lang,
    )
    return linked(bitext, config) if config.words else bitext


def id_of_both(source: str, target: str) -> str:
    """Make the id of an aligned article: it is another one if either text has changed."""
    return hashlib.sha256(f"{source} {target}".encode()).hexdigest()[:16]


def linked(bitext: Bitext, config: Config) -> Bitext:
    """Say which words of each pair go together; equal pairs are read once."""
    texts = list(dict.fromkeys((pair.source, pair.target) for pair in bitext.pairs))
    links = dict(zip(texts, _links(texts, config), strict=True))
    pairs = (replace(pair, links=links[pair.source, pair.target]) for pair in bitext.pairs)
    return replace(bitext, pairs=tuple(pairs))


def _links(texts: Sequence[tuple[str, str]], config: Config) -> list[Links]:
    langs = config.source_lang, config.target_lang
    return word_links(
        [(cut(source, langs[0]), cut(target, langs[1])) for source, target in texts], config
    )


def word_links(pairs: Sequence[tuple[Cut, Cut]], config: Config) -> list[Links]:
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


def signature(engine: str, config: Config, memory: str = "") -> str:
    """Name all that changes the rows: engine, model and its content, beam, segmenter, version.

    `engine` is the engine's own signature; `memory` the digest of what was imported into it, in
    which sentences are looked up first.
    """
    parts = [f"engine:{engine}", *_segmenter(config)]
    if memory:
        parts.append(f"memory:{memory}")
        if config.fuzzy:
            parts.append(f"fuzzy:{config.fuzzy:g}")
    return _signature(parts, config)


def signature_of_alignment(config: Config, presegmented: bool = False) -> str:
    """Name all that changes the rows of an aligned text: aligner, segmenter, version."""
    from bitexte.stages.align import VERSION as ALIGNER

    cuts = ["seg:lines"] if presegmented else _segmenter(config)
    return _signature([f"align:{ALIGNER}", *cuts], config)


def linker(config: Config) -> str:
    """Name all that decides which words of a pair go together; empty where nobody looks."""
    if not config.words:
        return ""
    from bitexte.stages.words import VERSION as LINKER

    by = models.find(config.model, config.revision).label if _by_attention(config) else ""
    return f"{LINKER}{by and '-'}{by}"


def _segmenter(config: Config) -> list[str]:
    parts = [f"seg:{VERSION}", f"cut:{config.max_sentence_chars}"]
    if config.keep_quotes:
        parts.append("quotes:whole")
    if config.abbreviations:
        listing = "\n".join(sorted(config.abbreviations)).encode()
        parts.append(f"abbr:{hashlib.sha256(listing).hexdigest()[:8]}")
    return parts


def _signature(parts: list[str], config: Config) -> str:
    parts = [*parts, f"langs:{config.source_lang}-{config.target_lang}"]
    # What is refused is no row: under other limits, the texts are looked at again.
    for name in ("min_french", "max_article_chars"):
        if getattr(config, name) != getattr(_DEFAULTS, name):
            parts.append(f"{name}:{getattr(config, name):g}")
    if config.words:
        parts.append(f"words:{linker(config)}")
    return "|".join([*parts, f"bitexte:{__version__}"])


def _by_attention(config: Config) -> bool:
    """Tell whether a model has to say which words go together, for want of a table."""
    from bitexte.stages.lexicon import load

    return config.engine != "identity" and load(config.source_lang, config.target_lang) is None


def tried(article: Article | Failure, config: Config) -> Prepared | Failure:
    """Prepare an article; give the Failure where that cannot be done."""
    if isinstance(article, Failure):
        return article
    try:
        return prepare(article, config)
    except BitexteError as error:
        return Failure(name=article.name, error=error)


def _each(texts: Sequence[str], engine: Engine) -> list[Outcome]:
    """Translate texts together; if the engine fails, one at a time, to learn which it refuses.

    Raises what the engine raised if it is no BitexteError and strikes every one of many: a bug.
    """
    try:
        return list(engine.translate(texts))
    except Exception as error:
        if len(texts) == 1:
            return [_refusal(texts[0], error)]
        outcomes = [one for text in texts for one in _each([text], engine)]
        every = len(texts) >= STRIKES and all(isinstance(one, BitexteError) for one in outcomes)
        if every and not isinstance(error, BitexteError):
            raise
        return outcomes


def _refusal(text: str, error: Exception) -> BitexteError:
    if isinstance(error, BitexteError):
        return error
    return ModelError(
        f"the engine failed on {text[:40]!r}: {type(error).__name__}: {error}",
        "leave this sentence out, or try another --engine",
    )


def _linked_each(asked: Sequence[Asked], found: Sequence[Outcome], config: Config) -> list[Outcome]:
    texts = [
        (source, outcome.text)
        for (source, _), outcome in zip(asked, found, strict=True)
        if isinstance(outcome, Translation)
    ]
    links = iter(_links(texts, config))
    return [
        replace(one, links=next(links)) if isinstance(one, Translation) else one for one in found
    ]


def _pair(segment: Segment, translation: Translation) -> Pair:
    return Pair(
        id=f"{segment.article_id}:{segment.index:04d}",
        article_id=segment.article_id,
        source=segment.text,
        target=translation.text,
        start=segment.start,
        end=segment.end,
        logprob=round(translation.logprob, 4),
        links=translation.links or (),
        confidence=confidence(translation),
        origin=translation.origin,
    )


def _beaded(
    source: Prepared, target: Prepared, beads: "Iterable[Bead]", article_id: str
) -> Iterator[Pair]:
    place = 0
    for index, bead in enumerate(beads):
        left, right = source.segments[slice(*bead.source)], target.segments[slice(*bead.target)]
        start, place = (left[0].start, left[-1].end) if left else (place, place)
        yield Pair(
            id=f"{article_id}:{index:04d}",
            article_id=article_id,
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
