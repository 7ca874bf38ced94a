"""Every error raised on purpose, and its exit code.

BitexteError          1   never raised itself: one `except` for all of them, in cli.main()
├─ ConfigError        2   unknown setting or name, value out of range
├─ InputError         3   missing, unreadable, undecodable or empty input
│  └─ NotFrench       3   a text below `min_french`
├─ ModelError         4   no model, wrong checksum, hub out of reach
└─ OutputError        5   cannot write, disk full, an export that does not validate
"""

from dataclasses import dataclass
from typing import ClassVar


class BitexteError(Exception):
    """An error a user can act on: what happened, and in `hint` what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(BitexteError):
    """A setting, flag or name that does not exist or is out of range."""

    exit_code = 2


class InputError(BitexteError):
    """A text that cannot be read."""

    exit_code = 3


class NotFrench(InputError):
    """A text whose probability of being French is below `min_french`."""


class ModelError(BitexteError):
    """A model that cannot be found, trusted or loaded."""

    exit_code = 4


class OutputError(BitexteError):
    """A file that cannot be written, or that would not be valid."""

    exit_code = 5


SOME_FAILED = 6
INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One article that could not be done, told apart from those that were."""

    name: str
    error: BitexteError
