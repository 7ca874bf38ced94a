"""Whole-or-nothing writing; bytes from a path or standard input."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from bitexte.errors import ConfigError, InputError, OutputError

STDIN = "-"
_ASIDE = ".bitexte-"
_DAY = 24 * 60 * 60  # seconds; nobody takes that long to write a file


def read_bytes(path: str) -> bytes:
    """Read a file, or standard input for `-`; raise InputError if that cannot be done."""
    if path == STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            what = "a terminal" if sys.stdin else "closed"
            raise InputError(f"stdin is {what}", "pipe a text into it, or name a file")
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file", "check the path, or use - for stdin") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "check that the file can be read") from error


def is_folder(path: str) -> bool:
    """Tell a folder from what is none, or may not be looked at: whoever reads that is told why."""
    with suppress(OSError):
        return Path(path).is_dir()
    return False


def is_pipe(path: str) -> bool:
    """Tell a named pipe, which can be read but once."""
    with suppress(OSError):
        return Path(path).is_fifo()
    return False


@contextmanager
def atomic_binary(
    path: Path, check: Callable[[Path], None] = lambda path: None
) -> Iterator[IO[bytes]]:
    """Open a new file that appears at `path` only when the block ends without an error.

    It is written beside `path`, flushed to disk, read again by `check` and renamed. If anything
    fails, what stood at `path` stays as it was and no partial file is left behind. A symbolic
    link is followed, and stays one. Raises OutputError for whatever the file system refuses.
    """
    aside: Path | None = None
    try:
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = _mode_of(target)
        handle, name = tempfile.mkstemp(prefix=_ASIDE, dir=target.parent)
        aside = Path(name)
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        check(aside)
        aside.chmod(mode)
        aside.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot write: {error.strerror or error}",
            "choose another folder with --out, or free some space; nothing was overwritten",
        ) from error
    finally:
        if aside is not None:
            with suppress(OSError):
                aside.unlink()


def sweep(folder: Path) -> None:
    """Remove what programs that were killed while they wrote left in a folder, a day later."""
    with suppress(OSError):
        for aside in folder.glob(f"{_ASIDE}*"):
            if aside.stat().st_mtime < time.time() - _DAY:
                aside.unlink(missing_ok=True)


def _mode_of(path: Path) -> int:
    """Keep the permissions of a file that is replaced; a new one gets what the umask allows."""
    if path.exists():
        return path.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system lets a folder be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def stamp() -> str:
    """Return the time as it stands in stores and manifests, see `now`."""
    return now().strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> datetime:
    """Return the time in UTC, or SOURCE_DATE_EPOCH where reproducible files are asked for."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigError(
            f"SOURCE_DATE_EPOCH is {epoch!r}", "set it to seconds since 1970"
        ) from error
