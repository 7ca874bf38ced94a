"""The Engine protocol and the table of engines."""

from collections.abc import Callable, Sequence
from typing import Protocol

from bitexte.config import Config
from bitexte.records import Translation
from bitexte.registry import Registry


class Engine(Protocol):
    """A loaded model that translates sentences.

    `signature` names all that decides its output: `ct2-int8|model:fr-en@3f2a9c1d|beam:4`.
    """

    signature: str

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        """Translate sentences: one translation each, in their order.

        A blank sentence gives a blank text. The text does not depend on what else is in the
        batch. A sentence longer than the model's limit is cut at clause boundaries, translated
        in parts and rejoined, never cut off. Nothing is written.
        """
        ...


class Maker(Protocol):
    """What stands behind an engine's name: called with the settings, it loads the engine."""

    def __call__(self, config: Config) -> Engine:
        """Load the engine; raise ModelError if its model cannot be used."""
        ...

    def sign(self, config: Config) -> str:
        """Return the signature that the loaded engine would have."""
        ...

    def measure(self, config: Config) -> Callable[[str], int]:
        """Return what tells how long a sentence is to the engine, which is not loaded for it."""
        ...


ENGINES: Registry[Maker] = Registry(
    "engine",
    __name__,
    {"ct2": "ct2:Ct2", "marian": "marian:Marian", "identity": "identity:Identity"},
)


def load(config: Config) -> Engine:
    """Load the engine that the settings name; raise ModelError if its model cannot be used."""
    return ENGINES.get(config.engine)(config)


def signature(config: Config) -> str:
    """Return the signature of the engine that the settings name, without loading it.

    Raises ModelError if its model cannot be found or trusted.
    """
    return ENGINES.get(config.engine).sign(config)


def measure(config: Config) -> Callable[[str], int]:
    """Return what tells how long a sentence is to the engine that the settings name.

    Sentences that are as long as each other make the best batches.
    """
    return ENGINES.get(config.engine).measure(config)
