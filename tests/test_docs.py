"""README, map, --help, changelog and tables tell the same story."""

import ast
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

import bitexte
from bitexte import BitexteError, Config, errors
from bitexte.cli import app
from bitexte.engines import ENGINES
from bitexte.exporters import EXPORTERS
from bitexte.runners import RUNNERS
from conftest import ROOT, Done

README = (ROOT / "README.md").read_text("utf-8")
MAP = (ROOT / "pipeline" / "README.md").read_text("utf-8")
PACKAGE = ROOT / "pipeline" / "bitexte"
COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]
COMMANDS += [group.name for group in app.registered_groups if group.name]
SHELL = re.findall(r"```sh\n(.*?)```", README, re.S)


def first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]


def mapped() -> dict[str, str]:
    """Read the tree of the map: path below the package, and what it says of the file."""
    found, folder = {}, ""
    tree = MAP.split("```")[3]
    for line in tree.splitlines()[2:]:
        name, _, text = line.strip().partition(" ")
        if name.endswith("/") and not text:
            folder = name
        elif name.endswith(".py"):
            found[(folder if line.startswith("    ") else "") + name] = text.strip()
    return found


def test_the_map_has_every_module_with_its_first_line() -> None:
    modules = {str(path.relative_to(PACKAGE)): first_line(path) for path in PACKAGE.rglob("*.py")}
    assert mapped() == modules


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(r"## \[(.+?)\]", changelog)[1] == bitexte.__version__  # type: ignore[index]


def test_public_names_are_sorted_and_there() -> None:
    assert bitexte.__all__ == sorted(bitexte.__all__)
    assert all(hasattr(bitexte, name) for name in bitexte.__all__)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_section_and_help(command: str, run_cli: Callable[..., Done]) -> None:
    assert f"\n### {command}\n" in README
    assert run_cli(command, "--help").code == 0


def flags() -> set[str]:
    """Read every long flag of every command off the code behind --help."""
    texts = [path.read_text("utf-8") for path in (PACKAGE / "cli").glob("*.py")]
    named = {flag for text in texts for flag in re.findall(r'"(--[a-z-]+)"', text)}
    run = ast.parse((PACKAGE / "cli" / "run.py").read_text("utf-8"))
    function = next(n for n in run.body if isinstance(n, ast.FunctionDef) and n.name == "run")
    plain = {argument.arg for argument in function.args.args}
    plain -= {"inputs", "formats", "as_json", "store_file"}
    return named | {f"--{name.replace('_', '-')}" for name in plain}


@pytest.mark.parametrize("flag", sorted(flags() - {"--help", "--version", "--verbose", "--quiet"}))
def test_every_flag_is_in_the_readme(flag: str) -> None:
    assert f"`{flag}" in README or f" {flag} " in README


@pytest.mark.parametrize("name", [*EXPORTERS.names(), *ENGINES.names(), *RUNNERS.names()])
def test_every_name_of_a_table_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("field", fields(Config), ids=lambda field: field.name)
def test_every_setting_is_in_the_readme_with_its_default(field) -> None:  # type: ignore[no-untyped-def]
    row = next(line for line in README.splitlines() if f"`{field.name}`" in line)
    shown = list(field.default) if isinstance(field.default, tuple) else field.default
    shown = str(shown).lower() if isinstance(shown, bool) else shown
    assert f"`{shown}`".replace("'", '"') in row or f'`"{shown}"`' in row


def test_every_exit_code_is_in_the_readme() -> None:
    codes = {error.exit_code for error in BitexteError.__subclasses__()}
    for code in codes | {0, 1, errors.SOME_FAILED, errors.INTERRUPTED}:
        assert re.search(rf"^\| {code} \| \w", README, re.M)


def examples() -> list[str]:
    """Take each line of the README's shell blocks that runs bitexte without a model of its own."""
    return [line for block in SHELL[2:] for line in block.splitlines() if "bitexte" in line]


@pytest.mark.parametrize("line", examples())
def test_every_example_of_the_readme_is_a_command_that_parses(
    line: str, run_cli: Callable[..., Done]
) -> None:
    words = line.split("bitexte ", 1)[1].split(" < ")[0].split()
    assert words[0] in COMMANDS
    assert run_cli(*words, "--no-such-flag").err.count("No such option") == 1


def test_setting_up_takes_one_line_and_testing_another() -> None:
    setup, tests = SHELL[0].strip(), SHELL[1].strip()
    assert "\n" not in setup
    assert setup.endswith("bitexte run seeds/dispatch.txt")
    assert "\n" not in tests
    assert tests.endswith("pytest")
