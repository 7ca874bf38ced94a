"""Models of the hub: fetched once, said aloud, then without a connection.

The commands run in processes of their own, since the hub's client reads its settings when it is
imported. The hub is a small server on this machine; no other address is ever asked.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

NAME = "lab/tiny-fr-en"
FIRST, SECOND = "1" * 40, "2" * 40  # commits: main is the second
TEXT = "Il pleut à Liège. Il neige à Namur.\n"


@dataclass
class Hub:
    """What the server has, and what it was asked: {commit: folder}, {branch: commit}."""

    commits: dict[str, Path]
    branches: dict[str, str]
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def listing(self, commit: str) -> list[dict[str, Any]]:
        files = sorted(path for path in self.commits[commit].iterdir())
        return [
            {"type": "file", "path": file.name, "size": len(data), "oid": etag(data)}
            for file in files
            for data in [file.read_bytes()]
        ]

    def answer(self, path: str) -> tuple[bytes, dict[str, str]] | None:
        """Find the body and the headers of an answer, as the hub's API has them."""
        api = re.fullmatch(rf"/api/models/{NAME}(?:/(revision|tree)/([^/]+))?", path)
        if api:
            wanted = api[2] or "main"
            commit = self.branches.get(wanted, wanted)
            if commit not in self.commits:
                return None
            files = self.listing(commit)
            siblings = [{"rfilename": file["path"]} for file in files]
            info = {"id": NAME, "sha": commit, "siblings": siblings}
            body = json.dumps(files if api[1] == "tree" else info)
            return body.encode(), {"Content-Type": "application/json"}
        file = re.fullmatch(rf"/{NAME}/resolve/([^/]+)/([^/]+)", path)
        if not file:
            return None
        commit = self.branches.get(file[1], file[1])
        data = (self.commits[commit] / file[2]).read_bytes()
        return data, {"ETag": f'"{etag(data)}"', "X-Repo-Commit": commit}


def etag(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            hub.asked.append(f"{self.command} {path}")
            found = hub.answer(path)
            headers = found[1] if found else {"X-Error-Code": "RepoNotFound"}
            body = found[0] if found else b'{"error": "Repository not found"}'
            self.send_response(200 if found else 404)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture(scope="module")
def commits(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two commits of one model: the first has other weights, both have files nobody needs."""
    folders = {}
    for commit in (FIRST, SECOND):
        folder = tmp_path_factory.mktemp("hub") / commit
        folders[commit] = Path(shutil.copytree(tiny_model, folder))
        (folder / "README.md").write_text("A tiny model.")
        (folder / "tf_model.h5").write_bytes(b"x" * 100)
        (folder / "pytorch_model.bin").write_bytes(b"never to be fetched")
    with (folders[FIRST] / "model.safetensors").open("r+b") as weights:
        weights.seek(-1, os.SEEK_END)
        weights.write(b"\x3f")
    return folders


@pytest.fixture
def hub(commits: dict[str, Path]) -> Iterator[Hub]:
    made = Hub(commits, {"main": SECOND, "old": FIRST})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(made))
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def nowhere() -> str:
    """Name an address of this machine where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str
    seconds: float


NO_CONNECTION = """
import socket, sys

def refuse(*_):
    raise AssertionError("a connection was made")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""


def bitexte(*args: str, home: Path, endpoint: str, connects: bool = True) -> Ended:
    """Run a command with a hub cache of its own, its hub at `endpoint`."""
    settings = {
        "HF_HOME": str(home),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "XDG_CACHE_HOME": str(home / "xdg"),
        "NO_PROXY": "127.0.0.1",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    code = "import sys; from bitexte.cli import main; sys.exit(main())"
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code if connects else NO_CONNECTION + code, *args],
        input=TEXT,
        capture_output=True,
        text=True,
        check=False,
        env={**kept, **settings},
        timeout=120,
    )
    return Ended(done.returncode, done.stdout, done.stderr, time.monotonic() - started)


def translate(*args: str, home: Path, endpoint: str, connects: bool = True) -> Ended:
    fixed = ("translate", "--model", NAME, "--beam-size", "1", "--threads", "1")
    return bitexte(*fixed, *args, home=home, endpoint=endpoint, connects=connects)


def error_lines(ended: Ended) -> tuple[str, str]:
    """Return the error and the hint of a command that failed, and said nothing else."""
    lines = ended.err.splitlines()
    assert len(lines) == 2, ended.err
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    assert ended.out == ""
    return lines[0], lines[1]


def test_a_model_in_the_cache_makes_no_connection(
    tiny_model: Path, tmp_path: Path, nowhere: str
) -> None:
    """The cache is laid out by hand, as any other tool would have left it."""
    repository = tmp_path / "hub" / f"models--{NAME.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(FIRST)
    shutil.copytree(tiny_model, repository / "snapshots" / FIRST)
    done = translate(home=tmp_path, endpoint=nowhere, connects=False)
    assert (done.code, done.err) == (0, "")
    assert done.out.strip()
    listed = bitexte("models", "--json", home=tmp_path, endpoint=nowhere, connects=False)
    kinds = {(row["name"], row["kind"]) for row in json.loads(listed.out)["models"]}
    assert (NAME, "hub cache") in kinds
    assert (f"{NAME.replace('/', '--')} (int8)", "converted") in kinds


def test_a_model_is_fetched_once_and_then_works_offline(
    hub: Hub, tmp_path: Path, nowhere: str
) -> None:
    first = translate(home=tmp_path, endpoint=hub.url)
    assert first.code == 0, first.err
    assert f"fetching {NAME}@{SECOND[:8]}: config.json, source.spm" in first.err
    fetched = {line.rsplit("/", 1)[1] for line in hub.asked if "/resolve/" in line}
    assert "model.safetensors" in fetched
    assert not fetched & {"pytorch_model.bin", "tf_model.h5", "README.md"}
    again = translate(home=tmp_path, endpoint=nowhere, connects=False)
    assert (again.code, again.out, again.err) == (0, first.out, "")


def test_what_was_fetched_is_named_on_stderr_only(hub: Hub, tmp_path: Path) -> None:
    done = translate("--lines", home=tmp_path, endpoint=hub.url)
    assert done.code == 0, done.err
    assert "fetching" not in done.out
    assert len(done.out.splitlines()) == len(TEXT.splitlines())


@pytest.mark.parametrize("revision", ["old", FIRST])
def test_the_revision_is_the_one_asked_for(
    revision: str, hub: Hub, tmp_path: Path, nowhere: str
) -> None:
    done = translate("--revision", revision, home=tmp_path, endpoint=hub.url)
    assert done.code == 0, done.err
    assert f"fetching {NAME}@{FIRST[:8]}" in done.err
    assert all(FIRST in line for line in hub.asked if "/resolve/" in line)
    again = translate("--revision", revision, home=tmp_path, endpoint=nowhere, connects=False)
    assert (again.code, again.out, again.err) == (0, done.out, "")


def test_a_hub_out_of_reach_is_one_error_with_the_command_to_run(
    tmp_path: Path, nowhere: str
) -> None:
    done = translate("--revision", "old", home=tmp_path, endpoint=nowhere)
    error, hint = error_lines(done)
    assert done.code == 4
    assert error.startswith(f"error: cannot fetch {NAME} at old from the hub: ")
    assert f"`hf download {NAME} --revision old`" in hint
    assert "--model" in hint
    assert done.seconds < 20  # of which the imports of a busy machine are the most


@pytest.mark.parametrize(
    "asked", [("--model", "lab/nonesuch"), ("--revision", "nonesuch")], ids=["model", "revision"]
)
def test_what_the_hub_does_not_have_is_one_error(
    asked: tuple[str, str], hub: Hub, tmp_path: Path
) -> None:
    done = translate(*asked, home=tmp_path, endpoint=hub.url)
    error, _ = error_lines(done)
    assert done.code == 4
    assert "404" in error or "not found" in error.lower()


def test_a_repository_without_a_marian_model_says_what_is_missing(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "t5"}')
    hub.commits = {SECOND: folder}
    done = translate(home=tmp_path, endpoint=hub.url)
    assert done.code == 4
    assert f"error: {NAME}: not a MarianMT model" in done.err
    assert not [line for line in hub.asked if "/resolve/" in line]


def test_a_damaged_model_of_the_cache_does_not_hide_the_others(
    tiny_model: Path, tmp_path: Path, nowhere: str
) -> None:
    snapshots = tmp_path / "hub" / f"models--{NAME.replace('/', '--')}" / "snapshots"
    shutil.copytree(tiny_model, snapshots / FIRST)
    (snapshots / FIRST / "config.json").write_text("{")
    done = bitexte("models", home=tmp_path, endpoint=nowhere, connects=False)
    assert done.code == 0, done.err
    assert done.out.startswith("fr-en ")
    assert done.err.startswith("warning: ")
    assert "config.json: not JSON" in done.err
