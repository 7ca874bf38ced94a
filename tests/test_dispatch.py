"""The real thing: the embedded model on the seed dispatch."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import DISPATCH, ROOT, Done, written

pytestmark = pytest.mark.model
RunCli = Callable[..., Done]
EXPORTS = ROOT / "exports"


@pytest.fixture
def ran(run_cli: RunCli) -> Done:
    return run_cli("run", str(DISPATCH))


def rows(path: Path) -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_main_job_needs_no_network_and_says_what_it_wrote(ran: Done) -> None:
    assert ran.code == 0, ran.err
    assert ran.out == written("dispatch", "tmx", "jsonl")
    assert ran.err.splitlines()[0] == "sentences: 7 in 1 article"


def test_the_samples_in_exports_are_what_the_main_job_makes(ran: Done) -> None:
    assert ran.code == 0
    made, kept = rows(Path("exports/dispatch.jsonl")), rows(EXPORTS / "dispatch.jsonl")
    for new, old in zip(made, kept, strict=True):
        # int8 arithmetic differs a little between processor families: scores, rarely a word.
        assert new["translation"]["fr"] == old["translation"]["fr"]
        assert (new["start"], new["end"]) == (old["start"], old["end"])
        assert new["signature"] == old["signature"]
    same = [new["translation"] == old["translation"] for new, old in zip(made, kept, strict=True)]
    assert sum(same) >= 6


def test_every_sentence_is_translated_and_traceable(ran: Done) -> None:
    assert ran.code == 0
    text = DISPATCH.read_text("utf-8")
    for row in rows(Path("exports/dispatch.jsonl")):
        assert text[row["start"] : row["end"]] == row["translation"]["fr"]
        assert row["translation"]["en"].strip()
        assert -5 < row["logprob"] < 0


def test_translate_prints_the_text_and_nothing_else(run_cli: RunCli) -> None:
    done = run_cli("translate", str(DISPATCH))
    assert done.err == ""
    assert done.out.endswith("(Belga)\n")
    assert done.out.count("\n") == 1


def test_the_same_dispatch_twice_gives_the_same_english_twice(run_cli: RunCli) -> None:
    done = run_cli("translate", str(ROOT / "seeds" / "dispatch-as-received.txt"))
    first, second = done.out.rstrip("\n").split("\n\n")
    assert first == second


def test_the_readme_s_python_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    exec(code, {})
    assert len(capsys.readouterr().out.splitlines()) == 7
