"""Workers on this machine: threads around one engine, or processes with an engine each."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import connection

from bitexte import runners
from bitexte.config import Config
from bitexte.engines import Engine, load
from bitexte.errors import BitexteError, ModelError
from bitexte.flow import Asked, Outcome, work

# While one task is linked, the next is at the engine, and one waits.
TASKS_A_WORKER = 3
CLOSING_SECONDS = 5


def start(config: Config) -> runners.Runner:
    """Start one engine in this process, or `jobs` processes with one each."""
    return Processes(config) if config.jobs > 1 else Threads(config)


class Threads:
    """Threads that share one engine in this process, whose batches run on all its cores."""

    slots = TASKS_A_WORKER
    lost: tuple[type[BaseException], ...] = ()

    def __init__(self, config: Config) -> None:
        self._config = config
        self._engine = load(config)
        runners.settle(config)
        # Engines other than ct2 take one task at a time: torch has threads of its own.
        threads = TASKS_A_WORKER if config.engine == "ct2" else 1
        self._pool = ThreadPoolExecutor(threads)

    def submit(self, asked: Sequence[Asked]) -> Future[list[Outcome]]:
        """Hand over a task, see `Runner.submit`."""
        return self._pool.submit(work, asked, self._engine, self._config)

    def ready(self) -> None:
        """Wait for nothing: a thread does not die alone, see `Runner.ready`."""

    def close(self) -> None:
        """Wait for nothing, see `Runner.close`."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Processes:
    """Processes with an engine each, on a share of the cores; those that die are replaced."""

    lost: tuple[type[BaseException], ...] = (BrokenProcessPool,)

    def __init__(self, config: Config) -> None:
        self._config = replace(config, threads=runners.share(config, config.jobs))
        self.slots = TASKS_A_WORKER * config.jobs
        self._pool = self._fresh()
        try:
            for loaded in [self.submit([]) for _ in range(config.jobs)]:
                loaded.result()  # or the error that keeps a worker from its engine
        except BaseException as error:
            self.close()
            if not isinstance(error, BrokenProcessPool):
                raise
            raise ModelError(
                "a worker died while it loaded its engine",
                "it may have had too little memory: fewer --jobs",
            ) from error

    def submit(self, asked: Sequence[Asked]) -> Future[list[Outcome]]:
        """Hand over a task, see `Runner.submit`."""
        with _deaf():
            try:
                return self._pool.submit(_work, list(asked))
            except BrokenProcessPool:
                # One of them died since: the pool is no more, and the next one starts.
                self.close()
                self._pool = self._fresh()
                return self._pool.submit(_work, list(asked))

    def ready(self) -> None:
        """Wait for nothing: `submit` makes new processes, see `Runner.ready`."""

    def close(self) -> None:
        """End the processes, whatever they are at, see `Runner.close`."""
        manager = getattr(self._pool, "_executor_manager_thread", None)
        for worker in list((self._pool._processes or {}).values()):
            with suppress(OSError, ValueError):
                worker.kill()
        self._pool.shutdown(wait=False, cancel_futures=True)
        if manager is not None:
            # With no worker alive it soon ends, and the pool's semaphores are given back.
            manager.join(CLOSING_SECONDS)

    def _fresh(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks
        return ProcessPoolExecutor(
            self._config.jobs, mp_context=context, initializer=_open, initargs=(self._config,)
        )


@contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach, also while they load; it is ours to answer.

    Here it is answered when the block ends.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_config: Config
_engine: Engine | BitexteError


def _open(config: Config) -> None:
    """Load the engine of this process; what goes wrong is told to the first who asks for work."""
    global _config, _engine
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for systems where `_deaf` can do nothing
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _config = config
    try:
        _engine = load(config)
        runners.settle(config)
    except BitexteError as error:
        _engine = error


def _work(asked: list[Asked]) -> list[Outcome]:
    if isinstance(_engine, BitexteError):
        raise _engine
    return work(asked, _engine, _config)


def _end_with_parent() -> None:
    """End when the driver is gone, killed or not: nobody else would ever tell us to."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
