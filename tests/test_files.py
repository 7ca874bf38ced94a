"""Whole-or-nothing writing, reading bytes, and the clock."""

import errno
import io
import os
import stat
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bitexte.errors import ConfigError, InputError, OutputError
from bitexte.files import atomic_binary, now, read_bytes, sweep


def write(path: Path, data: bytes = b"new") -> None:
    with atomic_binary(path) as out:
        out.write(data)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    """Make a file that must still be there, alone and unchanged, when the test is over."""
    path = tmp_path / "corpus.tmx"
    path.write_bytes(b"old")
    yield path
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["corpus.tmx"]


# ---- what is written


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "corpus.tmx"
    with atomic_binary(path) as out:
        out.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["corpus.tmx"]


def test_a_file_is_replaced_at_once_and_never_half(tmp_path: Path) -> None:
    path = tmp_path / "corpus.tmx"
    path.write_bytes(b"old")
    with atomic_binary(path) as out:
        out.write(b"new" * 100_000)
        out.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" * 100_000


def test_a_name_as_long_as_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".tmx")
    write(path)
    assert path.read_bytes() == b"new"


def test_the_check_reads_what_was_written_before_it_gets_its_name(tmp_path: Path) -> None:
    path = tmp_path / "corpus.tmx"
    seen = []

    def check(aside: Path) -> None:
        seen.append((aside.read_bytes(), aside.parent, path.exists()))

    with atomic_binary(path, check=check) as out:
        out.write(b"new")
    assert seen == [(b"new", tmp_path, False)]


# ---- what goes wrong: `old` checks that nothing was touched and nothing left aside


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OutputError])
def test_an_error_in_the_block_passes_through(old: Path, error: type[BaseException]) -> None:
    def crash() -> None:
        with atomic_binary(old) as out:
            out.write(b"half")
            raise error("half way")

    with pytest.raises(error, match="half way"):
        crash()


def test_a_check_that_fails_stops_it(old: Path) -> None:
    def check(aside: Path) -> None:
        raise OutputError("not valid")

    with pytest.raises(OutputError, match="not valid"), atomic_binary(old, check=check) as out:
        out.write(b"new")


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_full_disk_at_any_step(old: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OutputError, match=r"corpus\.tmx: cannot write: No space left") as caught:
        write(old)
    assert "nothing was overwritten" in caught.value.hint


def test_a_full_disk_while_writing(old: Path) -> None:
    resource = pytest.importorskip("resource", reason="no limits to set on this system")
    signal = pytest.importorskip("signal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OutputError, match="cannot write"):
            write(old, b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_folder_that_is_a_file(old: Path) -> None:
    for path in (old / "corpus.tmx", old / "deeper" / "corpus.tmx"):
        with pytest.raises(OutputError, match="cannot write") as caught:
            write(path)
        assert caught.value.exit_code == 5


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "corpus.tmx"
    path.mkdir()
    with pytest.raises(OutputError, match="cannot write: Is a directory"):
        write(path)
    assert names(tmp_path) == ["corpus.tmx"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_without_permission(old: Path) -> None:
    old.parent.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="cannot write: Permission denied"):
            write(old)
    finally:
        old.parent.chmod(0o700)


# ---- permissions and links


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "corpus.tmx"
    path.touch()
    path.chmod(mode)
    write(path)
    assert permissions(path) == mode


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_gets_what_the_umask_allows(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "corpus.tmx")
    finally:
        assert os.umask(before) == umask
    assert permissions(tmp_path / "corpus.tmx") == mode


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing"])
def test_a_link_is_followed_and_stays_one(tmp_path: Path, there: bool) -> None:
    (tmp_path / "store").mkdir()
    target, link = tmp_path / "store" / "corpus.tmx", tmp_path / "corpus.tmx"
    if there:
        target.write_bytes(b"old")
    link.symlink_to(target)
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


# ---- reading


def test_bytes_of_a_file_come_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff\x00\r\n")
    assert read_bytes(str(path)) == b"\xff\x00\r\n"


@pytest.mark.parametrize(("name", "said"), [("no.txt", "no such file"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_bytes(str(tmp_path / name))
    assert str(tmp_path) in caught.value.message
    assert caught.value.hint


def test_a_terminal_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(InputError, match="stdin is a terminal"):
        read_bytes("-")


# ---- the clock


def test_the_clock_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert now().tzinfo is UTC
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_clock_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert now() == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("epoch", ["yesterday", "1.5", "9" * 30, "9" * 5000])
def test_a_clock_that_makes_no_sense(epoch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(ConfigError, match="SOURCE_DATE_EPOCH is") as caught:
        now()
    assert caught.value.hint == "set it to seconds since 1970"


def test_what_a_killed_program_left_goes_a_day_later(tmp_path: Path) -> None:
    for name, age in ((".bitexte-old", 2 * 86_400), (".bitexte-new", 60), ("old.tmx", 2 * 86_400)):
        (tmp_path / name).touch()
        then = time.time() - age
        os.utime(tmp_path / name, (then, then))
    sweep(tmp_path)
    assert names(tmp_path) == [".bitexte-new", "old.tmx"]
    sweep(tmp_path / "nowhere")
