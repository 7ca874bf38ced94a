"""bitexte align: pair texts with their human translations, and words with words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from bitexte import batch, flow, readers, store
from bitexte import config as settings
from bitexte.batch import Unchanged
from bitexte.cli import close, links, options, report
from bitexte.config import Config
from bitexte.errors import BitexteError, ConfigError, Failure, InputError
from bitexte.files import STDIN, is_folder, read_bytes, stamp
from bitexte.records import Bitext
from bitexte.stages.language import primary


def align(
    source: Annotated[str, typer.Argument(help="A French text, or a folder.")] = STDIN,
    target: Annotated[str, typer.Argument(help="Its translation, or a folder.")] = "",
    presegmented: Annotated[
        bool, typer.Option("--presegmented", help="One sentence a line already.")
    ] = False,
    words: Annotated[
        bool,
        typer.Option("--words", help="Only print the word links of two files, line by line."),
    ] = False,
    jsonl: Annotated[
        bool,
        typer.Option("--jsonl", help='Read {"id", "src", "tgt"} lines, write {"id", "links"}.'),
    ] = False,
    formats: options.Formats = None,
    out: options.Out = None,
    name: options.Name = None,
    source_lang: options.SourceLang = None,
    target_lang: options.TargetLang = None,
    min_confidence: options.MinConfidence = None,
    no_words: options.NoWords = False,
    model: Annotated[
        str | None,
        typer.Option(help="MarianMT model that links words where there is no table for it."),
    ] = None,
    abbreviations: options.Abbreviations = None,
    keep_quotes: options.KeepQuotes = False,
    force: options.Force = False,
    store_file: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Pair texts with their human translations, sentence by sentence, and write parallel corpora.

    Examples:
    bitexte align seeds/dispatch.txt seeds/dispatch.en.txt --format html

    bitexte align archive/fr archive/en --out corpus

    bitexte align --words sentences.fr sentences.en

    """
    loaded = options.load(
        config,
        force,
        no_words,
        # Without a model there is none to ask, as with the dry run.
        engine=None if model else "identity",
        model=model,
        formats=formats,
        out=out,
        abbreviations=abbreviations,
        keep_quotes=keep_quotes or None,
        source_lang=source_lang,
        target_lang=target_lang,
        min_confidence=min_confidence,
        store=store_file,
    )
    if source == target == STDIN or (jsonl and target):
        raise ConfigError(f"{target}: one text too many", "stdin is one side, --jsonl one file")
    if jsonl:
        links.answer(source, loaded, words)
        return
    if not target:
        raise ConfigError("one text to align", "name two: the text and its translation")
    if words:
        links.print_words(source, target, loaded, as_json)
        return
    pairs = list(_matched(source, target, loaded))
    if len(pairs) == 1 and not isinstance(pairs[0], Failure):
        for one in pairs[0]:
            readers.check(one)
    called = name or f"{close.named([source])}-aligned"
    words_of = ["align", source, target, *(["--presegmented"] if presegmented else [])]
    with store.opened(close.store_path(loaded)) as kept:
        job = _Job(kept, loaded, presegmented)
        texts = [one.name if isinstance(one, Failure) else one[0] for one in pairs]
        tally = report.Tally(len(pairs))
        close.say_if_taken(kept, called, texts, tally)
        job.run = kept.begin(
            called,
            job.signature,
            texts,
            stamp(),
            close.command(
                [*words_of, *(["--name", name] if name else [])],
                loaded,
                settings.read(config),
                close.ALIGN_FLAGS | ({"model"} if model else set()),
            ),
            close.settings(loaded),
        )
        for _ in report.watch(batch.keep(kept, job.run, map(job.aligned, pairs)), tally):
            pass
        kept.end(job.run, stamp())
        close.finish(kept, job.run, called, loaded, tally, as_json)


class _Job:
    """What aligning one text after the other needs; `run` is its number in the store."""

    def __init__(self, kept: store.Store, config: Config, presegmented: bool) -> None:
        self.run = 0
        self.signature = flow.signature_of_alignment(config, presegmented)
        self._kept = kept
        self._config = config
        self._presegmented = presegmented

    def aligned(self, pair: tuple[str, str] | Failure) -> Bitext | Failure | Unchanged:
        """Align a text with its translation, unless that is done already."""
        from bitexte.engines.vectors import encode

        if isinstance(pair, Failure):
            return pair
        try:
            data = [read_bytes(name) for name in pair]
            identity = flow.id_of_both(*map(readers.article_id, pair, data))
            if rows := self._kept.finished(self.signature, {pair[0]: identity}):
                self._kept.mark(self.run, {**rows})
                return Unchanged(name=pair[0])
            langs = self._config.source_lang, self._config.target_lang
            left, right = (
                flow.prepare(readers.parse(own, name), self._config, lang, self._presegmented)
                for own, name, lang in zip(data, pair, langs, strict=True)
            )
            return flow.match(left, right, encode, self._config)
        except BitexteError as error:
            return Failure(name=pair[0], error=error)


def _matched(source: str, target: str, config: Config) -> Iterator[tuple[str, str] | Failure]:
    """Match two files, or the files of two folders by their names."""
    folders = [is_folder(given) for given in (source, target)]
    if not any(folders):
        yield source, target
        return
    if not all(folders):
        raise InputError(f"{source} and {target}: a folder and a file", "give two of a kind")
    langs = config.source_lang, config.target_lang
    left, right = _named(source, *langs), _named(target, *langs[::-1])
    for key in sorted(left.keys() | right.keys()):
        if key in left and key in right:
            yield left[key], right[key]
            continue
        lone, other = (left[key], target) if key in left else (right[key], source)
        error = InputError(
            f"{lone}: no text of that name in {other}",
            "give a text and its translation the same name, but for .fr and .en",
        )
        yield Failure(name=lone, error=error)


def _named(folder: str, lang: str, other: str) -> dict[str, str]:
    """Name the files of a folder by their path in it, without suffix and language.

    Those marked as the other language are left out: one folder may hold both sides.
    """
    found: dict[str, str] = {}
    for path in readers.expand(folder):
        stem = Path(path).relative_to(folder).with_suffix("")
        if stem.suffix.lower() in _marks(other):
            continue
        if stem.suffix.lower() in _marks(lang):
            stem = stem.with_suffix("")
        if str(stem) in found:
            raise InputError(f"{path} and {found[str(stem)]}: one name", "rename one of them")
        found[str(stem)] = path
    return found


def _marks(lang: str) -> tuple[str, str]:
    return f".{lang}".lower(), f".{primary(lang)}"
