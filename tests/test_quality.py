"""Quality floors that only rise: see tests/quality/README.md."""

import importlib.util
import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "quality"
FLOORS = json.loads((HERE / "floors.json").read_text("utf-8"))

spec = importlib.util.spec_from_file_location("gate", HERE / "gate.py")
assert spec is not None
assert spec.loader is not None
gate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gate)


def test_every_gold_file_has_a_floor() -> None:
    files = {path.name.partition(".jsonl")[0] for path in (HERE / "segmentation").glob("*.gz")}
    assert files == set(FLOORS)


@pytest.mark.parametrize("name", FLOORS)
def test_segmentation_is_no_worse_than_it_was(name: str) -> None:
    [path] = (HERE / "segmentation").glob(f"{name}.jsonl.gz")
    assert gate.f1_hard(gate.documents(path)) >= FLOORS[name]
