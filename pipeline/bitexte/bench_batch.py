"""Whole folder runs as ratios: bare CTranslate2, workers, Ray, transformers, again; growth."""

import json
import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from bitexte import bench, flow, readers
from bitexte.config import Config
from bitexte.engines import model as models
from bitexte.engines.ct2 import cores
from bitexte.errors import InputError, OutputError

log = logging.getLogger(__name__)

# Sentences of one dispatch after the other.
SIZES = (3, 4, 5)
NAMES = ("bare", "jobs", "ray", "transformers", "again", "growth")
GROWTH = (1_000, 10_000, 100_000)
# What CTranslate2 is given at a time where nobody thinks of batches: tokens.
BARE_BATCH = 2048
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

    `flags` are those of the model, which all runs share. They run in the folder `work`, where no
    settings file of the user's is in the way. The two programs of a ratio take turns, `runs` times,
    and the best of each counts: a machine whose speed drifts is fair to both.
    """

    def __init__(
        self,
        work: Path,
        lines: Sequence[str],
        articles: int,
        config: Config,
        flags: Sequence[str],
        runs: int = 1,
    ) -> None:
        self._work = work
        self._lines = [line for line in lines if line.strip()]
        self._articles = articles
        self._config = config
        self._flags = list(flags)
        self._runs = range(runs)
        self._start_up = 0.0
        if not self._lines:
            raise InputError("no line to make dispatches of", "give a text, one sentence a line")

    def rows(self, names: Sequence[str], growth: Sequence[int]) -> Iterator[Row]:
        """Time what is named, one row after the other; each pair of programs back to back."""
        write(self._work / "one", self._lines, 1)
        write(self._work / "archive", self._lines, self._articles)
        self._run("one", "warm")  # converts the model
        # All of a run that has nothing to translate: what starting and ending take.
        self._start_up = self._run("one", "warm", fresh=False).seconds
        for name in dict.fromkeys(names):
            if name == "growth":
                yield from self._growth(list(dict.fromkeys(growth)))
            elif name == "ray" and find_spec("ray") is None:
                log.warning("ray is not installed: left out; pip install 'bitexte[ray]'")
            else:
                yield getattr(self, f"_{name}")()

    def _bare(self) -> Row:
        """Set a whole run, but for starting up, against CTranslate2 given all sentences at once."""
        prepared = (flow.prepare(readers.read(name), self._config) for name in self._names())
        sentences = flow.sentences(prepared)
        config = replace(self._config, batch_tokens=BARE_BATCH)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(bench._load, bench.BARE, config, sentences).result()
            others, owns = [], []
            for turn in self._runs:
                owns.append(self._run("archive", f"own{turn}"))
                others.append(pool.submit(bench._run).result())
        own = min(owns, key=self._work_of)
        return self._row("bare CTranslate2", own, self._work_of(own), min(others), 0.95)

    def _jobs(self) -> Row:
        threads = str(max(2, self._config.threads or cores()))
        two, one = self._best(("--jobs", "2", "--threads", threads), ("--threads", threads))
        return self._row("--jobs 1", two, self._work_of(two), self._work_of(one), 0.95)

    def _ray(self) -> Row:
        """Leave out what it takes to start workers and load the models, on both sides."""
        jobs = str(self._config.threads or cores())
        ray, local = self._best(("--runner", "ray", "--jobs", jobs), ())
        return self._row("local", ray, self._work_of(ray), self._work_of(local), 0.85)

    def _transformers(self) -> Row:
        """Set a run against a loop that gives transformers one article after the other."""
        few = self._work / "few"
        write(few, self._lines, min(PEER_ARTICLES, self._articles))
        own = self._run("few", "few-out")
        texts = [paragraphs(Path(name).read_text("utf-8")) for name in readers.expand(str(few))]
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            other = pool.submit(_loop, self._config, texts).result()
        return self._row("transformers, article by article", own, self._work_of(own), other, 8)

    def _again(self) -> Row:
        first = self._run("archive", "again")
        second = self._run("archive", "again", fresh=False)
        return self._row("the first run", second, second.seconds, first.seconds, 100)

    def _growth(self, sizes: Sequence[int]) -> Iterator[Row]:
        """Set the time that an article takes against the time it takes in the smallest folder."""
        least = 0.0
        for size in sizes:
            name = f"growth{size}"
            write(self._work / name, self._lines, size)
            timed = self._run(name, f"{name}-out", "--engine", "identity", "--no-words")
            seconds = self._work_of(timed)
            least = least or seconds / size
            yield self._row(f"{size:,} articles, as they grow", timed, seconds, least * size, 0.8)

    def _best(self, *kinds: Sequence[str]) -> list[_Timed]:
        """Run with each of these flags, in turns; return the best of each."""
        turns = [
            [self._run("archive", f"{'-'.join(kind)}{turn}", *kind) for kind in kinds]
            for turn in self._runs
        ]
        return [min(each, key=self._work_of) for each in zip(*turns, strict=True)]

    def _work_of(self, timed: _Timed) -> float:
        """Take off a run what it takes to start bitexte and to load the model."""
        return max(timed.seconds - timed.loading - self._start_up, 1e-3)

    def _names(self) -> list[str]:
        return readers.expand(str(self._work / "archive"))

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

    def _run(self, folder: str, out: str, *flags: str, fresh: bool = True) -> _Timed:
        """Run bitexte on a folder, as a process of its own with a store of its own."""
        if fresh and (self._work / out).exists():
            raise OutputError(f"{out}: timed already", "name each measurement once")
        command = [sys.executable, "-m", "bitexte", "run", folder, "--json", "--out", out]
        command += ["--store", f"{out}/bitexte.sqlite"]  # a settings file may name the user's
        log, trouble = self._work / "events", self._work / "errors"
        with log.open("w") as events, trouble.open("w") as errors:
            began = time.perf_counter()
            process = subprocess.Popen(
                [*command, *self._flags, *flags], cwd=self._work, stdout=events, stderr=errors
            )
            peak = _watched(process)
            seconds = time.perf_counter() - began
        if process.returncode:
            raise OutputError(
                f"a run that was timed ended with {process.returncode}: "
                f"{trouble.read_text('utf-8', 'replace').strip()[-500:]}",
                "see whether `bitexte run` does its work with the same settings",
            )
        end = json.loads(_last_line(log))
        return _Timed(
            seconds=seconds,
            loading=end["loading_seconds"],
            sentences=end["sentences"],
            peak_mb=peak,
        )


def _watched(process: "subprocess.Popen[bytes]") -> float:
    """Wait for a process; return its most memory in 10^6 bytes, or 0 where nobody tells.

    Not as the system counts it for children: there the peak of their parent counts, too.
    """
    peak, status = 0.0, Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        if status.exists() and (found := re.search(r"VmHWM:\s*(\d+)", status.read_text("utf-8"))):
            peak = max(peak, int(found[1]) * 1024 / 1e6)
        time.sleep(0.02)
    return round(peak, 1)


def _last_line(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        last = ""
        for line in lines:
            last = line
    return last


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
    import torch
    from transformers import MarianMTModel, MarianTokenizer

    folder = models.find(config.model, config.revision).folder
    tokenizer = MarianTokenizer.from_pretrained(folder)
    model = MarianMTModel.from_pretrained(folder).eval()
    if config.threads:
        torch.set_num_threads(config.threads)
    began = time.perf_counter()
    for article in articles:
        batch = tokenizer(list(article), return_tensors="pt", padding=True, truncation=True)
        made = model.generate(**batch, num_beams=config.beam_size)
        tokenizer.batch_decode(made, skip_special_tokens=True)
    return time.perf_counter() - began
