"""Gives every sentence back: the dry run, and the test double."""

from collections.abc import Callable, Sequence

from bitexte.config import Config
from bitexte.records import Translation


class Identity:
    """An engine without a model: the target is the source."""

    def __init__(self, config: Config) -> None:
        self.signature = self.sign(config)

    @staticmethod
    def sign(config: Config) -> str:
        """Return the signature, see `engines.signature`."""
        return "identity"

    @staticmethod
    def measure(config: Config) -> Callable[[str], int]:
        """Count a sentence's characters, see `engines.measure`."""
        return len

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        """Give each sentence back, with log-probability 0."""
        return [
            Translation(text=sentence, logprob=0.0, tokens=len(sentence.split()))
            for sentence in sentences
        ]
