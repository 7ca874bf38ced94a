"""What every runner of the table promises: the same outcomes, and none lost with a worker."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bitexte import BitexteError, Config, ConfigError, ModelError, flow, runners, store
from bitexte.batch import Batch, Translated
from bitexte.engines import load
from bitexte.runners import RUNNERS
from bitexte.runners.cluster import _workers
from bitexte.runners.local import Processes
from conftest import DISPATCH

WORDS = re.findall(r"\w+", DISPATCH.read_text("utf-8"))
SENTENCES = [" ".join(WORDS[n : n + 2 + n % 5]).capitalize() + "." for n in range(60)]
EVERY: dict[str, dict[str, Any]] = {
    "one process": {"jobs": 1},
    "two processes": {"jobs": 2},
    "ray": {"runner": "ray", "jobs": 2},
}
every_runner = pytest.mark.parametrize("settings", EVERY.values(), ids=EVERY)


@pytest.fixture(scope="module")
def config(tiny_model: Path) -> Config:
    return Config(model=str(tiny_model), beam_size=2, threads=2, min_french=0.0)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Start Ray once, for all the tests of this module."""
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture
def started(
    request: pytest.FixtureRequest, config: Config, settings: dict[str, Any]
) -> Iterator[runners.Runner]:
    if settings.get("runner") == "ray":
        request.getfixturevalue("ray")
    runner = runners.start(replace(config, **settings))
    yield runner
    runner.close()


def test_every_name_of_the_table_is_tested_here() -> None:
    assert {settings.get("runner", "local") for settings in EVERY.values()} == {*RUNNERS.names()}


@every_runner
def test_outcomes_are_those_of_this_process(started: runners.Runner, config: Config) -> None:
    asked: list[flow.Asked] = [(text, None) for text in SENTENCES]
    wanted = flow.work(asked, load(config), config)
    assert started.submit(asked).result() == wanted
    halves = [started.submit(asked[:30]), started.submit(asked[30:])]
    assert [one for half in halves for one in half.result()] == wanted


@every_runner
def test_a_whole_run_is_the_same_to_the_byte(
    request: pytest.FixtureRequest, settings: dict[str, Any], config: Config, tmp_path: Path
) -> None:
    names = texts(tmp_path)
    wanted = bitexts(names, config)
    if settings.get("runner") == "ray":
        request.getfixturevalue("ray")
    for window, batch in ((7, 30), (40, 768)):
        sizes = {"window_sentences": window, "batch_tokens": batch}
        assert bitexts(names, replace(config, **settings, **sizes)) == wanted  # type: ignore[arg-type]


def texts(folder: Path) -> list[str]:
    names = []
    for number in range(20):
        name = folder / f"{number:02}.txt"
        name.write_text(" ".join(SENTENCES[number * 2 : number * 2 + 3]), "utf-8")
        names.append(str(name))
    return names


def texts_in(results: Iterable[Any]) -> list[Any]:
    return [one for one in results if not isinstance(one, Translated)]


def bitexts(names: list[str], config: Config) -> list[Any]:
    with store.blank() as kept:
        batch = Batch(kept, names, config)
        batch.begin("archive")
        assert len(texts_in(batch.results())) == len(names)
        return list(kept.bitexts(batch.run))


def test_a_process_that_is_killed_costs_nothing(config: Config, tmp_path: Path) -> None:
    names = texts(tmp_path)
    with store.blank() as kept:
        batch = Batch(kept, names, replace(config, jobs=2, window_sentences=6))
        batch.begin("archive")
        results = batch.results()
        next(results)
        for child in multiprocessing.active_children():
            child.kill()
        assert len(texts_in(results)) == len(names)
        assert list(kept.bitexts(batch.run)) == bitexts(names, config)


def workers_of_ray() -> list[int]:
    found = subprocess.run(["pgrep", "-f", "^ray::_Worker"], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def test_a_ray_worker_that_is_killed_costs_nothing(
    ray: Any, config: Config, tmp_path: Path
) -> None:
    names = texts(tmp_path)
    with store.blank() as kept:
        settings = replace(config, runner="ray", jobs=2, window_sentences=6)
        batch = Batch(kept, names, settings)
        batch.begin("archive")
        results = batch.results()
        next(results)
        pids = workers_of_ray()
        assert len(pids) == 2
        os.kill(pids[0], signal.SIGKILL)
        assert len(texts_in(results)) == len(names)
        assert list(kept.bitexts(batch.run)) == bitexts(names, config)


def _until_it_is_lost(runner: runners.Runner) -> None:
    while True:  # it takes the cluster a moment to see it
        runner.submit([(SENTENCES[0], None)]).result()


def test_ray_waits_for_a_worker_that_starts_again_and_takes_it_back(
    ray: Any, config: Config
) -> None:
    runner = runners.start(replace(config, runner="ray", jobs=1))
    [pid] = workers_of_ray()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(runner.lost):
        _until_it_is_lost(runner)
    runner.ready()
    assert runner.submit([(SENTENCES[0], None)]).result()
    assert workers_of_ray() != [pid]
    runner.close()


def test_processes_end_with_the_driver_that_is_killed(config: Config, tmp_path: Path) -> None:
    script = (
        "import multiprocessing, sys, time\n"
        "from bitexte import Config\n"
        "from bitexte.runners.local import Processes\n"
        "if __name__ == '__main__':\n"
        "    runner = Processes(Config(engine='identity', jobs=2))\n"
        "    runner.submit([('Il pleut.', None)]).result()\n"
        "    print(*(child.pid for child in multiprocessing.active_children()), flush=True)\n"
        "    time.sleep(60)\n"
    )
    (tmp_path / "driver.py").write_text(script)
    driver = subprocess.Popen(
        [os.sys.executable, str(tmp_path / "driver.py")],
        stdout=subprocess.PIPE,
        text=True,  # type: ignore[attr-defined]
    )
    assert driver.stdout is not None
    pids = [int(pid) for pid in driver.stdout.readline().split()]
    driver.kill()
    driver.wait()
    driver.stdout.close()
    assert pids
    for _ in range(100):
        if not any(Path(f"/proc/{pid}/cmdline").exists() for pid in pids):
            return
        time.sleep(0.1)
    pytest.fail("workers outlived their driver by 10 seconds")


def test_a_model_that_no_worker_can_load_is_one_clear_error(config: Config) -> None:
    with pytest.raises(BitexteError, match="/nowhere/at/all") as caught:
        Processes(replace(config, model="/nowhere/at/all", jobs=2))
    assert caught.value.hint


def _die(config: Config) -> None:
    os._exit(1)


def test_a_worker_that_dies_while_it_loads_is_one_clear_error(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitexte.runners.local._open", _die)  # handed over by name
    with pytest.raises(ModelError, match="a worker died while it loaded") as caught:
        Processes(replace(config, jobs=2))
    assert "fewer --jobs" in caught.value.hint


def test_ray_does_not_wait_for_workers_that_find_no_room(ray: Any, config: Config) -> None:
    with pytest.raises(ConfigError, match="the cluster carries 2 workers with 1 CPUs each"):
        runners.start(replace(config, runner="ray", jobs=3))


def test_ray_refuses_workers_with_another_model(
    ray: Any, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitexte.runners.cluster.signature", lambda config: "ct2|model:other")
    with pytest.raises(ModelError, match="workers have another model than this machine"):
        runners.start(replace(config, runner="ray", jobs=1))


def test_cores_are_shared_and_none_is_given_out_twice() -> None:
    assert runners.share(Config(threads=8), 3) == 2
    assert runners.share(Config(threads=1), 4) == 1


def test_a_gpu_worker_takes_a_gpu_and_idle_gpus_get_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nodes = [{"CPU": 16.0, "GPU": 2.0}, {"CPU": 1.0, "GPU": 2.0}]
    assert _workers(nodes, 0, 1, 1) == 3
    assert not caplog.records
    assert _workers(nodes, 0, 4, 0) == 4
    assert "4 GPUs that stand idle" in caplog.text


def test_a_worker_has_to_fit_on_one_machine() -> None:
    assert _workers([{"CPU": 6.0}] * 50, 0, 4, 0) == 50
    with pytest.raises(ConfigError, match="carries 50 workers with 4 CPUs each, not 51"):
        _workers([{"CPU": 6.0}] * 50, 51, 4, 0)
    with pytest.raises(ConfigError, match="carries 0 workers with 4 CPUs each, not any"):
        _workers([{"CPU": 2.0}] * 50, 0, 4, 0)


def test_ray_works_without_a_cluster_to_join(config: Config) -> None:
    script = (
        "import sys\n"
        "from bitexte import Config, runners\n"
        "runner = runners.start(Config(engine='identity', runner='ray', jobs=1, threads=2))\n"
        "print(runner.submit([('Il pleut.', None)]).result()[0].text, runner.slots)\n"
        "runner.close()\n"
    )
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("Il pleut. 2\n", 0), done.stderr
