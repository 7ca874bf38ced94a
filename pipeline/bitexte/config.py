"""Every setting with its unit and default; a TOML file, then flags; the signature."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from bitexte.errors import ConfigError
from bitexte.registry import unknown

DEFAULT_FILE = Path("bitexte.toml")
#: A language, perhaps with script, region, variants and what is private (BCP 47): fr, fr-BE,
#: zh-Hant-TW, de-CH-1996, en-x-news.
LANGUAGE_TAG = (
    r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?"
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(-x(-[A-Za-z0-9]{1,8})+)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting, flat, with its unit.

    engine: a name of the table of engines
    model: an embedded model's name, a folder, or a hub id such as Helsinki-NLP/opus-mt-fr-en
    revision: commit, branch or tag of a hub model (empty: its main branch)
    cache: folder for converted models (empty: the user's cache folder)
    device: cpu or cuda
    compute: number type of the ct2 engine (auto: int8 on a CPU, float16 on a GPU)
    threads: CPU threads in all (0: all cores); on a cluster, those of one worker (0: 1)
    runner: a name of the table of runners
    jobs: workers (0: one; on a cluster, as many as its CPUs or GPUs carry)
    address: the cluster to join (empty: one on this machine)
    beam_size: hypotheses kept at each step (1: greedy)
    batch_tokens: source tokens a batch, padding included
    window_sentences: sentences looked at together; more of them make fuller batches
    max_sentence_chars: code points in a sentence before it is cut at a clause
    max_article_chars: code points in an article before it is refused
    abbreviations: those that end no sentence, beside the ones known
    keep_quotes: keep a quotation of several sentences in one segment
    words: say of each pair which words go together
    source_lang, target_lang: BCP 47 tags
    min_french: lowest probability that an article is French (a translation English), 0 to 1
    fuzzy: how near a sentence in memory must be to be suggested, 0 to 1 (0: no suggestions)
    store: file of what is done (empty: bitexte.sqlite in `out`)
    formats: export formats
    out: folder for the exports
    min_confidence: pairs below are left out of the exports, 0 to 1
    """

    engine: str = "ct2"
    model: str = "fr-en"
    revision: str = ""
    cache: str = ""
    device: str = "cpu"
    compute: str = "auto"
    threads: int = 0
    runner: str = "local"
    jobs: int = 0
    address: str = ""
    beam_size: int = 4
    batch_tokens: int = 2048
    window_sentences: int = 8192
    max_sentence_chars: int = 1000
    max_article_chars: int = 1_000_000
    abbreviations: tuple[str, ...] = ()
    keep_quotes: bool = False
    words: bool = True
    source_lang: str = "fr"
    target_lang: str = "en"
    min_french: float = 0.8
    fuzzy: float = 0.0
    store: str = ""
    formats: tuple[str, ...] = ("tmx", "jsonl")
    out: str = "exports"
    min_confidence: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(
                    f"{name} is {value}, outside {low} to {high}", f"choose {name} from that range"
                )
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise unknown(name, getattr(self, name), known)
        for name in ("source_lang", "target_lang"):
            if not re.fullmatch(LANGUAGE_TAG, tag := getattr(self, name)):
                raise ConfigError(
                    f"{name} is {tag!r}, no language tag that bitexte knows",
                    "write one such as fr or fr-BE",
                )


RANGES: dict[str, tuple[float, float]] = {
    "threads": (0, 1024),
    "beam_size": (1, 64),
    "batch_tokens": (1, 1_000_000),
    "window_sentences": (1, 1_000_000),
    "jobs": (0, 4096),
    "fuzzy": (0, 1),
    "max_sentence_chars": (50, 100_000),
    "max_article_chars": (1, 1_000_000_000),
    "min_french": (0, 1),
    "min_confidence": (0, 1),
}

CHOICES: dict[str, list[str]] = {
    "device": ["cpu", "cuda"],
    "compute": ["auto", "float32", "float16", "bfloat16", "int8", "int8_float32", "int8_float16"],
}

# Settings that are files or folders.
PATHS = ("model", "cache", "store", "out")


def load(path: Path | None = None, flags: Mapping[str, Any] | None = None) -> Config:
    """Build the settings: the defaults, then the file, then the flags that are not None.

    Without `path`, `bitexte.toml` of the working folder is read if it is there. Raises
    ConfigError for an unknown key (naming the nearest), a wrong type or a value out of range.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    return replace(Config(), **_checked({**read(path), **given}))


def read(path: Path | None = None) -> dict[str, Any]:
    """Read what a settings file says, see `load`; whether it may say so is not looked at."""
    if path is None and not DEFAULT_FILE.exists():
        return {}
    import tomllib

    path = path or DEFAULT_FILE
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}", "see the settings in the README") from error
    return {name: _plain(name, value) for name, value in given.items()}


def _plain(name: str, value: Any) -> Any:
    """Make lists tuples; put the home folder for a ~, as a shell does with flags."""
    if name in PATHS and isinstance(value, str):
        # Path's own raises for a user that is not there.
        return os.path.expanduser(value)  # noqa: PTH111
    return tuple(value) if isinstance(value, list) else value


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {field.name: type(field.default) for field in fields(Config)}
    checked = {}
    for name, value in values.items():
        if name not in kinds:
            raise unknown("setting", name, list(kinds))
        checked[name] = _converted(name, value, kinds[name])
    return checked


def _converted(name: str, value: Any, kind: type) -> Any:
    if kind is tuple and isinstance(value, (list, tuple)) and all(map(_is_text, value)):
        return tuple(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind or kind is tuple:
        raise ConfigError(f"{name} is {value!r}, not a {kind.__name__}", "see the README")
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)
