"""Workers as Ray actors, on this machine or on all those of a cluster (extra: ray)."""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from bitexte import runners
from bitexte.config import Config
from bitexte.engines import Engine, load, signature
from bitexte.errors import ConfigError, ModelError
from bitexte.flow import Asked, Outcome, work

log = logging.getLogger(__name__)

TASKS_A_WORKER = 2
# A worker that is there answers within this; one that starts again is asked as often.
ANSWER_SECONDS = 5.0
# Workers that have no room yet, on a cluster that others use, too: a word as often.
WORD_SECONDS = 60.0


def start(config: Config) -> runners.Runner:
    """Join the cluster at `address`, or start one on this machine; load an engine in each worker.

    Raises ConfigError without the extra `ray` or where no cluster answers, ModelError if a worker
    cannot load the model or has another one than the driver.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise ConfigError("no package ray", "pip install 'bitexte[ray]'") from error
    ours = not ray.is_initialized()
    if ours:
        _join(ray, config)
    try:
        return Cluster(ray, config, ours)
    except BaseException:
        if ours:
            ray.shutdown()
        raise


def _join(ray: Any, config: Config) -> None:
    cpus = config.jobs * _threads(config) or None  # None: all of this machine
    local = {} if config.address else {"num_cpus": cpus, "include_dashboard": False}
    try:
        ray.init(
            address=config.address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            **local,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"no Ray cluster at {config.address or 'this machine'}: {error}",
            "start one with `ray start --head`, or leave --address out for one on this machine",
        ) from error


class _Worker:
    """What an actor holds: an engine, loaded once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._engine: Engine = load(config)
        runners.settle(config)

    def signature(self) -> str:
        return self._engine.signature

    def work(self, asked: list[Asked]) -> list[Outcome]:
        return work(asked, self._engine, self._config)


class Cluster:
    """A pool of actors; a task goes to the one with the fewest.

    Ray starts one that died again, on another machine if need be; until it answers, it gets none.
    """

    def __init__(self, ray: Any, config: Config, ours: bool) -> None:
        self._ray = ray
        self._ours = ours
        self.lost: tuple[type[BaseException], ...] = (
            ray.exceptions.RayActorError,  # it died
            ray.exceptions.ActorUnavailableError,  # it is being started again
            ray.exceptions.NodeDiedError,
            ray.exceptions.WorkerCrashedError,
            ray.exceptions.ObjectLostError,  # what it made was on a machine that is gone
        )
        threads = _threads(config)
        gpus = 1 if config.device == "cuda" else 0
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        workers = _workers(nodes, config.jobs, threads, gpus)
        kind = ray.remote(num_cpus=threads, num_gpus=gpus, max_restarts=-1)(_Worker)
        own = replace(config, threads=threads)
        self._actors = [kind.remote(own) for _ in range(workers)]
        self._busy = [0] * workers
        self._up = list(range(workers))
        self._asked: dict[Any, int] = {}  # what those that are not up were asked
        self.slots = TASKS_A_WORKER * workers
        self._agree(signature(config))

    def submit(self, asked: Sequence[Asked]) -> Future[list[Outcome]]:
        """Hand over a task, see `Runner.submit`."""
        self._rejoin()
        place = min(self._up, key=self._busy.__getitem__)
        self._busy[place] += 1
        future: Future[list[Outcome]] = self._actors[place].work.remote(list(asked)).future()
        future.add_done_callback(lambda _: self._free(place))
        return future

    def ready(self) -> None:
        """Wait until a worker answers, and give work to none that does not, see `Runner.ready`."""
        told = time.monotonic()
        self._up = []
        self._asked = {actor.signature.remote(): at for at, actor in enumerate(self._actors)}
        while True:
            self._rejoin(ANSWER_SECONDS)
            if self._up:
                return
            if time.monotonic() - told > WORD_SECONDS:
                told = time.monotonic()
                log.warning("no worker answers: waiting until the cluster has started one again")
            time.sleep(0.2)

    def _rejoin(self, timeout: float = 0) -> None:
        """Count those in that have answered by now, and ask again those that could not."""
        if not self._asked:
            return
        asked = list(self._asked)
        done, _ = self._ray.wait(asked, num_returns=len(asked), timeout=timeout)
        for one in done:
            place = self._asked.pop(one)
            try:
                self._ray.get(one)
                self._up.append(place)
            except self.lost:
                self._asked[self._actors[place].signature.remote()] = place

    def close(self) -> None:
        """Let go of the actors, and of the cluster if it is ours, see `Runner.close`."""
        for actor in self._actors:
            self._ray.kill(actor)
        if self._ours:
            self._ray.shutdown()

    def _free(self, place: int) -> None:
        self._busy[place] -= 1

    def _agree(self, wanted: str) -> None:
        """Wait until all have loaded; refuse workers whose model is another than the driver's."""
        asked = [actor.signature.remote() for actor in self._actors]
        waiting = asked
        while waiting:
            _, waiting = self._ray.wait(waiting, num_returns=len(waiting), timeout=WORD_SECONDS)
            if waiting:
                log.warning("waiting for %d of %d workers to start", len(waiting), len(asked))
        try:
            names = self._ray.get(asked)
        except self.lost as error:
            raise ModelError(
                f"a worker could not load its engine: {error}",
                "check that bitexte and the model are on every machine of the cluster",
            ) from error
        if others := {name for name in names if name != wanted}:
            raise ModelError(
                f"workers have another model than this machine: {', '.join(sorted(others))}",
                f"install on every machine what makes {wanted}",
            )


def _threads(config: Config) -> int:
    """Return the threads of a worker: on this machine a share of its cores, on a cluster one."""
    if config.address or not config.jobs:
        return config.threads or 1
    return runners.share(config, config.jobs)


def _workers(nodes: Sequence[Mapping[str, float]], jobs: int, threads: int, gpus: int) -> int:
    """Say how many workers to start: those asked for, or all that the cluster's nodes carry.

    Raises ConfigError for more than they carry, which would be waited for in vain. GPUs that
    nobody asked for get a word.
    """
    room = idle = 0
    for node in nodes:
        fitting, there = int(node.get("CPU", 0)) // threads, int(node.get("GPU", 0))
        room += min(fitting, there) if gpus else fitting
        idle += 0 if gpus else there
    if idle:
        log.warning("the cluster has %d GPUs that stand idle: --device cuda uses them", idle)
    if not room or jobs > room:
        what = f"{threads} CPUs{' and a GPU' if gpus else ''}"
        raise ConfigError(
            f"the cluster carries {room} workers with {what} each, not {jobs or 'any'}",
            "ask for fewer with --jobs, or for fewer CPUs each with --threads",
        )
    return jobs or room
