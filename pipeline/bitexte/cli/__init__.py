"""The app, main(), and the only except for our own errors."""

import errno
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from bitexte import __version__
from bitexte.cli.align import align
from bitexte.cli.bench import bench
from bitexte.cli.export import export
from bitexte.cli.memory import memory
from bitexte.cli.models import models
from bitexte.cli.run import run
from bitexte.cli.segment import segment
from bitexte.cli.status import status
from bitexte.cli.translate import translate
from bitexte.cli.validate import validate
from bitexte.errors import INTERRUPTED, BitexteError, OutputError

# What a write to standard output fails with where its disk is full.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

app = typer.Typer(
    name="bitexte",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"bitexte {__version__}")
        raise typer.Exit


@app.callback()
def settings(
    verbose: Annotated[
        int, typer.Option("-v", "--verbose", count=True, help="Say more; -vv for all.")
    ] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="And exit.")
    ] = False,
) -> None:
    """French news dispatches into English, and into parallel corpora.

    Try: bitexte run seeds/dispatch.txt
    """
    level = logging.ERROR if quiet else logging.WARNING - 10 * min(verbose, 2)
    logger = logging.getLogger("bitexte")
    logger.handlers = [_Stderr()]
    logger.setLevel(level)


class _Stderr(logging.Handler):
    """`warning: …` on whatever stderr is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"{record.levelname.lower()}: {record.getMessage()}", file=sys.stderr)


for command in (run, export, status, translate, align, segment, validate, models):
    app.command()(command)
app.add_typer(memory, name="memory")
app.add_typer(bench, name="bench")


def main(argv: list[str] | None = None) -> int:
    """Run a command line; return its exit code, as the README lists them."""
    _set_up_stdout()
    try:
        app(argv)
    except BitexteError as error:
        return report(error)
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            return _bug()
        return report(OutputError(f"stdout: {error.strerror}", "free some space, and try again"))
    except SystemExit as end:
        # Typer turns Ctrl-C into this code.
        if end.code == INTERRUPTED:
            print("error: interrupted", file=sys.stderr)
            print("hint: what was done is saved; give the same command again", file=sys.stderr)
        return int(end.code or 0)
    except Exception:
        return _bug()
    return 0


def _set_up_stdout() -> None:
    if sys.stdout is None:  # closed by who calls us: nobody will read it
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    # JSON is UTF-8 whatever the terminal; names of files need not be: no byte may end a run.
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]


def _bug() -> int:
    """Print the exception that is on its way, and whom to tell; return the exit code."""
    traceback.print_exc()
    print("error: this is a bug in bitexte", file=sys.stderr)
    print("hint: please report it, with the lines above", file=sys.stderr)
    return 1


def console() -> None:
    """Run the command line of this process, and end it with its exit code."""
    code = main()
    if code == INTERRUPTED:
        # An engine in the middle of a window would have to be waited for. What counts is committed.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def report(error: BitexteError) -> int:
    """Print an error and its hint on stderr; return its exit code."""
    print(f"error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)
    return error.exit_code
