"""Opens many damaged files and reports every reader that does not keep its promises.

``python -m tests.fuzz_readers --samples DIR --count N --seed S`` in the project's folder. Real
files of ``DIR`` and small ones that the tests write are damaged in many ways; each is opened
with ``engine.open_spectra`` in a child process with limits of time and memory. Anything but
spectra or a ``FormatError`` is a finding: the report tells its place in the program, and the number
with which ``--only`` makes that file again and shows where it fails. It exits with 1 when there is
a finding. It needs fork and POSIX limits, so it runs on Linux and macOS.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

# Before NumPy comes in: workers are many, and small.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

_KEPT_OF_A_PLACE = 3


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    from tests.fuzzing import workers
    from tests.fuzzing.mutations import Damage
    from tests.fuzzing.seeds import all_seeds

    if options.samples is not None and not options.samples.is_dir():
        sys.exit(f"{options.samples} is no folder")
    _import_readers()
    seeds = all_seeds(options.samples)
    damage = Damage(seeds, options.seed)
    limits = workers.Limits(options.seconds, options.memory_mb << 20)
    if options.only is not None:
        return _only(damage, options)
    out = options.out or Path(tempfile.mkdtemp(prefix="specgui-fuzz-"))
    out.mkdir(parents=True, exist_ok=True)
    print(f"{len(seeds)} seeds; findings go to {out}", flush=True)
    begun = time.monotonic()
    told = [begun]

    def progress(done: int) -> None:
        if time.monotonic() - told[0] >= options.every:
            told[0] = time.monotonic()
            print(f"{done} files in {told[0] - begun:.0f} s", flush=True)

    with tempfile.TemporaryDirectory(prefix="specgui-fuzz-files-") as name:
        os.environ["TMPDIR"] = tempfile.tempdir = name
        try:
            found, counts = workers.run(
                damage, options.seed, options.count, out, Path(name), limits, options.workers,
                progress,
            )  # fmt: skip
        finally:
            tempfile.tempdir = None
            del os.environ["TMPDIR"]
    _report(found, counts, time.monotonic() - begun, damage, options, out)
    return 1 if found else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_readers", description=__doc__)
    parser.add_argument("--samples", type=Path, help="a folder of real files to damage")
    parser.add_argument("--count", type=int, default=1000, help="files to open")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other files")
    parser.add_argument("--workers", type=int, default=1, help="processes at a time")
    parser.add_argument("--seconds", type=float, default=5.0, help="processor time for a file")
    parser.add_argument("--memory-mb", type=int, default=2048, help="address space for a file")
    parser.add_argument("--out", type=Path, help="where findings and their files are kept")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between progress lines")
    parser.add_argument("--only", type=int, help="open this file of the run alone, and trace it")
    return parser.parse_args(arguments)


def _import_readers() -> None:
    """Import what readers import late, once for all workers."""
    import pkgutil
    from importlib import import_module

    import engine.formats

    for name in ("lxml.etree", "nmrglue", "rdkit.Chem.rdDepictor"):
        import_module(name)
    for module in pkgutil.iter_modules(engine.formats.__path__):
        import_module(f"engine.formats.{module.name}")


def _only(damage, options: argparse.Namespace) -> int:
    from tests.fuzzing import workers

    case = damage.case(options.only)
    root = options.out or Path(tempfile.mkdtemp(prefix="specgui-fuzz-"))
    root.mkdir(parents=True, exist_ok=True)
    path = workers.write_case(case, root, options.seed, options.only)
    print(path, case.recipe, f"technique {case.technique}")
    faults = workers.catch_faults()
    found = list(workers.findings_of(path, options.only, case.technique, faults))
    for finding in found:
        print(finding.kind, finding.place, finding.detail, sep="\n")
    return int(any(finding.kind != "refused" for finding in found))


def _report(found, counts, seconds, damage, options, out: Path) -> None:
    from tests.fuzzing import workers

    places = defaultdict(list)
    for finding in found:
        places[finding.kind, finding.place].append(finding)
    for (kind, place), same in sorted(places.items(), key=lambda item: -len(item[1])):
        indices = list(dict.fromkeys(finding.index for finding in same))
        shown = ", ".join(map(str, indices[:_KEPT_OF_A_PLACE]))
        print(f"\n{kind}: {place}: {len(indices)} files (--only {shown})")
        print("  " + "; ".join(same[0].recipe))
        print("  " + same[0].detail.strip()[-1500:].replace("\n", "\n  "))
        for index in indices[:_KEPT_OF_A_PLACE]:
            kept = out / str(index)
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir()
            workers.write_case(damage.case(index), kept, options.seed, index)
    print(
        f"\n{counts.done} files in {seconds:.0f} s with seed {options.seed}: "
        f"{counts.opened} opened, {counts.refused} refused; {len(places)} kinds of findings in "
        f"{len({finding.index for finding in found})} files; slowest {counts.slowest_s:.1f} s of "
        f"processor time (file {counts.slowest}), most memory {counts.largest_mb:.0f} MB "
        f"(file {counts.largest})"
    )


if __name__ == "__main__":
    sys.exit(main())
