"""A run over many texts: what is skipped, what is looked up, what one failure costs."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bitexte import Bitext, Config, Failure, ModelError, Translation, readers, runners, store
from bitexte.batch import Batch, Translated, Unchanged
from bitexte.flow import Asked, Outcome

CONFIG = Config(engine="identity", words=False)
NOW = "2020-07-16T12:00:00Z"


class Lost(Exception):
    """A worker died."""


class Fake:
    """A runner that upper-cases, remembers what it was asked, and dies of some words."""

    slots = 2
    lost = (Lost,)

    def __init__(self, deadly: str = "\0", deaths: int = 1_000_000) -> None:
        self.asked: list[list[str]] = []
        self.deadly = deadly
        self.deaths = deaths
        self.closed = False
        self.waits = 0

    def submit(self, asked: Sequence[Asked]) -> Future[list[Outcome]]:
        future: Future[list[Outcome]] = Future()
        self.asked.append([text for text, _ in asked])
        if self.deaths and any(self.deadly in text for text, _ in asked):
            self.deaths -= 1
            future.set_exception(Lost("killed"))
        else:
            future.set_result([known or self._said(text) for text, known in asked])
        return future

    def _said(self, text: str) -> Outcome:
        if "maudit" in text:
            return ModelError("refused")
        return Translation(text=text.upper(), logprob=-0.5, tokens=1)

    def ready(self) -> None:
        self.waits += 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    runner = Fake()
    monkeypatch.setattr(runners, "start", lambda config: runner)
    return runner


@pytest.fixture
def kept() -> Iterator[store.Store]:
    with store.blank() as opened:
        yield opened


def written(folder: Path, *texts: str) -> list[str]:
    names = [str(folder / f"{number}.txt") for number in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        Path(name).write_text(text, "utf-8")
    return names


def ran(kept: store.Store, names: Sequence[str], **settings: Any) -> list[Any]:
    batch = Batch(kept, names, replace(CONFIG, **settings))
    batch.begin("archive")
    return [one for one in batch.results() if not isinstance(one, Translated)]


def targets(kept: store.Store) -> list[list[str]]:
    [run] = kept.runs()
    return [[pair.target for pair in bitext.pairs] for bitext in kept.bitexts(run.id)]


RAIN, SNOW, WIND = "Il pleut à Liège.", "Il neige à Namur.", "Le vent se lève à Mons."


def test_what_comes_out_is_committed(fake: Fake, kept: store.Store, tmp_path: Path) -> None:
    batch = Batch(kept, written(tmp_path, RAIN, SNOW), replace(CONFIG, window_sentences=1))
    batch.begin("archive")
    for done in batch.results():
        if isinstance(done, Translated):
            continue
        assert isinstance(done, Bitext)
        assert done in list(kept.bitexts(batch.run))


def test_a_sentence_is_translated_once_within_a_run_and_across(
    fake: Fake, kept: store.Store, tmp_path: Path
) -> None:
    names = written(tmp_path, f"{RAIN} {SNOW}", f"{RAIN} {WIND}")
    ran(kept, names)
    assert fake.asked == [[WIND, RAIN, SNOW]]  # the longest first
    Path(names[0]).write_text(f"{WIND} {RAIN}", "utf-8")
    [first, second] = ran(kept, names)
    assert len(fake.asked) == 1
    assert {type(first), type(second)} == {Bitext, Unchanged}
    assert targets(kept) == [[WIND.upper(), RAIN.upper()], [RAIN.upper(), WIND.upper()]]
    pairs = [pair for bitext in kept.bitexts(1) for pair in bitext.pairs]
    assert {pair.origin for pair in pairs} == {"engine"}


def test_a_sentence_that_is_being_translated_is_not_asked_for_again(
    fake: Fake, kept: store.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fake, "slots", 9)  # all windows are looked up before anything is back
    names = written(tmp_path, f"{RAIN} {SNOW}", RAIN, f"{SNOW} {WIND}", f"{RAIN} {SNOW}")
    done = ran(kept, names, window_sentences=1)
    assert sorted(text for task in fake.asked for text in task) == sorted([RAIN, SNOW, WIND])
    assert [type(one) for one in done] == [Bitext] * 4
    assert targets(kept)[3] == [RAIN.upper(), SNOW.upper()]


def test_copies_of_what_is_in_the_air_do_not_pile_up(
    fake: Fake, kept: store.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    parse = readers.parse
    monkeypatch.setattr(readers, "parse", lambda *given: seen.append(1) or parse(*given))
    batch = Batch(kept, written(tmp_path, *[RAIN] * 50), replace(CONFIG, window_sentences=1))
    batch.begin("archive")
    results = batch.results()
    assert isinstance(next(results), Translated)
    assert len(seen) == 2
    assert len([one for one in results if isinstance(one, Bitext)]) == 50


def test_what_needs_no_work_comes_out_before_what_does(
    fake: Fake, kept: store.Store, tmp_path: Path
) -> None:
    names = written(tmp_path, RAIN, SNOW, WIND)
    ran(kept, names[1:2])
    Path(names[2]).write_bytes(b"")
    done = ran(kept, names)
    assert [type(one) for one in done] == [Unchanged, Failure, Bitext]


def test_unchanged_texts_need_no_worker(fake: Fake, kept: store.Store, tmp_path: Path) -> None:
    names = written(tmp_path, RAIN, SNOW)
    ran(kept, names)
    fake.asked.clear()
    fake.closed = False
    assert ran(kept, names) == [Unchanged(name=name) for name in names]
    assert not fake.closed  # it was never started


def test_another_setting_does_all_again(fake: Fake, kept: store.Store, tmp_path: Path) -> None:
    names = written(tmp_path, f"{RAIN} « Oui. Non. »")
    [whole] = ran(kept, names, keep_quotes=True)
    [cut] = ran(kept, names)
    assert (len(whole.pairs), len(cut.pairs)) == (2, 3)


def test_windows_do_not_change_what_comes_out(
    fake: Fake, kept: store.Store, tmp_path: Path
) -> None:
    names = written(tmp_path, *(f"{RAIN} {SNOW} Voici le numéro {n}." for n in range(9)))
    ran(kept, names)
    before = list(kept.bitexts(1))
    for size in (1, 4, 100):
        with store.blank() as other:
            ran(other, names, window_sentences=size)
            assert list(other.bitexts(1)) == before


def test_a_window_is_asked_for_in_tasks_by_length(
    fake: Fake, kept: store.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitexte.batch.TASK_SENTENCES", 2)
    ran(kept, written(tmp_path, f"{RAIN} {WIND}", f"Il tonne. {SNOW}"))
    assert fake.asked == [[WIND], [RAIN, SNOW], ["Il tonne."]]  # two of one length stay together
    assert targets(kept)[1] == ["IL TONNE.", SNOW.upper()]


def test_one_bad_text_of_a_hundred_costs_one(fake: Fake, kept: store.Store, tmp_path: Path) -> None:
    texts = [f"{RAIN} Voici le numéro {number}." for number in range(100)]
    names = written(tmp_path, *texts)
    Path(names[40]).write_bytes(b"")
    done = ran(kept, names, window_sentences=10)
    assert [one.name for one in done if isinstance(one, Failure)] == [names[40]]
    [run] = kept.runs()
    assert (run.done, run.failed, run.pending) == (99, 1, 0)
    assert [name for name, _, _ in kept.failures(run.id)] == [names[40]]


def test_a_sentence_the_engine_refuses_costs_its_article(
    fake: Fake, kept: store.Store, tmp_path: Path
) -> None:
    names = written(tmp_path, RAIN, f"{SNOW} Un mot maudit ici.", WIND)
    assert [type(one) for one in ran(kept, names)] == [Bitext, Failure, Bitext]
    assert kept.recall("identity", "", [SNOW])  # what was translated is kept all the same


def test_a_window_whose_worker_died_is_done_again(
    fake: Fake, kept: store.Store, tmp_path: Path
) -> None:
    fake.deadly, fake.deaths = "numéro 3", 1
    names = written(tmp_path, *(f"Voici le numéro {number} du jour." for number in range(6)))
    done = ran(kept, names, window_sentences=2)
    assert [type(one) for one in done] == [Bitext] * 6
    assert fake.waits  # until a worker is there again


def test_a_sentence_that_kills_every_worker_costs_its_article_alone(
    fake: Fake, kept: store.Store, tmp_path: Path
) -> None:
    fake.deadly = "numéro 3"
    names = written(tmp_path, *(f"Voici le numéro {number} du jour." for number in range(6)))
    done = ran(kept, names, window_sentences=4)
    failures = [one for one in done if isinstance(one, Failure)]
    assert [failure.name for failure in failures] == [names[3]]
    assert "a worker died" in failures[0].error.message


def test_closing_a_run_lets_the_workers_go(fake: Fake, kept: store.Store, tmp_path: Path) -> None:
    batch = Batch(kept, written(tmp_path, RAIN, SNOW), replace(CONFIG, window_sentences=1))
    batch.begin("archive")
    results = batch.results()
    next(results)
    results.close()
    assert fake.closed
    # What was back is kept, although no article was complete.
    assert kept.runs()[0].pending == 2
    assert kept.sizes()["translations"] == 1


def test_imported_units_come_before_the_engine(
    fake: Fake, kept: store.Store, tmp_path: Path
) -> None:
    names = written(tmp_path, f"{RAIN} {SNOW}")
    ran(kept, names)
    kept.learn("a.tmx", "fr-en", [(RAIN, "It is raining in Liège.", "")], NOW)
    [done] = ran(kept, names)
    assert [(pair.target, pair.origin) for pair in done.pairs] == [
        ("It is raining in Liège.", "memory"),
        (SNOW.upper(), "engine"),
    ]
    assert "memory:" in done.signature
    assert fake.asked == [[RAIN, SNOW]]
    kept.forget("a.tmx")
    ran(kept, names)
    assert targets(kept) == [[RAIN.upper(), SNOW.upper()]]


def test_what_is_nearly_the_same_is_offered_and_never_used(
    fake: Fake, kept: store.Store, tmp_path: Path
) -> None:
    near = "Il pleut à Liége."
    units = [(near, "It rains in Liège.", ""), (WIND, "The wind rises.", "")]
    kept.learn("a.tmx", "fr-en", units, NOW)
    names = written(tmp_path, RAIN)
    [done] = ran(kept, names)
    assert done.pairs[0].suggestions == ()
    [done] = ran(kept, names, fuzzy=0.9)
    [pair] = done.pairs
    assert (pair.target, pair.origin) == (RAIN.upper(), "engine")
    [suggestion] = pair.suggestions
    assert (suggestion.source, suggestion.target) == (near, "It rains in Liège.")
    assert 0.9 <= suggestion.score < 1
    assert "|fuzzy:0.9|" in done.signature


def test_a_plan_writes_nothing_and_counts_right(
    fake: Fake, kept: store.Store, tmp_path: Path
) -> None:
    names = written(tmp_path, RAIN, SNOW, f"{RAIN} {WIND}", "")
    ran(kept, names[:2])
    plan = Batch(kept, names, CONFIG).plan()
    assert (plan.done, plan.todo, plan.in_memory, plan.to_translate) == (2, 1, 1, 1)
    assert [failure.name for failure in plan.failures] == [names[3]]
    assert kept.runs()[0].articles == 2
    assert len(fake.asked) == 1
