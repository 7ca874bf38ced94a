"""The table of formats, by name and by file suffix."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bitexte.errors import BitexteError, Failure, InputError
from bitexte.files import STDIN, read_bytes
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
    if name != STDIN and not Path(name).is_fifo():
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

    Raises InputError for a folder that holds none.
    """
    folder = Path(given)
    if given == STDIN or not folder.is_dir():
        return [given]
    found = sorted(
        str(path)
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not _hidden(path, folder)
    )
    if not found:
        known = ", ".join(SUFFIXES)
        raise InputError(f"{given}: no text in this folder", f"files it would read: {known}")
    return found


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
