"""What a command says on stderr while it works and when it is done."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

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


class Tally:
    """Counts of what came out, and the log of what went wrong."""

    def __init__(self) -> None:
        self.bitexts: list[Bitext] = []
        self.failures: list[Failure] = []
        self.warnings: list[str] = []
        self.started = time.perf_counter()

    @property
    def sentences(self) -> int:
        return sum(len(bitext.pairs) for bitext in self.bitexts)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def add(self, done: Bitext | Failure) -> None:
        """Count one article, and log its warnings."""
        if isinstance(done, Failure):
            self.failures.append(done)
            return
        self.bitexts.append(done)
        for warning in warnings(done):
            self.warnings.append(warning)
            log.warning("%s", warning)


def watch(done: Iterable[Bitext | Failure], tally: Tally, total: int | None = None) -> None:
    """Take all that comes out, showing how far it is: a bar, or one line a minute."""
    with _display(total) as show:
        for one in done:
            tally.add(one)
            show(tally)


def summary(tally: Tally, loading: float) -> None:
    """Print the three closing lines: sentences, seconds, warnings."""
    articles = len(tally.bitexts)
    failed = f", {len(tally.failures)} failed" if tally.failures else ""
    part = f" ({loading:.1f} of them to load the model)" if loading else ""
    lines = (
        f"sentences: {tally.sentences:,} in {articles:,} article{'s' * (articles != 1)}{failed}",
        f"seconds: {tally.seconds:.1f}{part}",
        f"warnings: {len(tally.warnings)}",
    )
    print(*lines, sep="\n", file=sys.stderr)


@contextmanager
def _display(total: int | None) -> Iterator[Callable[[Tally], None]]:
    if not sys.stderr.isatty():
        yield _line_a_minute()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("articles", total=total)

        def show(tally: Tally) -> None:
            finished = len(tally.bitexts) + len(tally.failures)
            bar.update(task, completed=finished, description=f"{tally.sentences:,} sentences")

        yield show


def _line_a_minute() -> Callable[[Tally], None]:
    last = time.perf_counter()

    def show(tally: Tally) -> None:
        nonlocal last
        if time.perf_counter() - last > LINE_EVERY_SECONDS:
            last = time.perf_counter()
            articles = len(tally.bitexts) + len(tally.failures)
            print(f"{articles:,} articles, {tally.sentences:,} sentences", file=sys.stderr)

    return show
