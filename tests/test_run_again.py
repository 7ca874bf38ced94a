"""Runs that go on, and the commands around them, as a terminal sees them."""

import hashlib
import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bitexte import store
from conftest import DISPATCH, Done, written

RunCli = Callable[..., Done]
IDENTITY = ("--engine", "identity")
RUN = ("run", "archive", *IDENTITY)
TEXTS = {
    "a.txt": "Il pleut à Liège. Il neige à Namur.",
    "b.txt": "Le vent se lève à Mons.",
    "deep/c.txt": "Il pleut à Liège. Le train est en retard.",
}
TMX = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4"><header creationtool="x" '
    'creationtoolversion="1" segtype="sentence" o-tmf="x" adminlang="en" srclang="fr" '
    'datatype="plaintext"/><body>{units}</body></tmx>\n'
)
UNIT = '<tu><tuv xml:lang="fr"><seg>{}</seg></tuv><tuv xml:lang="en"><seg>{}</seg></tuv></tu>'


@pytest.fixture
def archive(run_cli: RunCli) -> RunCli:
    """Write a folder of three texts into the empty folder that `run_cli` works in."""
    for name, text in TEXTS.items():
        path = Path("archive", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return run_cli


def manifest(name: str = "archive") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(f"exports/{name}.manifest.json").read_text("utf-8"))
    return found


def rows(path: str = "exports/archive.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]


def exports() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("exports").glob("archive.*")}


def test_the_same_command_again_does_nothing_and_writes_the_same(archive: RunCli) -> None:
    archive(*RUN)
    before = exports()
    done = archive(*RUN)
    assert done.out == written("archive", "tmx", "jsonl")
    assert done.err.startswith("sentences: 5 in 3 articles, 3 unchanged\n")
    assert exports() == before


def test_exports_that_stand_there_are_left_and_missing_or_touched_ones_are_remade(
    archive: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(*RUN)
    before, stamps = exports(), [path.stat().st_mtime_ns for path in Path("exports").glob("a*")]
    archive(*RUN)
    assert [path.stat().st_mtime_ns for path in Path("exports").glob("a*")] == stamps
    Path("exports/archive.tmx").write_bytes(b"touched")
    archive(*RUN)
    assert exports() == before
    Path("exports/archive.jsonl").unlink()
    archive(*RUN)
    assert exports() == before
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    archive(*RUN)
    assert manifest()["made_at"].startswith("2020-09-13")
    archive(*RUN, "--min-confidence", "1")
    archive(*RUN, "--format", "jsonl")
    assert [file["name"] for file in manifest()["files"]] == ["archive.jsonl"]


def test_what_changed_is_done_again_and_what_went_is_gone(archive: RunCli) -> None:
    archive(*RUN)
    Path("archive/a.txt").write_text("Il grêle à Spa.", "utf-8")
    Path("archive/b.txt").unlink()
    done = archive(*RUN)
    assert "sentences: 3 in 2 articles, 1 unchanged" in done.err
    assert [row["translation"]["fr"] for row in rows()] == [
        "Il grêle à Spa.",
        "Il pleut à Liège.",
        "Le train est en retard.",
    ]


def test_what_failed_is_tried_again(archive: RunCli) -> None:
    Path("archive/b.txt").write_bytes(b"")
    done = archive(*RUN)
    assert (done.code, done.err.count("failed: archive/b.txt: empty")) == (6, 1)
    assert manifest()["failures"] == [
        {
            "name": "archive/b.txt",
            "error": "archive/b.txt: empty",
            "hint": "give a file with some text in it",
        }
    ]
    status = archive("status").out
    assert "archive: 2 of 3 articles done, 4 sentences" in status
    assert "failed: archive/b.txt: empty (give a file with some text in it)" in status
    Path("archive/b.txt").write_text(TEXTS["b.txt"], "utf-8")
    done = archive(*RUN)
    assert (done.code, manifest()["failures"]) == (0, [])
    assert "5 in 3 articles, 2 unchanged" in done.err


def test_the_first_failure_can_end_a_run(archive: RunCli) -> None:
    Path("archive/b.txt").write_bytes(b"")
    Path("archive/deep/c.txt").write_bytes(b"")
    done = archive(*RUN, "--fail-fast")
    assert (done.code, done.out, done.err.count("failed: ")) == (6, "", 1)
    status = archive("status").out
    assert "archive: 0 of 3 articles done" in status
    assert "1 failed, 2 pending" in status
    archive(*RUN)
    archive(*RUN, "--fail-fast")
    told = manifest()
    assert (told["articles"], len(told["failures"]), told["pending"]) == (1, 1, 1)


def test_the_manifest_says_what_was_written_and_how_to_remake_it(archive: RunCli) -> None:
    flags = ("--source-lang", "fr-BE", "--format", "jsonl", "--no-words")
    archive(*RUN, *flags)
    told = manifest()
    assert (told["articles"], told["pairs"], told["left_out"], told["pending"]) == (3, 5, 0, 0)
    [file] = told["files"]
    data = Path("exports", file["name"]).read_bytes()
    assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert told["signature"] == rows()[0]["signature"]
    before = exports()
    for path in Path("exports").iterdir():
        path.unlink()
    assert archive(*shlex.split(told["command"])[1:]).code == 0
    assert exports() == before


def test_the_command_in_the_manifest_overrules_the_settings_file(archive: RunCli) -> None:
    Path("bitexte.toml").write_text('target_lang = "en-GB"\nformats = ["html"]\n', "utf-8")
    archive(*RUN, "--target-lang", "en", "--format", "tmx", "--format", "jsonl")
    told, before = manifest(), exports()
    for path in Path("exports").iterdir():
        path.unlink()
    assert archive(*shlex.split(told["command"])[1:]).code == 0
    assert manifest()["signature"] == told["signature"]
    assert exports()["archive.jsonl"] == before["archive.jsonl"]


def test_what_was_taken_by_force_is_not_taken_for_done_without(archive: RunCli) -> None:
    text = "The operator said that services had been restored across the island."
    Path("archive/a.txt").write_text(text, "utf-8")
    assert archive(*RUN, "--force").code == 0
    done = archive(*RUN)
    assert (done.code, done.err.count("failed: archive/a.txt: this does not look")) == (6, 1)
    assert {row["article"] for row in rows()} == {"archive/b.txt", "archive/deep/c.txt"}


def test_an_export_with_another_threshold_is_not_taken_for_the_corpus_of_the_run(
    archive: RunCli,
) -> None:
    archive(*RUN)
    before = exports()
    archive("export", "archive", "--format", "jsonl", "--min-confidence", "1")
    told = manifest()
    assert ([file["name"] for file in told["files"]], told["settings"]["min_confidence"]) == (
        ["archive.jsonl"],
        1.0,
    )
    first, _, second = told["command"].partition(" && ")
    assert first.startswith("bitexte run archive")
    assert second == "bitexte export archive --min-confidence 1.0 --format jsonl"
    assert exports() != before
    archive(*RUN)
    assert exports() == before


def test_a_format_that_is_not_there_is_made_whatever_else_is(archive: RunCli) -> None:
    archive(*RUN, "--format", "jsonl")
    Path("exports/archive.jsonl").unlink()
    archive("export", "archive", "--format", "html")
    archive(*RUN, "--format", "jsonl")
    assert rows()


def test_a_name_that_is_no_utf_8_is_told_and_stops_nothing(archive: RunCli) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems have no such names")
    Path(os.fsdecode(b"archive/\xe9t\xe9.txt")).write_text(TEXTS["b.txt"], "utf-8")
    Path(os.fsdecode(b"archive/\xe9.txt")).write_bytes(b"")
    script = [sys.executable, "-m", "bitexte"]
    for command in ([*RUN, "--json"], [*RUN, "--dry-run"], [*RUN, "--json"], ["status"]):
        done = subprocess.run([*script, *command], capture_output=True)
        assert b"Traceback" not in done.stderr, done.stderr
        assert b"\\udce9" in done.stdout


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_text_in_a_pipe_is_read_once(archive: RunCli) -> None:
    os.mkfifo("pipe")
    text = TEXTS["b.txt"].encode()
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(text), daemon=True)
    writer.start()
    assert archive("run", "pipe", *IDENTITY).code == 0
    assert rows("exports/pipe.jsonl")[0]["translation"]["fr"] == TEXTS["b.txt"]


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(archive: RunCli) -> None:
    done = archive(*RUN, "--dry-run")
    assert done.out.splitlines()[:2] == [
        "articles: 3: 3 to do, 0 done, 0 that would fail",
        "sentences: 4 to translate, 0 in memory",
    ]
    assert not Path("exports").exists()
    archive("run", "archive/a.txt", *IDENTITY)
    Path("archive/b.txt").write_bytes(b"")
    told = json.loads(archive(*RUN, "--dry-run", "--json").out)
    assert (told["done"], told["todo"], told["in_memory"], told["to_translate"]) == (1, 1, 1, 1)
    assert told["failures"] == [{"name": "archive/b.txt", "error": "archive/b.txt: empty"}]


def test_events_tell_machines_how_it_goes(archive: RunCli) -> None:
    Path("archive/b.txt").write_bytes(b"")
    events = [json.loads(line) for line in archive(*RUN, "--json").out.splitlines()]
    kinds = [event["event"] for event in events]
    assert (kinds[0], kinds[-1]) == ("start", "end")
    assert sorted(kinds[1:-1]) == ["done", "done", "failed", "translated"]
    end = events[-1]
    assert (end["articles"], end["sentences"], len(end["failures"])) == (2, 4, 1)
    assert end["files"][-1] == "exports/archive.manifest.json"
    again = [json.loads(line)["event"] for line in archive(*RUN, "--json").out.splitlines()]
    assert again.count("unchanged") == 2


def test_runs_with_names_of_their_own_share_a_store(archive: RunCli) -> None:
    archive(*RUN)
    archive("run", "archive/a.txt", *IDENTITY, "--name", "other")
    told = json.loads(archive("status", "--json").out)
    assert {(run["name"], run["articles"]) for run in told["runs"]} == {
        ("archive", 3),
        ("other", 1),
    }
    assert told["translations"] == 4
    assert len(rows("exports/other.jsonl")) == 2


# ---- export


def test_any_format_is_remade_without_a_model(archive: RunCli) -> None:
    archive(*RUN, "--format", "jsonl")
    done = archive("export", "archive", "--format", "tmx", "--format", "html")
    assert done.out == written("archive", "tmx", "html")
    assert archive("validate", "exports/archive.tmx").code == 0
    names = [file["name"] for file in manifest()["files"]]
    assert names == ["archive.tmx", "archive.html", "archive.jsonl"]
    before = exports()["archive.tmx"]
    archive(*RUN)
    assert exports()["archive.tmx"] == before


def test_the_latest_run_is_exported_where_none_is_named(archive: RunCli) -> None:
    archive(*RUN)
    done = archive("export", "--out", "elsewhere", "--format", "jsonl")
    assert done.out.startswith("elsewhere/archive.jsonl\n")
    assert Path("elsewhere/archive.jsonl").read_bytes() == exports()["archive.jsonl"]


def test_a_run_over_other_texts_is_not_replaced_without_a_word(archive: RunCli) -> None:
    archive("run", "archive/b.txt", *IDENTITY)
    assert "warnings: 0" in archive("run", "./archive/../archive/b.txt", *IDENTITY).err
    Path("other").mkdir()
    Path("other/b.txt").write_text(TEXTS["a.txt"], "utf-8")
    done = archive("run", "other/b.txt", *IDENTITY)
    assert (done.code, done.err.count("warning: b: replaces a run of that name")) == (0, 1)
    assert "warnings: 1" in done.err


def test_an_empty_file_is_no_store(archive: RunCli) -> None:
    Path("exports").mkdir()
    Path("exports/bitexte.sqlite").touch()
    for command in (("status",), ("export",), ("memory", "list"), ("memory", "forget", "x.tmx")):
        done = archive(*command)
        assert (done.code, done.err.count("exports/bitexte.sqlite: no store")) == (3, 1)
    assert archive(*RUN, "--dry-run").code == 0
    assert archive(*RUN).code == 0


def test_out_names_the_store_too_if_there_is_one(archive: RunCli) -> None:
    archive(*RUN, "--format", "jsonl")
    archive("run", "archive/b.txt", *IDENTITY, "--name", "archive", "--out", "corpus")
    before = Path("corpus/archive.jsonl").read_bytes()
    assert archive("export", "--out", "corpus").code == 0
    assert Path("corpus/archive.jsonl").read_bytes() == before


def test_there_must_be_something_to_export(archive: RunCli) -> None:
    done = archive("export")
    assert (done.code, done.err.count("exports/bitexte.sqlite: no store")) == (3, 1)
    archive(*RUN)
    done = archive("export", "nonesuch")
    assert (done.code, done.err.count("no run named 'nonesuch'")) == (3, 1)
    assert archive("status", "nonesuch").code == 3


def test_aligned_texts_are_in_the_store_too(archive: RunCli) -> None:
    reference = DISPATCH.with_name("dispatch.en.txt")
    for expected in ("6 in 1 article", "6 in 1 article, 1 unchanged"):
        done = archive("align", str(DISPATCH), str(reference), "--format", "jsonl")
        assert done.err.startswith(f"sentences: {expected}\n")
    before = Path("exports/dispatch-aligned.jsonl").read_bytes()
    Path("exports/dispatch-aligned.jsonl").unlink()
    assert archive("export", "dispatch-aligned", "--format", "jsonl").code == 0
    assert Path("exports/dispatch-aligned.jsonl").read_bytes() == before


# ---- memory


def remember(archive: RunCli, *units: tuple[str, str], name: str = "agency.tmx") -> Done:
    text = "".join(UNIT.format(*unit) for unit in units)
    Path(name).write_text(TMX.format(units=text), "utf-8")
    return archive("memory", "import", name)


def test_an_imported_unit_is_used_and_says_where_it_is_from(archive: RunCli) -> None:
    archive(*RUN)
    done = remember(archive, ("Il pleut à Liège.", "Rain in Liège."))
    assert done.out == "agency.tmx: 1 units, fr-en\n"
    archive(*RUN)
    origins = {row["translation"]["fr"]: row["origin"] for row in rows()}
    assert origins.pop("Il pleut à Liège.") == "memory"
    assert set(origins.values()) == {"engine"}
    used = next(row for row in rows() if row["origin"] == "memory")
    assert used["translation"]["en"] == "Rain in Liège."
    assert used["links"]
    assert "1 units, fr-en" in archive("memory", "list").out
    archive("memory", "forget", "agency.tmx")
    archive(*RUN)
    assert {row["origin"] for row in rows()} == {"engine"}


def test_a_near_match_is_offered_in_the_record(archive: RunCli) -> None:
    remember(archive, ("Il pleut à Liége.", "Rain in Liège."))
    archive(*RUN, "--fuzzy", "0.9")
    [near] = {row["suggestions"] for row in rows()} - {""}
    [suggestion] = json.loads(near)
    assert suggestion["target"] == "Rain in Liège."
    assert {row["origin"] for row in rows()} == {"engine"}
    assert archive("validate", "exports/archive.jsonl").code == 0


def test_what_cannot_be_imported_says_why_and_changes_nothing(archive: RunCli) -> None:
    remember(archive, ("Il pleut à Liège.", "Rain in Liège."))
    before = archive("memory", "list").out
    Path("cut.tmx").write_text(TMX.format(units=UNIT.format("a", "b"))[:-20], "utf-8")
    Path("german.tmx").write_text(
        TMX.format(units=UNIT.format("a", "b").replace('"fr"', '"de"')), "utf-8"
    )
    for name, message in (
        ("no.tmx", "no such file"),
        ("cut.tmx", "cut"),
        ("german.tmx", "no unit of fr-en"),
    ):
        done = archive("memory", "import", name)
        assert done.code == 3
        assert f"error: {name}: " in done.err
        assert message in done.err
    assert archive("memory", "list").out == before
    assert archive("memory", "forget", "no.tmx").code == 3


def test_another_pair_of_languages_leaves_what_was_imported(archive: RunCli) -> None:
    remember(archive, ("Il pleut à Liège.", "Rain in Liège."))
    done = archive("memory", "import", "agency.tmx", "--target-lang", "de")
    assert (done.code, "error: agency.tmx: no unit of fr-de in it" in done.err) == (3, True)
    assert archive("memory", "list").out.startswith("agency.tmx: 1 units, fr-en")


# ---- what stops a run


def test_a_store_in_use_is_named_and_nothing_is_touched(archive: RunCli) -> None:
    archive(*RUN)
    before = exports()
    with store.opened(Path("exports/bitexte.sqlite")):
        done = archive(*RUN)
    assert done.code == 5
    assert "error: exports/bitexte.sqlite: in use by another run of bitexte" in done.err
    assert exports() == before


def test_a_file_that_is_no_store_is_left_as_it_is(archive: RunCli) -> None:
    Path("notes.txt").write_text("Il pleut.\n" * 100, "utf-8")
    done = archive(*RUN, "--store", "notes.txt")
    assert done.code == 5
    assert "notes.txt: not a store" in done.err
    assert Path("notes.txt").read_text("utf-8") == "Il pleut.\n" * 100
