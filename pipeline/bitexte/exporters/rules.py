"""What `validate` finds in a file, and the table of rules by file suffix."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bitexte.registry import Registry


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: where (line, unit), which, what is wrong, and how to mend it.

    A `warning` is worth a look but stops no reader: the file is valid all the same.
    """

    line: int
    unit: str
    rule: str
    message: str
    cure: str
    warning: bool = False


RULES: Registry[Callable[[Path], Iterator[Finding]]] = Registry(
    "suffix to validate",
    "bitexte.exporters",
    {".tmx": "tmx_rules:findings", ".jsonl": "jsonl_rules:findings"},
)
