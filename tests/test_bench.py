"""The bench: every engine on the same sentences, each in a process of its own."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from bitexte import Config, ConfigError, ModelError, bench
from bitexte.engines import model
from bitexte.engines.pieces import Pieces
from conftest import Done

RunCli = Callable[..., Done]
ENGINES = ["ct2", "marian", bench.BARE]
SENTENCES = ["Il pleut à Liège.", "Il neige à Namur et le vent se lève.", "Bonjour."]
TEXT = "Il pleut à Liège. Il neige à Namur. Le vent se lève à Mons.\n"


@pytest.fixture(scope="module")
def config(tiny_model: Path) -> Config:
    return Config(model=str(tiny_model), beam_size=2, threads=1)


@pytest.fixture(scope="module")
def rows(config: Config) -> list[bench.Row]:
    return bench.measure(ENGINES, config, SENTENCES, runs=2)


def test_there_is_a_row_for_each_engine_in_the_order_asked(rows: list[bench.Row]) -> None:
    assert [row.engine for row in rows] == ENGINES


def test_all_engines_had_the_same_sentences_and_pieces(
    rows: list[bench.Row], config: Config
) -> None:
    assert {row.sentences for row in rows} == {len(SENTENCES)}
    pieces = Pieces(Path(config.model))
    parts = [part for sentence in SENTENCES for part in pieces.parts(sentence)]
    assert {row.source_tokens for row in rows} == {sum(len(pieces.encode(part)) for part in parts)}


def test_figures_are_above_zero_and_agree(rows: list[bench.Row]) -> None:
    for row in rows:
        figures = [value for value in asdict(row).values() if not isinstance(value, str)]
        assert all(figure >= 0 for figure in figures)
        assert row.target_tokens >= row.sentences
        assert row.sentences_per_second > 0
        ratio = row.target_tokens_per_second / row.source_tokens_per_second
        assert ratio == pytest.approx(row.target_tokens / row.source_tokens, rel=0.05)
        assert row.peak_mb > 10


def test_a_row_names_what_was_measured(rows: list[bench.Row], config: Config) -> None:
    label = model.find(config.model).label
    assert [row.signature for row in rows] == [
        f"ct2-int8|model:{label}|beam:2",
        f"marian-float32|model:{label}|beam:2",
        f"ct2-int8|model:{label}",
    ]


def test_bare_is_given_what_ct2_is_given(rows: list[bench.Row]) -> None:
    # What they make differs where the tiny model goes round in circles, which ct2 translates again.
    given = {row.engine: row.source_tokens for row in rows}
    assert given["bare"] == given["ct2"]
    assert all(row.target_tokens > 0 for row in rows)


def test_no_run_is_an_error(config: Config) -> None:
    with pytest.raises(ConfigError, match="runs is 0"):
        bench.measure(["ct2"], config, SENTENCES, runs=0)


def test_an_error_in_the_measuring_process_keeps_its_hint(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a MarianMT folder") as caught:
        bench.measure(["ct2"], Config(model=str(tmp_path)), SENTENCES, runs=1)
    assert caught.value.hint


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "dispatch.txt"
    path.write_text(TEXT, "utf-8")
    return str(path)


def test_the_command_prints_a_table_and_a_json_line(
    run_cli: RunCli, text: str, tiny_model: Path
) -> None:
    engines = ("--engine", "identity", "--engine", "bare")
    done = run_cli("bench", text, *engines, "--model", str(tiny_model), "--runs", "1")
    assert (done.code, done.err) == (0, "")
    head, *table, line = done.out.splitlines()
    assert "target tok/s" in head
    assert [row.split()[0] for row in table[:2]] == ["identity", "bare"]
    printed = json.loads(line)
    assert printed["version"] == 1
    assert [row["sentences"] for row in printed["rows"]] == [3, 3]


def test_limit_takes_the_first_sentences_and_json_leaves_out_the_table(
    run_cli: RunCli, text: str, tiny_model: Path
) -> None:
    asked = ("--engine", "identity", "--limit", "2", "--runs", "1", "--json")
    done = run_cli("bench", text, *asked, "--model", str(tiny_model))
    assert done.code == 0, done.err
    (row,) = json.loads(done.out)["rows"]
    assert row["sentences"] == 2
    assert row["target_tokens"] == 8  # words: "Il pleut à Liège." and "Il neige à Namur."


def test_an_unknown_engine_is_an_error(run_cli: RunCli, text: str) -> None:
    done = run_cli("bench", text, "--engine", "marain")
    assert done.code == 2
    assert done.err == "error: unknown engine 'marain'\nhint: did you mean 'marian'?\n"
