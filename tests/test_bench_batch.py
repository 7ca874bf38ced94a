"""bitexte bench batch: what it makes, what it runs, what it prints; how fast is not tested."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bitexte import bench_batch, flow, readers
from bitexte.config import Config
from conftest import Done

RunCli = Callable[..., Done]
LINES = ["Il pleut à Liège.", "Il neige à Namur.", "Le vent se lève à Mons et la mer monte."]


def test_dispatches_are_short_french_texts_and_always_the_same(tmp_path: Path) -> None:
    for name in ("one", "two"):
        bench_batch.write(tmp_path / name, LINES, 6)
    names = readers.expand(str(tmp_path / "one"))
    texts = [Path(name).read_text("utf-8") for name in names]
    assert texts == [
        Path(name).read_text("utf-8") for name in readers.expand(str(tmp_path / "two"))
    ]
    prepared = [flow.prepare(readers.read(name), Config()) for name in names]
    assert [len(one.segments) for one in prepared] == [3, 4, 5, 3, 4, 5]
    assert len(flow.sentences(prepared)) > len(LINES)  # a memory would not do the work
    assert {one.article.meta["agency"] for one in prepared} == {"AFP"}


@pytest.mark.parametrize("name", ["bare", "jobs", "transformers", "again"])
def test_a_measurement_is_a_ratio_of_two_times(
    name: str, tiny_model: Path, run_cli: RunCli
) -> None:
    Path("lines.fr").write_text("\n".join(LINES), "utf-8")
    Path("bitexte.toml").write_text("min_french = 0.0\n", "utf-8")
    flags = ("--articles", "3", "--only", name, "--model", str(tiny_model), "--beam-size", "1")
    done = run_cli("bench", "batch", "lines.fr", *flags, "--threads", "1")
    assert done.code == 0, done.err
    line, table = done.out.splitlines()
    assert " times " in line
    [row] = json.loads(table)["rows"]
    assert row["sentences"] >= 9
    assert row["other"] > 0
    assert row["peak_mb"] > 10
    # On so little, starting up hides the rest: what is left of ours may be nothing.
    assert row["ratio"] == pytest.approx(row["other"] / row["ours"], abs=0.1, rel=0.1)


def test_growth_is_measured_on_folders_of_the_sizes_asked_for(run_cli: RunCli) -> None:
    Path("lines.fr").write_text("\n".join(LINES), "utf-8")
    done = run_cli("bench", "batch", "lines.fr", "--only", "growth", "--growth", "2,6", "--json")
    assert done.code == 0, done.err
    rows = json.loads(done.out)["rows"]
    assert [row["name"] for row in rows] == [f"{n} articles, as they grow" for n in (2, 6)]
    assert rows[0]["ratio"] == 1


def test_the_store_of_the_settings_is_left_alone(run_cli: RunCli, tmp_path: Path) -> None:
    Path("lines.fr").write_text("\n".join(LINES), "utf-8")
    mine = tmp_path / "mine.sqlite"
    Path("bitexte.toml").write_text(f"engine = 'identity'\nstore = '{mine}'\n", "utf-8")
    done = run_cli("bench", "batch", "lines.fr", "--only", "growth", "--growth", "2")
    assert done.code == 0, done.err
    assert not mine.exists()


def test_what_cannot_be_measured_is_named(run_cli: RunCli) -> None:
    Path("lines.fr").write_text("\n\n", "utf-8")
    done = run_cli("bench", "batch", "lines.fr", "--only", "bar")
    assert (done.code, done.err.count("did you mean 'bare'?")) == (2, 1)
    assert run_cli("bench", "batch", "lines.fr", "--growth", "x").code == 2
    assert run_cli("bench", "batch", "lines.fr").code == 3


def test_the_bench_of_engines_needs_no_second_word(run_cli: RunCli) -> None:
    Path("lines.fr").write_text("\n".join(LINES), "utf-8")
    for words in (("bench",), ("bench", "engines")):
        done = run_cli(*words, "lines.fr", "--engine", "identity", "--runs", "1")
        assert (done.code, done.out.count("identity: identity, 3 sentences")) == (0, 1)
