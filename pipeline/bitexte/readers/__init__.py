"""The table of formats, by name and by file suffix."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bitexte.errors import BitexteError, Failure, InputError
from bitexte.files import STDIN, is_folder, is_pipe, read_bytes
from bitexte.records import Article
from bitexte.registry import Registry

Reader = Callable[[bytes, str], Article]

READERS: Registry[Reader] = Registry("input format", __name__, {"txt": "txt:read"})

SUFFIXES = {".txt": "txt"}


def read_all(inputs: Iterable[str]) -> Iterator[Article | Failure]:
    """Read each path, each file of a known suffix below a folder, and `-` for stdin, in order.

    A file that cannot be read becomes a Failure and the others go on. Raises InputError at once
    for a folder that holds no text.
    """
    for name in [name for given in inputs for name in expand(given)]:
        try:
            yield read(name)
        except BitexteError as error:
            yield Failure(name=name, error=error)


def read(name: str) -> Article:
    """Read one file, or stdin for `-`; raise InputError if it is not a text."""
    return parse(read_bytes(name), name)


def check(name: str) -> None:
    """Raise what `read` raises, before anything is begun; leave alone what is read but once."""
    if name != STDIN and not is_pipe(name):
        read(name)


def parse(data: bytes, name: str) -> Article:
    """Make an Article of the bytes of a file; raise InputError if they are not a text."""
    # A file the user names is tried as text whatever its suffix; binary content is refused below.
    article = READERS.get(SUFFIXES.get(Path(name).suffix.lower(), "txt"))(data, name)
    if not article.text.strip():
        raise InputError(f"{name}: empty", "give a file with some text in it")
    return article


def article_id(name: str, data: bytes) -> str:
    """Make an article's id: its name counts too, so two files with the same bytes stay two."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape") + b"\0" + data).hexdigest()[:16]


def expand(given: str) -> list[str]:
    """List the files of a folder that can be read, sorted; any other path stands for itself.

    So does a folder in it that cannot be listed: whoever reads it is told why. Raises InputError
    for a folder that holds none, and for no name at all.
    """
    if not given:
        raise InputError("a name is empty", "name a text, a folder of texts, or - for stdin")
    if given == STDIN or not is_folder(given):
        return [given]
    found = sorted(_walked(given))
    if not found:
        known = ", ".join(SUFFIXES)
        raise InputError(f"{given}: no text in this folder", f"files it would read: {known}")
    return found


def _walked(folder: str) -> Iterator[str]:
    refused: list[OSError] = []
    for root, folders, files in os.walk(folder, onerror=refused.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        closed = not os.access(root, os.X_OK)  # no file in it can be looked at
        for path in (Path(root, name) for name in files if not name.startswith(".")):
            if path.suffix.lower() in SUFFIXES and (closed or path.is_file()):
                yield str(path)
    yield from (str(Path(error.filename)) for error in refused)
