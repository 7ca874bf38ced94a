"""Bytes and a name in, one article out."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from bitexte import Article, Failure, InputError
from bitexte.readers import READERS, article_id, check, expand, read, read_all
from conftest import DISPATCH

TEXT = DISPATCH.read_text("utf-8")


def test_the_dispatch_is_read_character_for_character() -> None:
    article = read(str(DISPATCH))
    assert article.text == TEXT
    assert article.meta == {}


def test_the_same_bytes_under_two_names_are_two_articles() -> None:
    assert article_id("a.txt", b"x") != article_id("b.txt", b"x")
    assert len(article_id("a.txt", b"x")) == 16


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16-le"),
        ("\ufeff".encode("utf-16-be") + TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-32"), "utf-32-le"),
        (TEXT.encode("latin-1"), "cp1252"),
        (TEXT.replace("'", "’").encode("cp1252"), "cp1252"),
        (TEXT.replace("Cuba", "Cuba (3 €)").encode("iso8859-15"), "cp1252"),
        (TEXT.encode("mac-roman"), "mac_roman"),
        (TEXT.encode("cp850"), "cp850"),
    ],
    ids=lambda value: value if isinstance(value, str) else "bytes",
)
def test_older_encodings_are_decoded_and_reported(data: bytes, encoding: str) -> None:
    article = READERS.get("txt")(data, "x.txt")
    assert "après" not in article.text or "aprÃ¨s" not in article.text
    assert "excusons pour les gênes occasionnées" in article.text
    assert article.meta.get("encoding", "utf-8") == encoding


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04 and so on", "a zip archive"),
        (b"%PDF-1.7", "a PDF"),
        (b"Bonjour\x00 tout le monde", "a NUL character at offset 7"),
        (bytes(range(256)) * 40, "binary"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe\x00\x01", "binary"),
    ],
)
def test_binary_content_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        READERS.get("txt")(data, "x.txt")
    assert caught.value.message.startswith("x.txt: ")
    assert caught.value.hint


def test_damaged_utf8_is_told_and_not_taken_for_an_older_encoding() -> None:
    for text in (
        "Le café ferm",
        "« Nous ne céderons pas », a-t-il déclaré à l’",
        "“Très grave”, a-t-il ajouté : ",
    ):
        data = (text + "é").encode()[:-1]
        offset = len(text.encode())
        with pytest.raises(InputError, match=rf"x\.txt: damaged: byte 0xc3 at offset {offset} is"):
            READERS.get("txt")(data, "x.txt")


def test_a_byte_that_its_encoding_does_not_have_is_told(tmp_path: Path) -> None:
    # Beyond the part by which the encoding is guessed.
    data = TEXT.replace("'", "’").encode("cp1252") * 60
    assert len(data) > 65536
    (tmp_path / "bad.txt").write_bytes(data + b"\x81")
    (tmp_path / "good.txt").write_bytes(data)
    bad, good = read_all([str(tmp_path)])
    assert isinstance(bad, Failure)
    assert f"damaged: byte 0x81 at offset {len(data):,} is not cp1252" in bad.error.message
    assert isinstance(good, Article)


@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="empty"):
        read(str(path))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InputError, match=r"nowhere\.txt: no such file"):
        read("nowhere.txt")


def test_folders_are_walked_in_order_and_hidden_files_left_alone(tmp_path: Path) -> None:
    for name in ("b.txt", "a/2.txt", "a/1.TXT", ".hidden.txt", ".git/c.txt", "notes.pdf"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("Un texte.", "utf-8")
    names = [article.name for article in read_all([str(tmp_path)])]
    assert names == [str(tmp_path / name) for name in ("a/1.TXT", "a/2.txt", "b.txt")]


def test_a_folder_that_cannot_be_listed_is_told_like_a_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    (tmp_path / "a.txt").write_text("Un texte.", "utf-8")
    scandir = os.scandir

    def refuse(path: Any) -> Any:  # the tests may be run by who may do everything
        if Path(path) == locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    good, bad = read_all([str(tmp_path)])
    assert isinstance(good, Article)
    assert isinstance(bad, Failure)
    assert bad.name == str(locked)


@pytest.mark.parametrize(("name", "message"), [("", "a name is empty"), ("a" * 300, "too long")])
def test_a_name_that_no_file_can_have_is_told(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(expand(name)[0])


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no text in this folder"):
        list(read_all([str(tmp_path)]))


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\0\0")
    (tmp_path / "b.txt").write_text("Un texte.", "utf-8")
    bad, good = read_all([str(tmp_path)])
    assert isinstance(bad, Failure)
    assert isinstance(good, Article)
