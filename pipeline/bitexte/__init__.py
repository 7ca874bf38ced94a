"""French news dispatches into English, and into parallel corpora."""

import logging

from bitexte.config import Config
from bitexte.errors import (
    BitexteError,
    ConfigError,
    Failure,
    InputError,
    ModelError,
    NotFrench,
    OutputError,
)
from bitexte.records import Article, Bitext, Pair, Segment, Translation

__version__ = "0.1.0"

__all__ = [
    "Article",
    "Bitext",
    "BitexteError",
    "Config",
    "ConfigError",
    "Failure",
    "InputError",
    "ModelError",
    "NotFrench",
    "OutputError",
    "Pair",
    "Segment",
    "Translation",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())
