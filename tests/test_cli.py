"""Every command and every exit code, as a terminal sees them."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bitexte import cli
from conftest import DISPATCH, ROOT, Done, written

RunCli = Callable[..., Done]
RECEIVED = ROOT / "seeds" / "dispatch-as-received.txt"
IDENTITY = ("--engine", "identity")


@dataclass(frozen=True)
class Case:
    """A command line, and how it must end; `files` are written before it runs."""

    args: tuple[str, ...]
    code: int
    out: str = ""
    err: tuple[str, ...] = ()
    stdin: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)


FRENCH = "Il pleut à Liège. Il neige à Namur.\n".encode()
ENGLISH = b"The operator said that services had been restored across the island on Thursday.\n"

CASES = {
    "version": Case(("--version",), 0, out=f"bitexte {cli.__version__}\n"),
    "unknown command": Case(("rum",), 2, err=("No such command 'rum'",)),
    "unknown flag": Case(("run", "a.txt", "--fromat", "tmx"), 2, err=("--fromat", "--format")),
    "unknown format": Case(
        ("run", "a.txt", "--format", "tmxx"),
        2,
        err=("error: unknown export format 'tmxx'", "hint: did you mean 'tmx'?"),
        files={"a.txt": FRENCH},
    ),
    "unknown engine": Case(
        ("run", "a.txt", "--engine", "ct3"),
        2,
        err=("error: unknown engine 'ct3'", "hint: did you mean 'ct2'?"),
        files={"a.txt": FRENCH},
    ),
    "value out of range": Case(
        ("run", "a.txt", "--beam-size", "0"), 2, err=("error: beam_size is 0",)
    ),
    "unknown model": Case(
        ("translate", "--model", "nonesuch"),
        2,
        err=("error: no model 'nonesuch'", "hint: `bitexte models`"),
        stdin=FRENCH,
    ),
    "missing file": Case(("run", "no.txt"), 3, err=("error: no.txt: no such file", "hint: ")),
    "empty file": Case(
        ("run", "a.txt"), 3, err=("error: a.txt: empty", "hint: "), files={"a.txt": b" \n"}
    ),
    "folder without texts": Case(
        ("run", "folder"), 3, err=("error: folder: no text", "hint: "), files={"folder/a.pdf": b""}
    ),
    "NUL bytes": Case(
        ("run", "a.txt"), 3, err=("error: a.txt: a NUL",), files={"a.txt": b"Bon\0jour"}
    ),
    "binary file": Case(
        ("run", "a.txt"), 3, err=("error: a.txt: binary",), files={"a.txt": bytes(range(256)) * 9}
    ),
    "a line of 10 MB": Case(
        ("run", "a.txt"),
        3,
        err=("error: a.txt: 10,000,000 characters", "hint: split it"),
        files={"a.txt": b"mot " * 2_500_000},
    ),
    "not French": Case(
        ("run", "a.txt"),
        3,
        err=("error: a.txt: this does not look like French", "hint: use --force"),
        files={"a.txt": ENGLISH},
    ),
    "not a model folder": Case(
        ("run", "a.txt", "--model", "folder"),
        4,
        err=("error: folder: not a MarianMT folder", "hint: "),
        files={"a.txt": FRENCH, "folder/config.json": b"{}"},
    ),
    "output that cannot be written": Case(
        ("run", "a.txt", *IDENTITY, "--out", "b.txt/exports"),
        5,
        err=("error: b.txt/exports/bitexte.sqlite: cannot write", "hint: "),
        files={"a.txt": FRENCH, "b.txt": b""},
    ),
    "some of several failed": Case(
        ("run", "a.txt", "b.txt", *IDENTITY),
        6,
        out=written("corpus", "tmx", "jsonl"),
        err=("failed: b.txt: empty", "sentences: 2 in 1 article, 1 failed"),
        files={"a.txt": FRENCH, "b.txt": b""},
    ),
    "cp1252 is decoded and reported": Case(
        ("translate", *IDENTITY),
        0,
        out="Il pleut à Liège. Il neige à Namur.\n",
        err=("warning: -: not UTF-8, decoded as cp1252",),
        stdin=FRENCH.decode().encode("cp1252"),
    ),
    "lines and JSON": Case(
        ("translate", "--lines", "--json", *IDENTITY),
        2,
        err=("error: --lines and --json do not go together", "hint: "),
        stdin=FRENCH,
    ),
    "a language that is none": Case(
        ("run", "a.txt", *IDENTITY, "--target-lang", "en_GB"),
        2,
        err=("error: target_lang is 'en_GB', no language tag", "hint: "),
        files={"a.txt": FRENCH},
    ),
    "two names of one language": Case(
        ("run", "a.txt", *IDENTITY, "--target-lang", "fr-CA"),
        2,
        err=("error: source_lang and target_lang are one language: fr and fr-CA", "hint: "),
        files={"a.txt": FRENCH},
    ),
    "forced": Case(("translate", "--force", *IDENTITY), 0, out=ENGLISH.decode(), stdin=ENGLISH),
    "one line for each line": Case(
        ("translate", "--lines", *IDENTITY),
        0,
        out="Il pleut. Il neige.\n\nIl vente à Mons.\n(Belga)\n",
        stdin="Il pleut. Il neige.\r\n\r\nIl vente à Mons.\n(Belga)\n".encode(),
    ),
}


def read_rows(path: str) -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case(case: Case, run_cli: RunCli) -> None:
    for name, content in case.files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content)
    done = run_cli(*case.args, stdin=case.stdin)
    assert done.code == case.code, done.err
    assert done.out == case.out
    for text in case.err:
        assert text in done.err
    assert "Traceback" not in done.err


def test_run_prints_the_paths_and_a_summary_of_three_lines(run_cli: RunCli) -> None:
    done = run_cli("run", str(DISPATCH), *IDENTITY)
    assert done.code == 0
    assert done.out == written("dispatch", "tmx", "jsonl")
    sentences, seconds, warnings = done.err.splitlines()
    assert sentences == "sentences: 7 in 1 article"
    assert seconds.startswith("seconds: ")
    assert warnings == "warnings: 0"


def test_the_dispatch_as_received_has_fourteen_sentences(run_cli: RunCli) -> None:
    done = run_cli("run", str(RECEIVED), *IDENTITY, "--json")
    summary = json.loads(done.out.splitlines()[-1])
    assert (summary["sentences"], summary["articles"]) == (14, 1)
    rows = read_rows("exports/dispatch-as-received.jsonl")
    texts = [row["translation"]["fr"] for row in rows]
    assert texts[:7] == texts[7:]
    assert not any("Belga" in text for text in texts)


def test_a_failed_run_leaves_older_exports_alone(run_cli: RunCli) -> None:
    run_cli("run", str(DISPATCH), *IDENTITY)
    before = Path("exports/dispatch.tmx").read_bytes()
    Path("dispatch.txt").write_bytes(ENGLISH)
    assert run_cli("run", "dispatch.txt", *IDENTITY).code == 3
    assert Path("exports/dispatch.tmx").read_bytes() == before


def test_two_runs_write_the_same_bytes(run_cli: RunCli) -> None:
    for out in ("one", "two"):
        run_cli("run", str(DISPATCH), *IDENTITY, "--out", out)
    for name in ("dispatch.tmx", "dispatch.jsonl"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()


def test_a_folder_gives_one_corpus_named_after_it(run_cli: RunCli) -> None:
    Path("archive").mkdir()
    for name in ("a.txt", "b.txt"):
        Path("archive", name).write_bytes(FRENCH)
    done = run_cli("run", "archive", *IDENTITY, "--format", "jsonl")
    assert done.out == written("archive", "jsonl")
    rows = read_rows("exports/archive.jsonl")
    assert [row["article"] for row in rows] == ["archive/a.txt"] * 2 + ["archive/b.txt"] * 2


def test_regional_tags_are_written_to_the_tmx_alone(run_cli: RunCli) -> None:
    run_cli("run", str(DISPATCH), *IDENTITY, "--source-lang", "fr-BE", "--target-lang", "en-GB")
    tmx = Path("exports/dispatch.tmx").read_text("utf-8")
    assert 'srclang="fr-BE"' in tmx
    assert '<tuv xml:lang="en-GB">' in tmx
    assert set(read_rows("exports/dispatch.jsonl")[0]["translation"]) == {"fr", "en"}


def test_what_run_writes_validates(run_cli: RunCli) -> None:
    run_cli("run", str(DISPATCH), *IDENTITY)
    assert run_cli("validate", "exports/dispatch.tmx").code == 0


def test_segment_prints_one_sentence_a_line(run_cli: RunCli) -> None:
    done = run_cli("segment", str(RECEIVED))
    assert (done.code, len(done.out.splitlines())) == (0, 14)
    result = json.loads(run_cli("segment", str(RECEIVED), "--json").out)
    text = RECEIVED.read_text("utf-8")
    assert all(text[one["start"] : one["end"]] == one["text"] for one in result["sentences"])
    assert result["meta"]["agency"] == "Belga"


def test_segment_answers_lines_of_json(run_cli: RunCli) -> None:
    asked = json.dumps({"id": 7, "text": "Il pleut. Il neige."}) + "\n"
    done = run_cli("segment", "--jsonl", stdin=asked.encode())
    assert json.loads(done.out) == {"id": 7, "sents": [[0, 9], [10, 19]]}
    done = run_cli("segment", "--jsonl", stdin=b"Il pleut.\n")
    assert (done.code, done.err.count("line 1 is not a JSON object")) == (3, 1)


def test_segment_takes_more_abbreviations(run_cli: RunCli) -> None:
    Path("more.txt").write_text("Tartempion. # a company\n", "utf-8")
    text = b"La firme Tartempion. Dupont recrute."
    assert len(run_cli("segment", stdin=text).out.splitlines()) == 2
    more = run_cli("segment", "--abbreviations", "more.txt", stdin=text)
    assert len(more.out.splitlines()) == 1


def test_segment_goes_by_the_settings_that_run_goes_by(run_cli: RunCli) -> None:
    Path("bitexte.toml").write_text("keep_quotes = true\n", "utf-8")
    done = run_cli("segment", stdin="Il a dit : « Oui. Non. »".encode())
    assert len(done.out.splitlines()) == 1
    text = 'source_lang = "en"\ntarget_lang = "fr"\nmax_sentence_chars = 50\n'
    Path("bitexte.toml").write_text(text, "utf-8")
    done = run_cli("segment", stdin=b"In Mr. Smith's town it rains, " + b"and rains, " * 5 + b"on.")
    assert [len(line) <= 50 for line in done.out.splitlines()] == [True, True]


def test_run_takes_the_flags_of_the_segmenter(run_cli: RunCli) -> None:
    Path("more.txt").write_text("Tartempion. # a company\n", "utf-8")
    Path("a.txt").write_text("La firme Tartempion. Dupont dit : « Oui. Non. »", "utf-8")
    flags = ("--abbreviations", "more.txt", "--keep-quotes", "--json")
    summary = json.loads(run_cli("run", "a.txt", *IDENTITY, *flags).out.splitlines()[-1])
    assert summary["sentences"] == 1
    assert "quotes:whole|abbr:" in summary["signature"]


def test_translate_as_json_has_the_text_and_its_pairs(run_cli: RunCli) -> None:
    done = run_cli("translate", str(DISPATCH), "--json", *IDENTITY)
    result = json.loads(done.out)
    assert result["text"].endswith("intentionnel. (Belga)")
    assert len(result["pairs"]) == 7


def test_quiet_runs_say_nothing_at_all(run_cli: RunCli) -> None:
    Path("a.txt").write_bytes(FRENCH)
    done = run_cli("-q", "run", "a.txt", *IDENTITY, "--format", "jsonl")
    assert (done.code, done.err) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_standard_output_without_room_is_one_clear_error(run_cli: RunCli) -> None:
    Path("a.txt").write_bytes(FRENCH)
    with open("/dev/full", "w") as full:  # noqa: PTH123
        command = [sys.executable, "-m", "bitexte", "segment", "a.txt"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 5
    assert done.stderr.startswith("error: stdout: No space left on device\nhint: ")


def test_quiet_says_nothing_but_errors(run_cli: RunCli) -> None:
    done = run_cli("-q", "translate", *IDENTITY, stdin=FRENCH.decode().encode("cp1252"))
    assert done.err == ""


def test_an_interrupt_ends_with_130(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bitexte.runners.local.work", interrupted)
    done = run_cli("run", str(DISPATCH), *IDENTITY)
    assert (done.code, done.err.splitlines()[0]) == (130, "error: interrupted")
    assert not [*Path().glob("exports/dispatch.*")]


def test_a_bug_shows_its_traceback_and_asks_for_a_report(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("bitexte.runners.local.work", broken)
    done = run_cli("run", str(DISPATCH), *IDENTITY)
    assert done.code == 1
    assert "ZeroDivisionError" in done.err
    assert "hint: please report it" in done.err
