"""What a command says on stderr while it works and when it is done."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bitexte.batch import Translated, Unchanged
from bitexte.errors import Failure
from bitexte.records import SURE, Bitext, Pair

log = logging.getLogger(__name__)

LINE_EVERY_SECONDS = 60
# English takes a tenth less room than French; a side so many times the other is no translation.
TOO_LONG = 3


def warnings(bitext: Bitext) -> Iterator[str]:
    """List what a reader of this article should know."""
    name, meta = bitext.article.name, bitext.article.meta
    for text, prefix in ((name, ""), (meta.get("translation"), "translation ")):
        if encoding := meta.get(f"{prefix}encoding"):
            yield f"{text}: not UTF-8, decoded as {encoding}"
        if removed := meta.get(f"{prefix}removed"):
            yield f"{text}: removed {removed}"
        if lost := meta.get(f"{prefix}lost"):
            yield f"{text}: {lost} lost before it came here (U+FFFD)"
    if not bitext.pairs:
        yield f"{name}: no sentence to translate"
    if "translation" in meta:
        yield from _doubts(bitext)
        return
    for pair in bitext.pairs:
        if not pair.target.strip():
            yield f"{name}: no translation for characters {pair.start}-{pair.end}: left out"
        for flag in pair.flags:
            yield f"{name}: {flag} in characters {pair.start}-{pair.end}"


def _doubts(bitext: Bitext) -> Iterator[str]:
    """Count what a reader of an aligned text should look at."""
    pairs = bitext.pairs
    counts = {
        "without a counterpart in the translation": [p for p in pairs if "omission" in p.flags],
        "added by the translation": [p for p in pairs if "addition" in p.flags],
        "in doubtful beads": [p for p in pairs if not p.flags and p.confidence < SURE],
    }
    for what, found in counts.items():
        if sentences := sum(max(pair.bead) for pair in found):
            plural = "s" if sentences > 1 else ""
            yield f"{bitext.article.name}: {sentences:,} sentence{plural} {what}"
    left, right = (
        sum(len(text) for text in side) for side in zip(*map(_sides, pairs), strict=True)
    )
    longer, shorter = max(left, right), min(left, right)
    if longer > TOO_LONG * shorter:
        times = longer / max(1, shorter)
        yield f"{bitext.article.name}: one side is {times:.0f} times as long as the other"


def _sides(pair: Pair) -> tuple[str, str]:
    return pair.source, pair.target


Done = Bitext | Failure | Unchanged | Translated


class Tally:
    """Counts of what came out, and the log of what went wrong; `total` is the number of texts."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.articles = 0
        self.unchanged = 0
        self.sentences = 0
        self.translated = 0
        self.progress = 0.0  # articles, in part those whose window is not complete
        self.failures: list[Failure] = []
        self.warnings: list[str] = []
        self.started = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    @property
    def finished(self) -> int:
        return self.articles + self.unchanged + len(self.failures)

    @property
    def along(self) -> int:
        """Count articles, those of windows that are on their way by their share of sentences."""
        return max(self.finished, self.unchanged + len(self.failures) + int(self.progress))

    @property
    def rate(self) -> float:
        """Sentences a second; those of texts that were done before do not count."""
        return max(self.translated, self.sentences) / max(self.seconds, 1e-9)

    @property
    def left_seconds(self) -> float | None:
        """Estimate the time left by what was done in this run; None before anything was."""
        done = max(self.progress, self.articles + len(self.failures))
        return self.seconds / done * (self.total - self.unchanged - done) if done else None

    def add(self, done: Done) -> None:
        """Count one article, and log its warnings."""
        if isinstance(done, Translated):
            self.translated += done.sentences
            self.progress += done.articles
        elif isinstance(done, Unchanged):
            self.unchanged += 1
        elif isinstance(done, Failure):
            self.failures.append(done)
        else:
            self.articles += 1
            self.sentences += len(done.pairs)
            for warning in warnings(done):
                self.warn(warning)

    def warn(self, warning: str) -> None:
        """Count a warning, and log it."""
        self.warnings.append(warning)
        log.warning("%s", warning)


def watch(done: Iterable[Done], tally: Tally) -> Iterator[Done]:
    """Count all that comes out and let it through, showing how far it is: a bar, or lines."""
    with _display(tally) as show:
        for one in done:
            tally.add(one)
            show()
            yield one


def table(tally: Tally, sentences: int, loading: float) -> None:
    """Print the closing lines: all sentences that are done, seconds, warnings."""
    if _quiet():
        return
    done = tally.articles + tally.unchanged
    told = [f"{tally.unchanged:,} unchanged"] if tally.unchanged else []
    told += [f"{len(tally.failures):,} failed"] if tally.failures else []
    pending = tally.total - tally.finished
    told += [f"{pending:,} pending"] if pending else []
    part = f" ({loading:.1f} of them to load the model)" if loading else ""
    lines = (
        f"sentences: {sentences:,} in {done:,} article{'s' * (done != 1)}"
        + "".join(f", {one}" for one in told),
        f"seconds: {tally.seconds:.1f}{part}",
        f"warnings: {len(tally.warnings):,}",
    )
    print(*lines, sep="\n", file=sys.stderr)


def _quiet() -> bool:
    return log.getEffectiveLevel() >= logging.ERROR


@contextmanager
def _display(tally: Tally) -> Iterator[Callable[[], None]]:
    if _quiet():
        yield lambda: None
        return
    if not sys.stderr.isatty():
        yield _line_a_minute(tally)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("articles"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=tally.total)
        yield lambda: bar.update(task, completed=tally.along, description=_rest(tally))


def _rest(tally: Tally) -> str:
    """Say how fast it goes, how long it will take and what went wrong."""
    left = tally.left_seconds
    parts = [
        f"{tally.rate:,.1f} sentences/s",
        f"{_clock(left)} left" if left is not None else "",
        f"{len(tally.failures):,} failed" if tally.failures else "",
    ]
    return ", ".join(filter(None, parts))


def _clock(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def _line_a_minute(tally: Tally) -> Callable[[], None]:
    last = time.perf_counter()

    def show() -> None:
        nonlocal last
        if time.perf_counter() - last > LINE_EVERY_SECONDS:
            last = time.perf_counter()
            print(f"{tally.along:,} of {tally.total:,} articles, {_rest(tally)}", file=sys.stderr)

    return show
