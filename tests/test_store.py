"""The store: what is committed is there, what cannot be opened says why, nothing is lost."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitexte import Article, Bitext, Failure, InputError, OutputError, Translation, store
from bitexte.records import Suggestion

NOW = "2020-07-16T12:00:00Z"


@pytest.fixture
def kept() -> Iterator[store.Store]:
    with store.blank() as opened:
        yield opened


def named(bitext: Bitext, name: str, number: int = 0) -> Bitext:
    return replace(bitext, article=replace(bitext.article, name=name, id=f"{number:016x}"))


def begun(kept: store.Store, bitext: Bitext, *names: str, run: str = "archive") -> int:
    return kept.begin(run, bitext.signature, names, NOW, "bitexte run archive", {"beam_size": 2})


# ---- runs


def test_a_bitext_comes_back_as_it_was(kept: store.Store, bitext: Bitext) -> None:
    near = Suggestion(source="Prix", target="Price", score=0.9)
    pairs = (replace(bitext.pairs[0], links=((0, 1), (2, 0)), suggestions=(near,)),)
    bitext = replace(bitext, pairs=(*pairs, *bitext.pairs[1:]), target_lang="en-GB")
    run = begun(kept, bitext, bitext.article.name)
    kept.save(run, [bitext], NOW)
    assert list(kept.bitexts(run)) == [bitext]


# Surrogates stand for the bytes of file names that are not UTF-8.
ANY = st.text(st.characters(exclude_categories=()), min_size=1, max_size=30)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=ANY, text=ANY, target=ANY)
def test_any_text_survives_the_store(name: str, text: str, target: str, bitext: Bitext) -> None:
    article = Article(id="x", name=name, text=text, title=target, meta={"translation": name})
    pair = replace(bitext.pairs[0], source=text, target=target)
    bitext = replace(bitext, article=article, pairs=(pair,))
    with store.blank() as kept:
        run = begun(kept, bitext, name)
        kept.save(run, [bitext], NOW)
        assert list(kept.bitexts(run)) == [bitext]


def test_articles_come_in_the_order_of_their_names_whoever_was_first(
    kept: store.Store, bitext: Bitext
) -> None:
    names = ["b", "a/é", "a/z", "B", "\udce9", "\U0001f642"]
    run = begun(kept, bitext, *names)
    for number, name in enumerate(names):
        kept.save(run, [named(bitext, name, number)], NOW)
    assert [one.article.name for one in kept.bitexts(run)] == sorted(names)


def test_a_run_counts_what_is_done_failed_and_pending(kept: store.Store, bitext: Bitext) -> None:
    run = begun(kept, bitext, "a", "b", "c")
    failure = Failure(name="b", error=InputError("b: empty", "give a text"))
    kept.save(run, [named(bitext, "a"), failure], NOW)
    [found] = kept.runs()
    assert (found.articles, found.done, found.failed, found.pending) == (3, 1, 1, 1)
    assert (found.sentences, found.ended_at, found.settings) == (3, None, {"beam_size": 2})
    assert list(kept.failures(run)) == [("b", "b: empty", "give a text")]


def test_the_same_run_again_keeps_what_is_done_and_tries_what_failed(
    kept: store.Store, bitext: Bitext
) -> None:
    run = begun(kept, bitext, "a", "b", "gone")
    failure = Failure(name="b", error=InputError("b: empty"))
    kept.save(run, [named(bitext, "a"), failure, named(bitext, "gone", 1)], NOW)
    assert begun(kept, bitext, "a", "b", "new") == run
    [found] = kept.runs()
    assert (found.articles, found.done, found.failed, found.pending) == (3, 1, 0, 2)


def test_another_signature_leaves_nothing_done(kept: store.Store, bitext: Bitext) -> None:
    run = begun(kept, bitext, "a")
    kept.save(run, [named(bitext, "a")], NOW)
    begun(kept, replace(bitext, signature="another"), "a")
    assert kept.runs()[0].done == 0
    assert kept.finished("another", {"a": f"{0:016x}"}) == {}
    assert set(kept.finished(bitext.signature, {"a": f"{0:016x}", "b": "1"})) == {"a"}


def test_runs_are_apart(kept: store.Store, bitext: Bitext) -> None:
    first = begun(kept, bitext, "a", run="one")
    second = begun(kept, bitext, "b", run="two")
    kept.save(first, [named(bitext, "a")], NOW)
    kept.save(second, [named(bitext, "b", 1)], NOW)
    assert [one.article.name for one in kept.bitexts(first)] == ["a"]
    assert [run.name for run in kept.runs("two")] == ["two"]


def test_an_ended_run_leaves_no_article_that_nobody_has(kept: store.Store, bitext: Bitext) -> None:
    run = begun(kept, bitext, "a")
    kept.save(run, [named(bitext, "a")], NOW)
    begun(kept, replace(bitext, signature="another"), "a")
    kept.end(run, NOW)
    assert kept.finished(bitext.signature, {"a": f"{0:016x}"}) == {}
    assert kept.runs()[0].ended_at == NOW


def test_a_window_is_kept_whole_or_not_at_all(kept: store.Store, bitext: Bitext) -> None:
    run = begun(kept, bitext, "a", "b")
    unknown = replace(named(bitext, "b", 1), signature="never begun")
    with pytest.raises(TypeError):
        kept.save(run, [named(bitext, "a"), unknown], NOW)
    assert list(kept.bitexts(run)) == []


# ---- translations to use again


def test_a_translation_is_recalled_for_its_engine_alone(kept: store.Store, bitext: Bitext) -> None:
    run = begun(kept, bitext, "a")
    known = Translation(text="It rains.", logprob=-0.25, tokens=4, links=((0, 0),))
    kept.save(run, [], NOW, "ct2", "w1", {"Il pleut.": known})
    assert kept.recall("ct2", "w1", ["Il pleut.", "Il neige."]) == {"Il pleut.": known}
    assert kept.recall("marian", "w1", ["Il pleut."]) == {}


def test_links_of_another_linker_do_not_count(kept: store.Store, bitext: Bitext) -> None:
    run = begun(kept, bitext, "a")
    known = Translation(text="It rains.", logprob=-0.25, tokens=4)
    kept.save(run, [], NOW, "ct2", "", {"Il pleut.": known})
    assert kept.recall("ct2", "w1", ["Il pleut."])["Il pleut."].links is None
    kept.save(run, [], NOW, "ct2", "w1", {"Il pleut.": replace(known, links=((1, 1),))})
    assert kept.recall("ct2", "w1", ["Il pleut."])["Il pleut."].links == ((1, 1),)
    assert kept.recall("ct2", "w2", ["Il pleut."])["Il pleut."].links is None


def test_imported_units_match_whatever_their_white_space(kept: store.Store) -> None:
    units = [("Il\u00a0pleut !", "It rains!", "")]
    assert kept.learn("a.tmx", "fr-en", units, NOW) == 1
    assert kept.match("fr-en", "Il pleut\u202f!") == "It rains!"
    assert kept.match("fr-en", "Il pleut!") is None
    assert kept.match("fr-de", "Il pleut !") is None


def test_the_unit_changed_last_counts_and_of_several_files_the_last(kept: store.Store) -> None:
    units = [("a", "new", "2021"), ("a", "old", "2020"), ("b", "first", ""), ("b", "second", "")]
    kept.learn("one.tmx", "fr-en", units, NOW)
    assert [kept.match("fr-en", text) for text in "ab"] == ["new", "second"]
    kept.learn("two.tmx", "fr-en", [("a", "other", "")], NOW)
    assert kept.match("fr-en", "a") == "other"
    assert list(kept.units("fr-en")) == [("a", "other"), ("b", "second")]
    assert kept.forget("two.tmx")
    assert kept.match("fr-en", "a") == "new"


def test_the_digest_of_a_memory_changes_with_what_is_in_it(kept: store.Store) -> None:
    seen = [kept.digest("fr-en")]
    for name, target in (("one.tmx", "b"), ("two.tmx", "c"), ("one.tmx", "d")):
        kept.learn(name, "fr-en", [("a", target, "")], NOW)
        seen.append(kept.digest("fr-en"))
    assert seen[0] == ""
    assert len(set(seen)) == 4
    assert kept.digest("fr-de") == ""
    before = kept.digest("fr-en")
    kept.learn("one.tmx", "fr-en", [("a", "d", "")], NOW)
    kept.learn("two.tmx", "fr-en", [("a", "c", "")], NOW)
    assert kept.digest("fr-en") != before  # the other file is the last one now
    kept.learn("one.tmx", "fr-en", [("a", "d", "")], NOW)
    assert kept.digest("fr-en") == before


def test_a_file_gives_each_pair_of_languages_its_own(kept: store.Store) -> None:
    kept.learn("a.tmx", "fr-en", [("a", "b", "")], NOW)
    before = kept.digest("fr-en")
    kept.learn("a.tmx", "fr-de", [("a", "c", "")], NOW)
    assert (kept.match("fr-en", "a"), kept.match("fr-de", "a")) == ("b", "c")
    assert kept.digest("fr-en") == before
    assert kept.forget("a.tmx")
    assert kept.imports() == []


def test_an_import_without_a_unit_leaves_what_was_there(kept: store.Store) -> None:
    kept.learn("a.tmx", "fr-en", [("a", "b", "")], NOW)
    with pytest.raises(InputError, match="no unit of fr-en in it"):
        kept.learn("a.tmx", "fr-en", [], NOW)
    assert kept.match("fr-en", "a") == "b"


def test_an_import_that_breaks_off_leaves_what_was_there(kept: store.Store) -> None:
    def damaged() -> Iterator[tuple[str, str, str]]:
        yield "c", "d", ""
        raise InputError("one.tmx: cut short")

    kept.learn("one.tmx", "fr-en", [("a", "b", "")], NOW)
    before = kept.digest("fr-en")
    with pytest.raises(InputError):
        kept.learn("one.tmx", "fr-en", damaged(), NOW)
    assert (kept.match("fr-en", "a"), kept.match("fr-en", "c")) == ("b", None)
    assert kept.digest("fr-en") == before


# ---- files


def filled(path: Path, bitext: Bitext) -> None:
    with store.opened(path) as kept:
        kept.save(begun(kept, bitext, bitext.article.name), [bitext], NOW)


def articles(path: Path) -> int:
    with store.opened(path, write=False) as kept:
        return sum(run.done for run in kept.runs())


def test_a_store_is_there_when_it_is_opened_again(tmp_path: Path, bitext: Bitext) -> None:
    path = tmp_path / "deep" / "é.sqlite"
    filled(path, bitext)
    assert articles(path) == 1
    assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_it_can_be_read_while_a_run_holds_it(tmp_path: Path, bitext: Bitext) -> None:
    path = tmp_path / "a.sqlite"
    with store.opened(path) as kept:
        kept.save(begun(kept, bitext, bitext.article.name), [bitext], NOW)
        assert articles(path) == 1


def test_two_runs_do_not_share_a_store(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with (
        store.opened(path),
        pytest.raises(OutputError, match="in use by another run") as caught,
        store.opened(path),
    ):
        pass
    assert "--store" in caught.value.hint
    with store.opened(path):  # and it is free again
        pass


@contextmanager
def refused(path: Path, message: str, kind: type[Exception] = OutputError) -> Iterator[None]:
    """Expect one clear error that names the file, and the file as it was."""
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(kind, match=message) as caught:
        yield
    assert str(path) in caught.value.message  # type: ignore[attr-defined]
    assert caught.value.hint  # type: ignore[attr-defined]
    assert not before or path.read_bytes() == before


def test_a_store_of_a_newer_bitexte_is_left_alone(tmp_path: Path, bitext: Bitext) -> None:
    path = tmp_path / "a.sqlite"
    filled(path, bitext)
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {len(store.MIGRATIONS) + 1}")
    database.close()
    with refused(path, "made by a newer bitexte"), store.opened(path):
        pass


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE mail (text)")
    database.close()
    with refused(path, "of another program"), store.opened(path):
        pass


def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"Il pleut sur Nantes. " * 100)
    with refused(path, "not a SQLite file"), store.opened(path):
        pass


def test_a_damaged_store_is_left_alone(tmp_path: Path, bitext: Bitext) -> None:
    path = tmp_path / "a.sqlite"
    filled(path, bitext)
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)
    with refused(path, "damaged"), store.opened(path) as kept:
        kept.save(begun(kept, bitext, "a"), [named(bitext, "a", 7)], NOW)


def test_another_program_that_writes_is_waited_for_and_then_named(
    tmp_path: Path, bitext: Bitext, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sqlite"
    filled(path, bitext)
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutputError, match="locked by another program"), store.opened(path) as kept:
        begun(kept, bitext, "a")
    other.close()
    assert articles(path) == 1


def test_there_must_be_a_store_to_read(tmp_path: Path) -> None:
    with (
        refused(tmp_path / "a.sqlite", "no store", InputError),
        store.opened(tmp_path / "a.sqlite", write=False),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_an_older_store_is_brought_up_to_date(
    tmp_path: Path, bitext: Bitext, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sqlite"
    filled(path, bitext)
    later = (*store.MIGRATIONS, "CREATE TABLE later (x TEXT) STRICT")
    monkeypatch.setattr(store, "MIGRATIONS", later)
    with store.opened(path) as kept:
        assert kept.runs()[0].done == 1
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (len(later),)
        assert database.execute("SELECT count(*) FROM later").fetchone() == (0,)
    database.close()


def test_a_store_of_the_first_version_keeps_what_was_imported(
    tmp_path: Path, bitext: Bitext, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sqlite"
    with monkeypatch.context() as patch, sqlite3.connect(path) as database:
        patch.setattr(store, "MIGRATIONS", store.MIGRATIONS[:1])
        store._migrate(database)
        database.execute("INSERT INTO import VALUES (7, 'a.tmx', 'fr-en', '00', 1, '2020')")
        key = store._unit_key("fr-en", "a")
        database.execute("INSERT INTO unit VALUES (?, 7, 'a', 'b', '')", (key,))
    database.close()
    with store.opened(path) as kept:
        assert kept.match("fr-en", "a") == "b"
        assert kept.forget("a.tmx")
        assert kept.sizes()["units"] == 0  # units still go with their import
        kept.save(begun(kept, bitext, bitext.article.name), [bitext], NOW)
        assert kept.runs()[0].done == 1


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount a small file system in memory; skip where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "bitexte-test", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a file system of its own can be mounted by root on Linux only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_costs_the_window_in_hand_and_no_other(tmp_path: Path, bitext: Bitext) -> None:
    with mounted(tmp_path / "small", "size=1m") as folder:
        path = folder / "a.sqlite"
        names = [f"{number:04}" for number in range(2000)]
        saved: list[str] = []

        def fill() -> None:
            with store.opened(path) as kept:
                run = begun(kept, bitext, *names)
                for number, name in enumerate(names):
                    kept.save(run, [named(bitext, name, number)], NOW)
                    saved.append(name)

        with pytest.raises(OutputError, match="no space left") as caught:
            fill()
        assert "what was done is saved" in caught.value.hint
        assert 0 < len(saved) < 2000
        subprocess.run(["mount", "-o", "remount,size=16m", str(folder)], check=True)
        assert articles(path) == len(saved)
        with store.opened(path) as kept:
            kept.save(begun(kept, bitext, *names), [named(bitext, "1999", 1999)], NOW)


def test_a_read_only_disk_is_named(tmp_path: Path, bitext: Bitext) -> None:
    with mounted(tmp_path / "fixed", "size=1m") as folder:
        path = folder / "a.sqlite"
        filled(path, bitext)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        with refused(path, "cannot write"), store.opened(path):
            pass
        assert articles(path) == 1
