"""The command line: ``specgui inspect``, ``convert``, ``predict`` and so on, without Qt.

Exit codes: 0 done; 1 a fault in the program; 2 bad usage; 3 no input could be read (when some
could, 0, and the rest under ``errors``); 4 no model for it; 130 interrupted. Messages go to
stderr, one line each.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from engine import __version__
from engine.commands.outcome import (
    BAD_USAGE,
    DONE,
    FAULT,
    INTERRUPTED,
    NO_INPUT,
    CommandError,
    Outcome,
    to_json,
)

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

VERBS = (
    "inspect", "convert", "peaks", "predict", "search", "rank", "assign", "verify", "library",
    "report", "figure", "train", "benchmark",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command (``sys.argv[1:]`` by default) and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        options = parser().parse_args(arguments)
        # Libraries' warnings are not for the one who types a command; readers say what matters.
        warnings.simplefilter("ignore")
        return _report(options, _command(options.verb).run(options))
    except SystemExit as stop:  # argparse, after --help or bad usage
        return stop.code if isinstance(stop.code, int) else BAD_USAGE
    except CommandError as error:
        for message in error.messages:
            _say(message)
        return error.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (head, less): nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (OSError, MemoryError) as error:
        _say(str(error) or "out of memory")
        return NO_INPUT
    except Exception as error:
        _log.exception("%s failed", arguments[:1])
        _say(f"a fault in the program ({type(error).__name__}): {error}")
        return FAULT


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; its errors are one line and end with exit code 2."""
    root = _Parser(prog="specgui", description="Spectra on the command line.")
    root.add_argument("--version", action="version", version=f"SpecGUI {__version__}")
    verbs = root.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    for verb in VERBS:
        command = _command(verb)
        below = verbs.add_parser(verb, help=command.HELP, description=command.HELP)
        below.add_argument("--json", action="store_true", help="print JSON")
        command.arguments(below)
    return root


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _say(message)
        self.exit(BAD_USAGE)


def _command(verb: str):
    return import_module(f"engine.commands.{verb}")


def _report(options: argparse.Namespace, outcome: Outcome) -> int:
    for note in outcome.notes:
        _say(note)
    text = to_json(outcome.document) if options.json else outcome.text
    if text:
        encoding = sys.stdout.encoding or "utf-8"
        print(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    return outcome.code


def _say(message: str) -> None:
    line = " ".join(str(message).split())
    encoding = sys.stderr.encoding or "utf-8"
    print(f"specgui: {line}".encode(encoding, "replace").decode(encoding), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
