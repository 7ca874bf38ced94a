"""What `bitexte validate` says of JSON lines."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bitexte.exporters.jsonl_rules import findings
from conftest import ROOT, Done

JSONL = ROOT / "tests" / "data" / "jsonl"

# What is found in each file: line, rule.
FAULTS = {
    "bom": [(1, "bom")],
    "latin1": [(1, "json")],
    "line_sep_u2028": [(1, "line-break")],
    "missing_en": [(1, "translation")],
    "mixed_type": [(2, "translation")],
    "nan": [(1, "json")],
    "raw_array": [(1, "translation")],
    "truncated": [(2, "json"), (0, "newline")],
}


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")


def row(**fields: object) -> str:
    return json.dumps({"translation": {"fr": "Un.", "en": "One."}, **fields}) + "\n"


def rules(tmp_path: Path, data: str | bytes) -> list[tuple[int, str]]:
    path = tmp_path / "a.jsonl"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return [(one.line, one.rule) for one in findings(path)]


def test_good_rows_have_no_finding(tmp_path: Path) -> None:
    assert (
        rules(
            tmp_path,
            row(id="a", links=[], score=0.5) + row(id="é\u2028", links=[[0, 1]], score=1.0),
        )
        == []
    )


def test_an_empty_file_is_an_empty_corpus(tmp_path: Path) -> None:
    assert rules(tmp_path, b"") == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_line_rule_and_cure(name: str) -> None:
    found = list(findings(JSONL / "bad" / f"{name}.jsonl"))
    assert [(one.line, one.rule) for one in found] == FAULTS[name]
    assert all(one.message and one.cure for one in found)


def test_every_faulty_file_is_in_the_table() -> None:
    assert {path.stem for path in (JSONL / "bad").iterdir()} == set(FAULTS)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (row() + "\n", [(2, "json")]),
        (row().replace("\n", "\r\n"), [(1, "cr")]),
        (row().rstrip("\n"), [(0, "newline")]),
        ("null\n", [(1, "translation")]),
        ("[" * 100_000 + "\n", [(1, "json")]),
        (row(score=float("inf")), [(1, "json")]),
        (row(translation={"fr": "Un.", "en": " \u00a0"}), [(1, "empty")]),
        (row(translation={"fr": "Un.", "en": None}), [(1, "empty")]),
        (row(name="\ud800"), [(1, "surrogate")]),
        (row(name="\udce9", flags=["\ud83d\ude42"]), [(1, "surrogate")]),
        (row(translation={"fr": "a", "en": "b", "de": "c"}), [(1, "translation")]),
        (row() + row(translation={"fr": "a", "de": "b"}) + row(), [(2, "langs")]),
    ],
    ids=["blank line", "CR", "no end", "null", "deep", "Infinity", "blank side", "no side",
         "a lone surrogate", "one lone and one pair", "three languages", "two pairs of languages"],
)  # fmt: skip
def test_each_rule(tmp_path: Path, data: str, expected: list[tuple[int, str]]) -> None:
    assert rules(tmp_path, data) == expected


def test_two_types_in_a_column_are_what_only_loading_can_tell(tmp_path: Path) -> None:
    assert rules(tmp_path, row(score=1) + row(score={"a": 1})) == [(0, "datasets")]


def test_validate_says_what_datasets_said(run_cli: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(row(score=1) + row(score="one"))
    done = run_cli("validate", "a.jsonl")
    assert done.code == 3
    assert done.out.startswith("a.jsonl:0: file: datasets: several types in score; ")
    assert done.err.endswith("hint: the lines above say what to mend\n")


def test_validate_a_valid_file(run_cli: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(row())
    assert run_cli("validate", "a.jsonl") == Done(0, "a.jsonl: valid\n", "")
