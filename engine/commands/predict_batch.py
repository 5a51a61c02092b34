"""``specgui predict --batch``: the functional groups of every sample in a folder."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from engine.commands.inputs import error_entries
from engine.commands.outcome import BAD_USAGE, NO_INPUT, NO_MODEL, CommandError, Outcome, to_json
from engine.commands.outputs import checked_output

if TYPE_CHECKING:
    from engine.tasks.batch_prediction import BatchResult, BatchTotals

_TABLE, _LINES = (".csv",), (".json", ".jsonl")


def run_batch(options: argparse.Namespace) -> Outcome:
    """Predict for each entry of ``options.batch``; a broken one stops nothing."""
    _check(options)
    # torch comes with the model: a folder that holds nothing is told of without waiting for it.
    from engine.tasks.batch_prediction import entries_of, predict_batch, write_batch

    try:
        entries = entries_of(options.batch)
    except OSError as error:
        raise CommandError(BAD_USAGE, f"--batch {error}") from error
    if not entries:
        raise CommandError(NO_INPUT, f"{options.batch} is empty: there is no sample in it")
    from engine.encoding.electron_ionisation import said_to_be_electron_ionisation
    from engine.library.group_model import NoModelError
    from engine.library.model_choice import chosen_group_model

    prepare = said_to_be_electron_ionisation if options.electron_ionisation else None
    try:
        model = chosen_group_model(options.model)
        samples: list[dict[str, Any]] = []
        with _writer(options, model.labels, samples) as write:
            results = predict_batch(
                entries, model, technique=options.technique, prepare=prepare,
                workers=options.workers, on_progress=_say_progress,
            )  # fmt: skip
            totals = write_batch(results, model, write)
            if not totals.samples:
                raise CommandError(NO_INPUT, *(message for _, message in totals.errors))
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    document = _document(totals, options.out, samples)
    notes = tuple(message for _, message in totals.errors)
    if options.out is None:
        text = "\n".join(json.dumps(json.loads(to_json(sample))) for sample in samples)
        return Outcome(document, text, notes)
    return Outcome(document, _summary(totals, options.out), notes)


def _check(options: argparse.Namespace) -> None:
    if options.files or options.example:
        raise CommandError(BAD_USAGE, "--batch takes the folder alone, without further files")
    for name, given in (("structure", options.structure), ("without", options.without)):
        if given is not None:
            raise CommandError(BAD_USAGE, f"--{name} is of one compound, and --batch has several")
    if options.workers is not None and options.workers < 0:
        raise CommandError(BAD_USAGE, f"--workers is {options.workers}: 0 or more")
    if options.technique is not None:
        from engine.spectra import Technique

        try:
            Technique(options.technique)
        except ValueError as error:
            raise CommandError(BAD_USAGE, str(error)) from error
    if options.out is not None:
        out = checked_output(options.out)
        if out.suffix.lower() not in (*_TABLE, *_LINES):
            raise CommandError(BAD_USAGE, f"--out {out} ends neither in .csv nor in .json")


@contextmanager
def _writer(
    options: argparse.Namespace, labels: tuple[str, ...], samples: list[dict[str, Any]]
) -> Iterator[Callable[[BatchResult], None]]:
    """What takes each result: a table or lines, whole on disk only when the batch is done."""
    if options.out is None:
        yield lambda result: samples.append(result.to_dict())
        return
    out = Path(options.out)
    part = out.with_name(out.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            if out.suffix.lower() in _TABLE:
                yield _table_writer(file, labels)
            else:
                yield lambda result: print(
                    json.dumps(json.loads(to_json(result.to_dict()))), file=file
                )
        part.replace(out)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(BAD_USAGE, f"{out} cannot be written: {reason}") from error
    finally:
        part.unlink(missing_ok=True)


def _table_writer(file: TextIO, labels: tuple[str, ...]) -> Callable[[BatchResult], None]:
    table = csv.writer(file)
    table.writerow(["sample", "groups present", "techniques used", "doubts", "warnings", *labels])

    def write(result: BatchResult) -> None:
        document = result.to_dict()
        table.writerow(
            [
                _cell(result.entry.name), "; ".join(result.groups_present),
                "; ".join(result.techniques_used), " ".join(result.doubts),
                _cell("; ".join(document["warnings"])),
                *(f"{value:.4f}" for value in result.probabilities),
            ]
        )  # fmt: skip

    return write


def _cell(text: str) -> str:
    """A text from outside that no spreadsheet takes for a formula."""
    text = " ".join(text.split())
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _say_progress(done: int, total: int) -> None:
    print(f"specgui: {done} of {total} samples", file=sys.stderr, flush=True)


def _document(
    totals: BatchTotals, out: str | None, samples: list[dict[str, Any]]
) -> dict[str, Any]:
    document: dict[str, Any] = {"samples": samples} if out is None else {"written": str(out)}
    return {
        **document,
        "read": totals.samples,
        "doubted": totals.doubted,
        "seconds": round(totals.seconds, 3),
        "model": totals.model.to_dict(),
        "errors": error_entries(list(totals.errors)),
    }


def _summary(totals: BatchTotals, out: str) -> str:
    rate = totals.samples / max(totals.seconds, 1e-9)
    lines = [f"{out}: {totals.samples} samples, {rate:.1f} a second"]
    if totals.doubted:
        lines.append(f"{totals.doubted} of them are unlike what the network knows (see doubts)")
    if totals.errors:
        lines.append(f"{len(totals.errors)} could not be read")
    return "\n".join(lines)
