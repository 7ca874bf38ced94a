"""bitexte bench: one table, one JSON line."""

import json
from collections.abc import Callable
from pathlib import Path

from bitexte import bench
from conftest import DISPATCH, Done


def test_engines_are_timed_side_by_side(run_cli: Callable[..., Done], tiny_model: Path) -> None:
    engines = ("--engine", "ct2", "--engine", "marian", "--engine", bench.BARE)
    done = run_cli(
        "bench", str(DISPATCH), *engines, "--model", str(tiny_model), "--limit", "4", "--runs", "1"
    )
    assert done.code == 0, done.err
    *table, last = done.out.splitlines()
    rows = json.loads(last)["rows"]
    assert [row["engine"] for row in rows] == ["ct2", "marian", bench.BARE]
    assert {row["sentences"] for row in rows} == {4}
    assert all(row["target_tokens"] > 0 and row["seconds"] > 0 for row in rows)
    assert all(row["peak_mb"] > 50 for row in rows)
    assert len({row["source_tokens"] for row in rows}) == 1
    assert any("target tok/s" in line for line in table)


def test_an_unknown_engine_is_refused(run_cli: Callable[..., Done]) -> None:
    assert run_cli("bench", str(DISPATCH), "--engine", "ct3").code == 2
