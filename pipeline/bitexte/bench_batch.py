"""Whole folder runs as ratios: bare CTranslate2, workers, Ray, transformers, again; growth."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bitexte import bench, flow, readers
from bitexte.config import Config
from bitexte.engines import model as models
from bitexte.errors import BitexteError, InputError

# Sentences of one dispatch after the other.
SIZES = (3, 4, 5)
NAMES = ("bare", "jobs", "ray", "transformers", "again", "growth")
GROWTH = (1_000, 10_000, 100_000)
# The peer takes minutes for what we do in seconds.
PEER_ARTICLES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A ratio of two times in seconds, and the least it should be: above 1, `ours` is faster.

    `sentences` were translated by each; `peak_mb` is the most memory of ours, in 10^6 bytes.
    """

    name: str
    sentences: int
    ours: float
    other: float
    ratio: float
    bar: float
    peak_mb: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    seconds: float
    loading: float
    sentences: int
    peak_mb: float


class Bench:
    """Dispatches in a folder of their own, and the programs that are timed on them.

    `settings` are the flags of the model that all runs share.
    """

    def __init__(
        self, work: Path, lines: Sequence[str], articles: int, config: Config, flags: Sequence[str]
    ) -> None:
        self._work = work
        self._lines = [line for line in lines if line.strip()]
        self._articles = articles
        self._config = config
        self._flags = list(flags)
        self._runs = 0
        self._start_up = 0.0
        if not self._lines:
            raise InputError("no line to make dispatches of", "give a text, one sentence a line")

    def rows(self, names: Sequence[str], growth: Sequence[int]) -> Iterator[Row]:
        """Time what is named, one row after the other; each pair of programs back to back."""
        if set(names) - {"growth"}:
            write(self._work / "archive", self._lines, self._articles)
            write(self._work / "one", self._lines, 1)
            self._run("one", "warm")  # converts the model
            self._start_up = self._run("one", "start").seconds
        for name in names:
            if name == "growth":
                yield from self._growth(growth)
            else:
                yield getattr(self, f"_{name}")()

    def _bare(self) -> Row:
        """Set a whole run, but for starting up, against CTranslate2 given all sentences at once."""
        own = self._run("archive")
        prepared = (flow.prepare(readers.read(name), self._config) for name in self._names())
        sentences = flow.sentences(prepared)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(bench._load, bench.BARE, self._config, sentences).result()
            other = pool.submit(bench._run).result()
        return self._row("bare CTranslate2", own, own.seconds - self._start_up, other, 0.95)

    def _jobs(self) -> Row:
        threads = str(max(2, self._config.threads or os.cpu_count() or 2))
        two = self._run("archive", "jobs2", "--jobs", "2", "--threads", threads)
        one = self._run("archive", "jobs1", "--threads", threads)
        return self._row("--jobs 1", two, two.seconds, one.seconds, 0.95)

    def _ray(self) -> Row:
        """Leave out what it takes to start Ray and load the models."""
        cores = os.cpu_count() or 2
        flags = ("--runner", "ray", "--jobs", str(cores))
        ray = self._run("archive", "ray", *flags)
        local = self._run("archive", "local")
        return self._row(
            "local, Ray's start apart", ray, ray.seconds - ray.loading, local.seconds, 0.85
        )

    def _transformers(self) -> Row:
        """Set a run against a loop that gives transformers one article after the other."""
        count = min(PEER_ARTICLES, self._articles)
        write(self._work / "few", self._lines, count)
        own = self._run("few")
        texts = [paragraphs(Path(name).read_text("utf-8")) for name in readers.expand(self._few())]
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            other = pool.submit(_loop, self._config, texts).result()
        return self._row(
            "transformers, article by article", own, own.seconds - self._start_up, other, 8
        )

    def _again(self) -> Row:
        first = self._run("archive", "again", fresh=True)
        second = self._run("archive", "again", fresh=False)
        return replace(
            self._row("the first run", first, second.seconds, first.seconds, 100),
            peak_mb=second.peak_mb,
        )

    def _growth(self, sizes: Sequence[int]) -> Iterator[Row]:
        """Set the time an article takes in a folder against that in the smallest folder."""
        least = 0.0
        for size in sizes:
            name = f"growth{size}"
            write(self._work / name, self._lines, size)
            timed = self._run(name, name, "--engine", "identity", "--no-words")
            each = timed.seconds / size
            least = least or each
            yield replace(
                self._row(f"{size:,} articles, by the article", timed, each, least, 0.8),
                ours=round(timed.seconds, 3),
                other=round(least * size, 3),
            )

    def _names(self) -> list[str]:
        return readers.expand(str(self._work / "archive"))

    def _few(self) -> str:
        return str(self._work / "few")

    def _row(self, name: str, timed: _Timed, ours: float, other: float, bar: float) -> Row:
        return Row(
            name=name,
            sentences=timed.sentences,
            ours=round(ours, 3),
            other=round(other, 3),
            ratio=round(other / ours, 3),
            bar=bar,
            peak_mb=timed.peak_mb,
        )

    def _run(self, folder: str, out: str = "", *flags: str, fresh: bool = True) -> _Timed:
        """Run bitexte on a folder, as a process of its own with a store of its own."""
        self._runs += fresh
        exports = self._work / f"{out or 'run'}-{self._runs}"
        command = [sys.executable, "-m", "bitexte", "run", str(self._work / folder), "--json"]
        log = self._work / "events"
        with log.open("w+") as events, (self._work / "errors").open("w+") as errors:
            began = time.perf_counter()
            process = subprocess.Popen(
                [*command, "--out", str(exports), *self._flags, *flags],
                stdout=events,
                stderr=errors,
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            events.seek(0)
            errors.seek(0)
            return _timed(process.returncode, events.read(), errors.read(), seconds, usage)


def _timed(code: int, events: str, errors: str, seconds: float, usage: Any) -> _Timed:
    if code:
        raise BitexteError(f"a run that was timed ended with {code}: {errors.strip()[-500:]}")
    end = json.loads(events.splitlines()[-1])
    unit = 1 if sys.platform == "darwin" else 1024
    return _Timed(
        seconds=seconds,
        loading=end["loading_seconds"],
        sentences=end["sentences"],
        peak_mb=round(usage.ru_maxrss * unit / 1e6, 1),
    )


def write(folder: Path, lines: Sequence[str], articles: int) -> None:
    """Write short dispatches made of lines in turn; the second time round they get a number."""
    folder.mkdir()
    place = 0
    for number in range(articles):
        size = SIZES[number % len(SIZES)]
        chosen = [_line(lines, at) for at in range(place, place + size)]
        place += size
        text = "\n\n".join(chosen)
        (folder / f"{number:06}.txt").write_text(f"PARIS (AFP) - {text} (AFP)\n", "utf-8")


def _line(lines: Sequence[str], place: int) -> str:
    turn, at = divmod(place, len(lines))
    return f"{lines[at].strip().rstrip('.')} {turn}." if turn else lines[at].strip()


def paragraphs(text: str) -> list[str]:
    """Cut a dispatch into paragraphs, as people who have no segmenter do."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def _loop(config: Config, articles: Sequence[Sequence[str]]) -> float:
    """Translate article by article, as transformers' translation pipeline did until version 5."""
    from transformers import MarianMTModel, MarianTokenizer

    folder = models.find(config.model, config.revision).folder
    tokenizer = MarianTokenizer.from_pretrained(folder)
    model = MarianMTModel.from_pretrained(folder).eval()
    began = time.perf_counter()
    for article in articles:
        batch = tokenizer(list(article), return_tensors="pt", padding=True, truncation=True)
        made = model.generate(**batch, num_beams=config.beam_size)
        tokenizer.batch_decode(made, skip_special_tokens=True)
    return time.perf_counter() - began
