"""The table of runners: what takes windows of sentences to workers and brings back the outcome."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol

from bitexte.config import Config
from bitexte.engines.ct2 import cores
from bitexte.flow import Asked, Outcome
from bitexte.registry import Registry


class Runner(Protocol):
    """Workers, each with an engine loaded once; all of them give the same outcomes.

    `slots` says how many tasks keep them all busy. A task whose worker died raises one of `lost`.
    """

    slots: int
    lost: tuple[type[BaseException], ...]

    def submit(self, asked: Sequence[Asked]) -> Future[list[Outcome]]:
        """Hand a task to a worker; its future has what `flow.work` returned or raised."""
        ...

    def ready(self) -> None:
        """Wait, after a worker died, until one takes work again; nothing is in the air."""
        ...

    def close(self) -> None:
        """Let the workers go at once; what they are at is lost."""
        ...


RUNNERS: Registry[Callable[[Config], Runner]] = Registry(
    "runner", __name__, {"local": "local:start", "ray": "cluster:start"}
)


def start(config: Config) -> Runner:
    """Start the workers that the settings ask for, and load an engine in each.

    Raises ConfigError if a package or cluster is not there, ModelError if a worker cannot load.
    """
    return RUNNERS.get(config.runner)(config)


def share(config: Config, workers: int) -> int:
    """Return the CPU threads of one of so many workers on this machine: no core has two."""
    return max(1, (config.threads or cores()) // workers)


def settle(config: Config) -> None:
    """Keep the products that link words on one thread: the engine has the cores already.

    Not beside `marian`: torch may take its products from the same library.
    """
    if config.words and config.engine != "marian":
        import numpy  # noqa: F401  it loads what is to be limited
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")
