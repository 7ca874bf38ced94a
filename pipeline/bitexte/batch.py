"""Folders at scale: what is not done yet, window by window, through a runner into the store."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from functools import cached_property

from bitexte import engines, flow, readers, runners
from bitexte.config import Config
from bitexte.errors import BitexteError, Failure, ModelError
from bitexte.files import read_bytes, stamp
from bitexte.flow import Asked, Outcome, Prepared
from bitexte.records import Bitext, Translation
from bitexte.stages.fuzzy import Near
from bitexte.stages.language import primary
from bitexte.store import Store

# Texts whose bytes are in memory at a time, to see which of them are done.
READ_AHEAD = 256
# The most sentences of a window that a worker is given at a time: enough for full batches of one
# length, for a window is cut up by length, and few enough to lose little and to see it go on.
TASK_SENTENCES = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """A text that was done before, under the same signature."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """A word of progress: sentences that are back, and the articles' worth that they are."""

    sentences: int
    articles: float


@dataclass(slots=True, kw_only=True, eq=False)
class _Window:
    """Texts that are looked at together, what they ask for, and what is known by now."""

    texts: Sequence[Prepared]
    asked: Sequence[Asked]
    found: dict[str, Outcome]

    @property
    def complete(self) -> bool:
        return all(text in self.found for text, _ in self.asked)


@dataclass(slots=True)
class _Open:
    """Windows that are not complete: tasks to hand out, and who waits for each sentence.

    A sentence that another window has asked for already is not asked for again.
    """

    tasks: deque[Sequence[Asked]] = field(default_factory=deque)
    waiting: dict[str, list[_Window]] = field(default_factory=dict)

    def add(self, window: _Window, length: Callable[[str], int]) -> None:
        """Cut what a window asks for into tasks of sentences of like length, the longest first."""
        fresh = [one for one in window.asked if one[0] not in self.waiting]
        for text, _ in window.asked:
            self.waiting.setdefault(text, []).append(window)
        lengths: dict[int, list[Asked]] = {}
        for one in fresh:
            lengths.setdefault(length(one[0]), []).append(one)
        self.tasks.extend(_tasks([lengths[size] for size in sorted(lengths, reverse=True)]))

    def tell(self, told: Mapping[str, Outcome]) -> dict[_Window, int]:
        """Pass on what became of sentences; say for how many of them each window waited."""
        touched: dict[_Window, int] = {}
        for text, outcome in told.items():
            for window in self.waiting.pop(text):
                window.found[text] = outcome
                touched[window] = touched.get(window, 0) + 1
        return touched


def _tasks(groups: Iterable[Sequence[Asked]]) -> Iterator[Sequence[Asked]]:
    """Join groups of one length to tasks, and take none apart without need: batches stay full."""
    task: list[Asked] = []
    for group in groups:
        for start in range(0, len(group), TASK_SENTENCES):
            part = group[start : start + TASK_SENTENCES]
            if task and len(task) + len(part) > TASK_SENTENCES:
                yield task
                task = []
            task.extend(part)
    if task:
        yield task


_Flying = dict[Future[list[Outcome]], Sequence[Asked]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do: texts, and the distinct sentences of those that are not done."""

    done: int
    todo: int
    failures: tuple[Failure, ...]
    in_memory: int
    to_translate: int


class Batch:
    """A run over texts: what it looks up, what it asks for, and where it keeps what comes out.

    `signature` is that of its rows, `run` its number in the store, `loading` the seconds that
    starting the workers took.
    """

    def __init__(self, store: Store, names: Sequence[str], config: Config) -> None:
        self.names = names
        self.loading = 0.0
        self.run = 0
        self._store = store
        self._config = config
        self._engine = engines.signature(config)
        self._linker = _linker(config)
        self._langs = langs(config)
        self.signature = flow.signature(self._engine, config, store.digest(self._langs))
        self._imported = bool(store.digest(self._langs))
        suggesting = config.fuzzy and self._imported
        self._near = Near(store.units(self._langs), config.fuzzy) if suggesting else None

    def begin(
        self, name: str, command: str = "", settings: Mapping[str, object] | None = None
    ) -> None:
        """Open the run in the store, under the name of its exports."""
        self.run = self._store.begin(name, self.signature, self.names, stamp(), command, settings)

    def plan(self) -> Plan:
        """Say what there is to do; nothing is written, no engine is loaded."""
        done, todo, failures = 0, 0, []
        known, asked = set(), set()
        for one in self._texts(mark=False):
            if isinstance(one, Unchanged):
                done += 1
            elif isinstance(one, Failure):
                failures.append(one)
            else:
                todo += 1
                window = self._window([one])
                wanted = {text for text, there in window.asked if there is None}
                asked |= wanted
                known |= {segment.text for segment in one.segments} - wanted
        return Plan(
            done=done,
            todo=todo,
            failures=tuple(failures),
            in_memory=len(known - asked),
            to_translate=len(asked),
        )

    def results(self) -> Generator[Bitext | Failure | Unchanged | Translated]:
        """Do what is not done; each text comes out once it is committed, windows in any order.

        Workers are started when there is something to ask them. Closing the generator stops them.
        """
        runner: runners.Runner | None = None
        flying: _Flying = {}
        there = _Open()
        windows = self._windows()
        try:
            while True:
                while runner is None or len(flying) < runner.slots:
                    if there.tasks:
                        runner = runner or self._start()
                        task = there.tasks.popleft()
                        flying[runner.submit(task)] = task
                    elif (one := next(windows, None)) is None:
                        break
                    elif not isinstance(one, _Window):
                        yield one
                    elif one.complete:
                        yield from self._settle(one)
                    else:
                        there.add(one, self._length)
                        if not there.tasks:  # all of it is in the air: no more of it in memory
                            break
                if runner is None or not flying:
                    return
                yield from self._landed(flying, there, runner)
        finally:
            if runner is not None:
                runner.close()

    @cached_property
    def _length(self) -> Callable[[str], int]:
        return engines.measure(self._config)

    def _start(self) -> runners.Runner:
        started = time.perf_counter()
        runner = runners.start(self._config)
        self.loading = time.perf_counter() - started
        return runner

    def _landed(
        self, flying: _Flying, there: _Open, runner: runners.Runner
    ) -> Iterator[Bitext | Failure | Translated]:
        """Take in the tasks that are back; those of workers that died are done again, alone."""
        finished, _ = wait(flying, return_when=FIRST_COMPLETED)
        if any(isinstance(future.exception(), runner.lost) for future in finished):
            # Whoever killed the worker is among those in the air: only alone can it be told.
            finished, _ = wait(flying)
        for future in finished:
            asked = flying.pop(future)
            lost = isinstance(future.exception(), runner.lost)
            outcomes = _alone(asked, runner) if lost else future.result()
            told = {text: outcome for (text, _), outcome in zip(asked, outcomes, strict=True)}
            self._keep(told)
            touched = there.tell(told)
            worth = (len(one.texts) * n / len(one.asked) for one, n in touched.items())
            yield Translated(sentences=len(asked), articles=sum(worth))
            for window in touched:
                if window.complete:
                    yield from self._settle(window)

    def _keep(self, told: Mapping[str, Outcome]) -> None:
        """Commit translations as they come: what is back need never be asked for again."""
        fresh = {
            text: outcome
            for text, outcome in told.items()
            if isinstance(outcome, Translation) and outcome.origin == "engine"
        }
        self._store.save(self.run, [], stamp(), self._engine, self._linker, fresh)

    def _windows(self) -> Iterator[_Window | Unchanged | Failure]:
        """Group the texts there is work on; what needs none, or failed, comes out at once."""
        texts: list[Prepared] = []
        size = 0
        for one in self._texts():
            if isinstance(one, Failure):
                self._store.save(self.run, [one], stamp())
            if not isinstance(one, Prepared):
                yield one
                continue
            texts.append(one)
            size += max(1, len(one.segments))
            if size >= self._config.window_sentences:
                yield self._window(texts)
                texts, size = [], 0
        if texts:
            yield self._window(texts)

    def _texts(self, mark: bool = True) -> Iterator[Prepared | Failure | Unchanged]:
        for start in range(0, len(self.names), READ_AHEAD):
            read = {name: _read(name) for name in self.names[start : start + READ_AHEAD]}
            ids = {
                name: readers.article_id(name, data)
                for name, data in read.items()
                if isinstance(data, bytes)
            }
            rows = self._store.finished(self.signature, ids)
            if mark:
                self._store.mark(self.run, {name: rows.get(name) for name in ids})
            for name, data in read.items():
                yield Unchanged(name=name) if name in rows else self._prepared(name, data)

    def _prepared(self, name: str, data: bytes | Failure) -> Prepared | Failure:
        if isinstance(data, Failure):
            return data
        try:
            return flow.prepare(readers.parse(data, name), self._config)
        except BitexteError as error:
            return Failure(name=name, error=error)

    def _window(self, texts: Sequence[Prepared]) -> _Window:
        """Look the sentences of a window up: in what was imported, then in what was translated."""
        sentences = flow.sentences(texts)
        matched = self._matched(sentences) if self._imported else {}
        there = self._store.recall(self._engine, self._linker, sentences) | matched
        whole: dict[str, Outcome] = {
            text: found
            for text, found in there.items()
            if found.links is not None or not self._config.words
        }
        asked = [(text, there.get(text)) for text in sentences if text not in whole]
        return _Window(texts=texts, asked=asked, found=whole)

    def _matched(self, sentences: Iterable[str]) -> dict[str, Translation]:
        found = {text: self._store.match(self._langs, text) for text in sentences}
        return {
            text: Translation(text=target, logprob=0.0, tokens=0, origin="memory")
            for text, target in found.items()
            if target is not None
        }

    def _settle(self, window: _Window) -> Iterator[Bitext | Failure]:
        """Pair a window's sentences, commit its articles, and only then let them out."""
        done = [
            self._suggested(flow.paired(one, window.found, self.signature, self._config))
            for one in window.texts
        ]
        self._store.save(self.run, done, stamp())
        yield from done

    def _suggested(self, done: Bitext | Failure) -> Bitext | Failure:
        if self._near is None or isinstance(done, Failure):
            return done
        pairs = (
            replace(pair, suggestions=self._near.suggest(pair.source))
            if pair.origin == "engine"
            else pair
            for pair in done.pairs
        )
        return replace(done, pairs=tuple(pairs))


def keep(
    store: Store, run: int, results: Iterable[Bitext | Failure | Unchanged]
) -> Iterator[Bitext | Failure | Unchanged]:
    """Commit what was made without a runner, as aligned texts are, one after the other."""
    for one in results:
        if not isinstance(one, Unchanged):
            store.save(run, [one], stamp())
        yield one


def langs(config: Config) -> str:
    """Name a pair of languages, as the memory does: `fr-en`, whatever the regions."""
    return f"{primary(config.source_lang)}-{primary(config.target_lang)}"


def _alone(asked: Sequence[Asked], runner: runners.Runner) -> list[Outcome]:
    """Do sentences over whose worker died; if it dies again, in halves, to find which it was."""
    try:
        runner.ready()
        return runner.submit(asked).result()
    except runner.lost as error:
        if len(asked) > 1:
            half = len(asked) // 2
            return [*_alone(asked[:half], runner), *_alone(asked[half:], runner)]
        return [
            ModelError(
                f"a worker died, twice, on {asked[0][0][:40]!r}: {error}",
                "it may have had too little memory: fewer --jobs, or a smaller --beam-size",
            )
        ]


def _linker(config: Config) -> str:
    """Name what decides the links of a sentence and its translation, as the memory does."""
    name = flow.linker(config)
    return f"{name}|{config.source_lang}-{config.target_lang}" if name else ""


def _read(name: str) -> bytes | Failure:
    try:
        return read_bytes(name)
    except BitexteError as error:
        return Failure(name=name, error=error)
