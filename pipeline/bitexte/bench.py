"""Sentences, tokens and seconds of an engine; peak memory."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bitexte.config import Config
from bitexte.engines import load
from bitexte.engines import model as models
from bitexte.engines.ct2 import compute_type, translator
from bitexte.engines.pieces import Pieces
from bitexte.errors import ConfigError

# CTranslate2 given the pieces, without bitexte around it: what ct2 is held against.
BARE = "bare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One engine's figures; `seconds` is its best run, tokens are subword pieces, MB 10^6 bytes."""

    engine: str
    signature: str
    sentences: int
    source_tokens: int
    target_tokens: int
    load_seconds: float
    seconds: float
    sentences_per_second: float
    source_tokens_per_second: float
    target_tokens_per_second: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What a measuring process holds: `run` translates everything and counts target tokens."""

    signature: str
    seconds: float
    run: Callable[[], int]


def measure(names: Sequence[str], config: Config, sentences: list[str], runs: int) -> list[Row]:
    """Time engines on the same sentences, each in a process of its own.

    The engines take turns, `runs` times, so that a machine whose speed drifts is fair to all.
    """
    if runs < 1:
        raise ConfigError(f"runs is {runs}", "choose 1 or more")
    # Here, and not above: `bitexte --help` need not pay for them.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    pools = [ProcessPoolExecutor(1, mp_context=context) for _ in names]
    try:
        for name, pool in zip(names, pools, strict=True):
            pool.submit(_load, name, config, sentences).result()
        times: list[list[float]] = [[] for _ in names]
        for _ in range(runs):
            for own, pool in zip(times, pools, strict=True):
                own.append(pool.submit(_run).result())
        source_tokens = sum(map(len, _sources(config, sentences)))
        return [
            pool.submit(_row, name, len(sentences), source_tokens, min(own)).result()
            for name, pool, own in zip(names, pools, times, strict=True)
        ]
    finally:
        for pool in pools:
            pool.shutdown()


def _pieces(config: Config) -> Pieces:
    return Pieces(models.find(config.model, config.revision).folder)


def _sources(config: Config, sentences: Sequence[str]) -> list[list[str]]:
    """Cut sentences into the pieces, end marks included, that a model is given."""
    pieces = _pieces(config)
    return [pieces.encode(part) for sentence in sentences for part in pieces.parts(sentence)]


_state: _Loaded
_target_tokens: int


def _load(name: str, config: Config, sentences: list[str]) -> None:
    global _state
    _state = _bare(config, sentences) if name == BARE else _engine(name, config, sentences)


def _engine(name: str, config: Config, sentences: list[str]) -> _Loaded:
    started = time.perf_counter()
    engine = load(replace(config, engine=name))
    seconds = time.perf_counter() - started
    return _Loaded(
        engine.signature,
        seconds,
        lambda: sum(found.tokens for found in engine.translate(sentences)),
    )


def _bare(config: Config, sentences: list[str]) -> _Loaded:
    model = models.find(config.model, config.revision)
    sources = _sources(config, sentences)
    longest = _pieces(config).target_limit  # here: reading the pieces is none of the run's time
    folder = models.converted(model, compute_type(config), config.cache)
    started = time.perf_counter()
    bare = translator(folder, config)
    seconds = time.perf_counter() - started

    def run() -> int:
        results = bare.translate_batch(
            sources,
            beam_size=config.beam_size,
            max_batch_size=config.batch_tokens,
            batch_type="tokens",
            max_decoding_length=longest,
        )
        return sum(len(found.hypotheses[0]) + 1 for found in results)

    return _Loaded(f"ct2-{compute_type(config)}|model:{model.label}", seconds, run)


def _run() -> float:
    global _target_tokens
    started = time.perf_counter()
    _target_tokens = _state.run()
    return time.perf_counter() - started


def _row(name: str, sentences: int, source_tokens: int, seconds: float) -> Row:
    return Row(
        engine=name,
        signature=_state.signature,
        sentences=sentences,
        source_tokens=source_tokens,
        target_tokens=_target_tokens,
        load_seconds=round(_state.seconds, 3),
        seconds=round(seconds, 3),
        sentences_per_second=round(sentences / seconds, 1),
        source_tokens_per_second=round(source_tokens / seconds, 1),
        target_tokens_per_second=round(_target_tokens / seconds, 1),
        peak_mb=round(_peak_megabytes(), 1),
    )


def _peak_megabytes() -> float:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
