"""A run that is killed, at any moment: nothing is lost, and the bytes are those of a whole run."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import DISPATCH

KILLS = 50
ARTICLES = 150
EXPORTS = ("archive.tmx", "archive.jsonl", "archive.manifest.json")


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Path) -> Path:
    """Write a folder of texts, and settings of many small windows on a model that is real."""
    words = DISPATCH.read_text("utf-8").split()
    archive = tmp_path / "archive"
    archive.mkdir()
    for number in range(ARTICLES):
        parts = [words[(number * 7 + n) % 150 :][: 4 + (number + n) % 6] for n in range(3)]
        text = ". ".join(" ".join(part).strip(".,").capitalize() for part in parts)
        (archive / f"{number:03}.txt").write_text(f"{text} {number}.", "utf-8")
    (tmp_path / "bitexte.toml").write_text(
        f'model = "{tiny_model}"\nwindow_sentences = 12\nmin_french = 0.0\nthreads = 1\n', "utf-8"
    )
    return tmp_path


def started(folder: Path, *flags: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "bitexte", "run", "archive", *flags],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(folder: Path, *flags: str) -> float:
    """Run to the end; return the seconds it took."""
    began = time.perf_counter()
    process = started(folder, *flags)
    _, err = process.communicate()
    assert process.returncode == 0, err
    return time.perf_counter() - began


def killed(folder: Path, after: float) -> bool:
    """Kill a run so many seconds after its start; return False if it had ended before."""
    process = started(folder)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def done(folder: Path) -> int:
    """Count the articles that a store has, read as any program would."""
    path = folder / "exports" / "bitexte.sqlite"
    if not path.exists():
        return 0
    with sqlite3.connect(path) as database:
        tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        count = database.execute("SELECT count(*) FROM article").fetchone()[0] if tables else 0
    database.close()
    return int(count)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        name: (folder / "exports" / name).read_bytes()
        for name in EXPORTS
        if (folder / "exports" / name).exists()
    }


def clean(folder: Path) -> None:
    for path in (folder / "exports").iterdir():
        path.unlink()


def test_fifty_kills_lose_nothing(folder: Path) -> None:
    finished(folder)  # converts the model
    clean(folder)
    whole = finished(folder)
    wanted = contents(folder)
    assert set(wanted) == set(EXPORTS)
    clean(folder)
    chance = random.Random(7)
    kills = halfway = before = 0
    while kills < KILLS:
        if not killed(folder, chance.uniform(0.1, 1.1) * whole):
            assert contents(folder) == wanted
            clean(folder)
            before = 0
            continue
        kills += 1
        now = done(folder)
        assert now >= before  # what was committed once stays
        halfway += before < now < ARTICLES
        before = now
        # An export is there whole, or not at all.
        assert all(wanted[name] == data for name, data in contents(folder).items())
    assert halfway >= 5  # or the kills struck nothing worth the name
    finished(folder)
    assert contents(folder) == wanted


@pytest.mark.parametrize("flags", [(), ("--jobs", "2")], ids=["one process", "two processes"])
def test_an_interrupt_ends_a_run_within_five_seconds(folder: Path, flags: tuple[str, ...]) -> None:
    """Even in the middle of a window that would take much longer; the run can go on."""
    settings = folder / "bitexte.toml"
    text = settings.read_text("utf-8")
    settings.write_text(f"beam_size = 40\n{text}".replace("= 12", "= 100000"), "utf-8")
    lines = "\n\n".join(f"Voici la phrase numéro {n} du jour, et la suite." for n in range(10_000))
    (folder / "archive" / "long.txt").write_text(lines, "utf-8")
    process = started(folder, *flags)
    time.sleep(4)
    began = time.perf_counter()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert time.perf_counter() - began < 5
    assert process.returncode == 130
    assert "error: interrupted\nhint: what was done is saved" in err
    (folder / "archive" / "long.txt").unlink()
    settings.write_text(text, "utf-8")
    finished(folder)
    assert done(folder) == ARTICLES
    assert not [*(folder / "exports").glob(".bitexte-*")]
