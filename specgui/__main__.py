"""The program ``specgui``: a command when the first argument is one, else the window."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from engine import __version__
from engine.cli import VERBS

_BAD_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command or open the window; returns the exit code. ``argv`` is without the program."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in VERBS:
        from engine.cli import main as command

        return command(arguments)
    try:
        options = _parser().parse_args(arguments)
        _refuse_unknown_command(options.files)
    except SystemExit as stop:  # argparse, after --help, --version or bad usage
        return stop.code if isinstance(stop.code, int) else _BAD_USAGE
    # Qt takes a second to come: a command, and an error in the arguments, do not wait for it.
    try:
        from specgui.application import run

        return run(arguments)
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="specgui",
        description="Open IR, NMR and MS spectra; see the functional groups and where they show.",
        epilog=f"Commands without a window: {', '.join(VERBS)} (specgui COMMAND --help).",
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="files, experiment folders, zip archives or a project to open",
    )
    parser.add_argument("--example", action="store_true", help="open the example sample")
    parser.add_argument("--version", action="version", version=f"SpecGUI {__version__}")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"specgui: {message}", file=sys.stderr)
        self.exit(_BAD_USAGE)


def _refuse_unknown_command(files: list[str]) -> None:
    """A bare word that is no file is a command that does not exist, not a file to open."""
    if files and files[0].isalpha() and not os.path.exists(files[0]):
        known = ", ".join(VERBS)
        print(
            f"specgui: '{files[0]}' is neither a file nor a command (commands: {known})",
            file=sys.stderr,
        )
        raise SystemExit(_BAD_USAGE)


if __name__ == "__main__":
    sys.exit(main())
