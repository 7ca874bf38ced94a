"""bitexte align, as a terminal sees it."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import DISPATCH, ROOT, Done, written

RunCli = Callable[..., Done]
REFERENCE = ROOT / "seeds" / "dispatch.en.txt"

FRENCH = (
    "La panne a duré deux heures dans toute la région. Le maire de Namur a démissionné lundi. "
    "Le prix du pain augmente de 4 % depuis janvier."
)
ENGLISH = (
    "The outage lasted two hours across the whole region. The mayor of Namur resigned on Monday. "
    "The price of bread has been rising by 4% since January."
)
OTHER = (
    "Astronomers observed a distant galaxy. Its stars are very old and red. "
    "The telescope had been repaired by two engineers."
)


def rows(path: str = "exports/a-aligned.jsonl") -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]


@pytest.fixture
def pair(run_cli: RunCli) -> RunCli:
    """Write a text and its translation into the empty folder that `run_cli` works in."""
    Path("a.txt").write_text(FRENCH, "utf-8")
    Path("b.txt").write_text(ENGLISH, "utf-8")
    return run_cli


def test_a_dispatch_and_its_translation_become_a_corpus(run_cli: RunCli) -> None:
    done = run_cli("align", str(DISPATCH), str(REFERENCE), "--format", "tmx", "--format", "jsonl")
    assert done.code == 0, done.err
    assert done.out == written("dispatch-aligned", "tmx", "jsonl")
    made = rows("exports/dispatch-aligned.jsonl")
    assert [row["bead"] for row in made] == [[1, 1], [1, 1], [1, 1], [1, 2], [1, 1], [2, 1]]
    text = DISPATCH.read_text("utf-8")
    assert all(text[row["start"] : row["end"]] == row["translation"]["fr"] for row in made)
    assert {row["origin"] for row in made} == {"human"}
    assert min(row["confidence"] for row in made) > 0.9
    assert all(row["links"] for row in made)
    assert (
        run_cli("validate", "exports/dispatch-aligned.tmx", "exports/dispatch-aligned.jsonl").code
        == 0
    )


def test_the_command_in_the_manifest_aligns_again(pair: RunCli) -> None:
    Path("bitexte.toml").write_text("beam_size = 2\nstore = 'mine.sqlite'\n", "utf-8")
    pair("align", "a.txt", "b.txt", "--no-words", "--format", "jsonl")
    made = Path("exports/a-aligned.jsonl").read_bytes()
    told = json.loads(Path("exports/a-aligned.manifest.json").read_text("utf-8"))
    for path in (*Path("exports").iterdir(), Path("bitexte.toml"), Path("mine.sqlite")):
        path.unlink()
    assert pair(*shlex.split(told["command"])[1:]).code == 0
    assert Path("exports/a-aligned.jsonl").read_bytes() == made


def test_what_has_no_counterpart_is_left_out_and_told(pair: RunCli) -> None:
    Path("b.txt").write_text(ENGLISH.replace("The mayor of Namur resigned on Monday. ", ""))
    done = pair("align", "a.txt", "b.txt", "--format", "jsonl")
    assert done.code == 0
    assert "warning: a.txt: 1 sentence without a counterpart in the translation\n" in done.err
    assert [row["translation"]["fr"][:8] for row in rows()] == ["La panne", "Le prix "]


def test_lines_can_be_taken_as_they_are(pair: RunCli) -> None:
    Path("a.txt").write_text(FRENCH.replace(". ", ".\n\n").replace("heures dans", "heures.\n Dans"))
    Path("b.txt").write_text(ENGLISH.replace(". ", ".\n"))
    assert pair("align", "a.txt", "b.txt", "--presegmented", "--format", "jsonl").code == 0
    assert [row["bead"] for row in rows()] == [[2, 1], [1, 1], [1, 1]]
    assert rows()[0]["signature"].startswith("align:a1|seg:lines|langs:fr-en|words:")


def test_links_can_be_left_out(pair: RunCli) -> None:
    assert pair("align", "a.txt", "b.txt", "--no-words", "--format", "jsonl").code == 0
    assert [row["links"] for row in rows()] == ["", "", ""]
    assert "words:" not in rows()[0]["signature"]


def test_two_runs_give_the_same_bytes(pair: RunCli) -> None:
    for folder in ("one", "two"):
        assert pair("align", "a.txt", "b.txt", "--out", folder, "--format", "jsonl").code == 0
    assert Path("one/a-aligned.jsonl").read_bytes() == Path("two/a-aligned.jsonl").read_bytes()


def test_a_text_can_come_from_stdin(pair: RunCli) -> None:
    done = pair("align", "-", "b.txt", "--format", "jsonl", stdin=FRENCH.encode())
    assert done.out == written("stdin-aligned", "jsonl")
    assert len(rows("exports/stdin-aligned.jsonl")) == 3


def test_folders_are_matched_by_name(run_cli: RunCli) -> None:
    for name, text in {
        "fr/a.fr.txt": FRENCH,
        "fr/deep/b.txt": FRENCH,
        "fr/lone.txt": FRENCH,
        "en/a.EN.txt": ENGLISH,
        "en/deep/b.en.txt": ENGLISH,
    }.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, "utf-8")
    done = run_cli("align", "fr", "en", "--format", "jsonl")
    assert done.code == 6
    assert "failed: fr/lone.txt: no text of that name in en" in done.err
    assert {row["article"] for row in rows("exports/fr-aligned.jsonl")} == {
        "fr/a.fr.txt",
        "fr/deep/b.txt",
    }


def test_one_folder_may_hold_both_sides(run_cli: RunCli) -> None:
    Path("both").mkdir()
    Path("both/a.fr.txt").write_text(FRENCH, "utf-8")
    Path("both/a.en.txt").write_text(ENGLISH, "utf-8")
    done = run_cli("align", "both", "both", "--format", "jsonl")
    assert (done.code, done.out) == (0, written("both-aligned", "jsonl"))


def test_language_tags_are_the_same_in_any_case(pair: RunCli) -> None:
    tags = ("--source-lang", "FR-be", "--target-lang", "EN")
    assert pair("align", "a.txt", "b.txt", "--format", "jsonl", "--out", "x", *tags).code == 0
    assert pair("align", "a.txt", "b.txt", "--format", "jsonl").code == 0
    assert [row["links"] for row in rows("x/a-aligned.jsonl")] == [row["links"] for row in rows()]


def test_what_was_repaired_in_the_translation_is_told(pair: RunCli) -> None:
    Path("b.txt").write_bytes(ENGLISH.replace("mayor", "mayor, André,").encode("cp1252"))
    assert "warning: b.txt: not UTF-8, decoded as cp1252" in pair("align", "a.txt", "b.txt").err


BAD = {
    "stdin twice": (("align", "-", "-"), 2, "one text too many"),
    "a second text for the protocol": (("align", "--jsonl", "f.jsonl", "b.txt"), 2, "too many"),
    "a missing half": (("align", "a.txt", "no.txt"), 3, "no.txt: no such file"),
    "only one text": (("align", "a.txt"), 2, "one text to align"),
    "the halves swapped": (("align", "b.txt", "a.txt"), 3, "b.txt: this does not look like French"),
    "no English": (("align", "a.txt", "a.txt"), 3, "a.txt: this does not look like 'en'"),
    "one text twice": (("align", "a.txt", "a.txt", "--force"), 3, "the same text twice"),
    "nothing in common": (("align", "a.txt", "c.txt"), 3, "a.txt and c.txt: nothing in common"),
    "nothing but a credit": (("align", "g.txt", "b.txt"), 3, "g.txt: no sentence to align"),
    "a folder and a file": (("align", ".", "b.txt"), 3, "a folder and a file"),
    "lines that do not match": (
        ("align", "--words", "a.txt", "d.txt"), 3, "a.txt has 1 lines and d.txt 2"),
    "no JSON": (("align", "--jsonl", "a.txt"), 3, "a.txt: line 1 is not a JSON object"),
    "no UTF-8": (("align", "--jsonl", "e.jsonl"), 3, "e.jsonl: line 1 is not a JSON object"),
    "a text, not sentences": (
        ("align", "--jsonl", "f.jsonl"), 3, "line 1 is not a JSON object with id, src, tgt"),
}  # fmt: skip


@pytest.mark.parametrize(("args", "code", "message"), BAD.values(), ids=BAD)
def test_bad_input_gives_one_error_that_names_it(
    args: tuple[str, ...], code: int, message: str, pair: RunCli
) -> None:
    Path("c.txt").write_text(OTHER)
    Path("d.txt").write_text("One.\nTwo.\n")
    Path("g.txt").write_text("(Belga)\n")
    Path("e.jsonl").write_bytes(b'{"id": "\xe9", "src": [], "tgt": []}\n')
    Path("f.jsonl").write_text('{"id": 1, "src": "Un.", "tgt": ["One."]}\n')
    done = pair(*args)
    assert done.code == code, done.err
    assert message in done.err
    assert "\nhint: " in done.err
    assert done.out == ""
    assert not [*Path().glob("exports/*-aligned.*")]


def test_one_side_far_longer_than_the_other_is_told(pair: RunCli) -> None:
    Path("b.txt").write_text(f"{ENGLISH} " + OTHER * 8)
    done = pair("align", "a.txt", "b.txt")
    assert done.code == 0
    assert "one side is 8 times as long as the other" in done.err
    assert "24 sentences added by the translation" in done.err
    assert [row["bead"] for row in rows()] == [[1, 1]] * 3


def test_words_of_two_files_line_by_line(run_cli: RunCli) -> None:
    Path("a.fr").write_text("L'été vient.\r\n\r\nMerci.\r\n", "utf-8")
    Path("a.en").write_text("Summer comes.\n\nThanks.", "utf-8")
    assert run_cli("align", "--words", "a.fr", "a.en").out == "1-0 2-1 3-2\n\n0-0 1-1\n"
    told = json.loads(run_cli("align", "--words", "--json", "a.fr", "a.en").out)["pairs"]
    assert told[0]["src"] == [[0, 2], [2, 5], [6, 11], [11, 12]]
    assert told[0]["tgt"] == [[0, 6], [7, 12], [12, 13]]
    assert told[1] == {"src": [], "tgt": [], "links": []}
    Path("empty").touch()
    assert run_cli("align", "--words", "empty", "empty") == Done(0, "", "")
    assert run_cli("align", "--words", "empty", "a.en").code == 3


def test_a_model_links_words_of_languages_without_a_table(
    run_cli: RunCli, tiny_model: Path
) -> None:
    Path("a.fr").write_text("La police est venue.\n", "utf-8")
    Path("a.de").write_text("La police est venue.\n", "utf-8")
    told = ("align", "--words", "a.fr", "a.de", "--target-lang", "de", "--model", str(tiny_model))
    assert "0-0 1-1" in run_cli(*told).out


def test_the_protocols_of_the_scorers(run_cli: RunCli) -> None:
    asked = {"id": "x", "src": FRENCH.split(". "), "tgt": ENGLISH.split(". ")}
    done = run_cli("align", "--jsonl", stdin=json.dumps(asked).encode())
    answer = json.loads(done.out)
    assert answer["links"] == [[[0], [0]], [[1], [1]], [[2], [2]]]
    assert len(answer["scores"]) == 3
    asked = {"id": "z", "src": [FRENCH, "\ud800"], "tgt": [ENGLISH]}
    done = run_cli("align", "--jsonl", stdin=json.dumps(asked).encode())
    assert [sorted(side) for side in json.loads(done.out)["links"][0]] == [[0, 1], [0]]
    asked = {"id": "y", "src": ["Le", "chat", "dort"], "tgt": ["The", "cat", "sleeps"]}
    done = run_cli("align", "--words", "--jsonl", stdin=json.dumps(asked).encode())
    assert json.loads(done.out) == {"id": "y", "links": [[0, 0], [1, 1], [2, 2]]}


def test_the_page_shows_beads_side_by_side(pair: RunCli) -> None:
    assert pair("align", "a.txt", "b.txt", "--format", "html").out == written("a-aligned", "html")
    page = Path("exports/a-aligned.html").read_text("utf-8")
    assert page.count("<tr id=") == 3
    assert '<td lang="fr">' in page
    assert "align:a1|seg:fr2" in page
