"""Sets SpecGUI up in a virtual environment of its own and runs it, or its tests.

    python packaging/bootstrap.py run [--headless] [FILES]
    python packaging/bootstrap.py test [PYTEST ARGUMENTS]

Needs Python's standard library only. The environment is made in ``.venv`` beside this clone (or
where the variable SPECGUI_VENV says), used again as long as ``pyproject.toml`` stays the same, and
never touches anything else on the machine.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parents[1]
_STAMP = "specgui-setup.json"
_NEEDED_BYTES = 3_000_000_000

# Shared libraries that the Qt wheels take from the system: file, Debian package, Fedora package.
QT_LIBRARIES = (
    ("libEGL.so.1", "libegl1", "libglvnd-egl"),
    ("libGL.so.1", "libgl1", "libglvnd-glx"),
    ("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon"),
    ("libdbus-1.so.3", "libdbus-1-3", "dbus-libs"),
    ("libfontconfig.so.1", "libfontconfig1", "fontconfig"),
    ("libglib-2.0.so.0", "libglib2.0-0", "glib2"),
    ("libX11.so.6", "libx11-6", "libX11"),
)
# Needed besides, to show a window on an X server.
X_LIBRARIES = (
    ("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor"),
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11"),
    ("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm"),
    ("libxcb-image.so.0", "libxcb-image0", "xcb-util-image"),
    ("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms"),
    ("libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil"),
)

# What pip prints, and what it means for the reader.
_FAILURES = (
    (
        ("No space left on device", "Errno 28", "not enough space on the disk"),
        "the disk is full: free some gigabytes, or set SPECGUI_VENV to a folder on another disk.",
    ),
    (
        (
            "name resolution",
            "getaddrinfo failed",
            "Name or service not known",
            "nodename nor servname",
            "Network is unreachable",
            "NewConnectionError",
            "ConnectTimeout",
            "Read timed out",
            "ProxyError",
            "Connection reset",
            "Connection refused",
            "SSLError",
        ),
        "the package index cannot be reached: check the network (and the proxy, variable "
        "HTTPS_PROXY), then run the same command again; what was fetched is kept.",
    ),
    (
        ("No matching distribution found", "Could not find a version that satisfies"),
        "a package has no build for this system and Python: use a 64-bit Python 3.11 to 3.13 on "
        "Linux, macOS 14 or Windows 10, or newer ones.",
    ),
    (
        ("Permission denied", "WinError 5", "Access is denied"),
        "a file may not be written: close a running SpecGUI, and check who owns the environment's "
        "folder.",
    ),
)


class SetupError(Exception):
    """The set-up cannot go on; its text tells what to do."""


def main(arguments: list[str]) -> int:
    """Run the command and return its exit code; 1 when the set-up fails, 2 for bad usage."""
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        return _fail(
            f"SpecGUI needs Python {wanted} or newer, but this is {platform.python_version()} "
            f"({sys.executable}). Install a newer one, then start this file with it."
        )
    if not arguments or arguments[0] not in ("run", "test"):
        print(__doc__.strip())
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    command, rest = arguments[0], arguments[1:]
    try:
        if command == "test":
            return run_tests(rest)
        return run_program(rest)
    except SetupError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130


def run_program(arguments: list[str]) -> int:
    """Open the window, or with ``--headless`` print predictions; without files, of the example."""
    headless = "--headless" in arguments
    if not headless:
        check_display()
        check_libraries()
    python = prepare_environment("")
    return subprocess.call(program_command(python, arguments), cwd=os.getcwd())


def program_command(python: Path, arguments: list[str]) -> list[str]:
    """The command line of SpecGUI for the arguments of ``run``."""
    files = [argument for argument in arguments if argument != "--headless"]
    verb = ["predict"] if "--headless" in arguments else []
    return [str(python), "-m", "specgui", *verb, *(files or ["--example"])]


def run_tests(arguments: list[str]) -> int:
    """Every check of the project, pytest last; the first code that is not 0, else 0."""
    check_libraries()
    python = prepare_environment("test")
    environment = test_environment(dict(os.environ))
    failed, code = [], 0
    for name, command in check_commands(python, arguments):
        if name == "pytest" and failed:
            print(f"\nFailed before pytest: {', '.join(failed)}", flush=True)
        print(f"\n== {name}", flush=True)
        result = subprocess.call(command, cwd=ROOT, env=environment)
        if result != 0:
            failed.append(name)
            code = code or result
    return code


def check_commands(python: Path, arguments: list[str]) -> list[tuple[str, list[str]]]:
    """The checks as (name, command), in their order; ``arguments`` go to pytest."""
    imports = python.with_name("lint-imports.exe" if os.name == "nt" else "lint-imports")
    return [
        ("ruff check", [str(python), "-m", "ruff", "check", "."]),
        ("ruff format", [str(python), "-m", "ruff", "format", "--check", "."]),
        ("lint-imports", [str(imports)]),
        ("pytest", [str(python), "-m", "pytest", *arguments]),
    ]


def test_environment(environment: dict[str, str]) -> dict[str, str]:
    """The variables for the checks: without a display, Qt draws into memory."""
    shown = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not shown:
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    return environment


def check_display() -> None:
    """Raise ``SetupError`` when a window is wanted on a Linux without a display."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise SetupError(
            "There is no display to open a window on. For predictions without one: "
            "python packaging/bootstrap.py run --headless"
        )


def check_libraries() -> None:
    """Raise ``SetupError`` that names the packages of the system libraries that Qt misses."""
    if not sys.platform.startswith("linux"):
        return
    wanted = QT_LIBRARIES
    if os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        wanted += X_LIBRARIES
    missing = [row for row in wanted if not _loads(row[0])]
    if missing:
        raise SetupError(missing_libraries_message(missing))


def missing_libraries_message(missing: list[tuple[str, str, str]]) -> str:
    """What to install for these rows of ``QT_LIBRARIES``, on Debian and on Fedora."""
    files, debian, fedora = (" ".join(column) for column in zip(*missing, strict=True))
    return (
        f"Qt needs system libraries that are missing: {files}\n"
        f"  Debian, Ubuntu:  sudo apt-get install {debian}\n"
        f"  Fedora:          sudo dnf install {fedora}"
    )


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def environment_folder() -> Path:
    """Where the virtual environment lies: SPECGUI_VENV, or ``.venv`` in the clone."""
    chosen = os.environ.get("SPECGUI_VENV", "").strip()
    return Path(chosen).expanduser().absolute() if chosen else ROOT / ".venv"


def prepare_environment(extra: str) -> Path:
    """Make or reuse the virtual environment with the project in it; return its Python.

    ``extra`` is the optional set of packages besides, ``""`` or ``"test"``. Raises ``SetupError``.
    """
    folder = environment_folder()
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    digest = setup_digest()
    if python.exists() and is_up_to_date(folder, digest, extra):
        return python
    if not python.exists() or not _answers(python):
        _make_environment(folder)
    print(
        f"Installing SpecGUI and its packages into {folder}: some minutes and up to several "
        "gigabytes, this once.",
        flush=True,
    )
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-e", target]
    (folder / _STAMP).unlink(missing_ok=True)
    code, output = _call_and_keep(pip)
    if code != 0:
        raise SetupError(f"The installation failed: {explain_failure(output)}")
    stamp = json.dumps({"digest": digest, "extra": extra})
    (folder / _STAMP).write_text(stamp, encoding="utf-8")
    return python


def setup_digest() -> str:
    """A hash of what an installation depends on: the project file, this clone's place, Python."""
    parts = (str(ROOT), platform.python_version(), platform.machine())
    content = (ROOT / "pyproject.toml").read_bytes() + "\n".join(parts).encode()
    return hashlib.sha256(content).hexdigest()


def is_up_to_date(folder: Path, digest: str, extra: str) -> bool:
    """Whether an environment was set up for this digest, with the extra packages wanted."""
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
        return stamp["digest"] == digest and (not extra or stamp["extra"] == extra)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def explain_failure(output: str) -> str:
    """What to do about a failed installation, from the end of what pip printed."""
    for signs, advice in _FAILURES:
        if any(sign in output for sign in signs):
            return advice
    return "the lines above say why; running the same command again is safe."


def _make_environment(folder: Path) -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = "{}.{}".format(*sys.version_info[:2])
        raise SetupError(
            "This Python cannot make virtual environments (venv and ensurepip are missing).\n"
            f"  Debian, Ubuntu:  sudo apt-get install python3-venv   (or python{version}-venv)\n"
            "  Fedora:          sudo dnf install python3-pip"
        )
    if folder.exists() and not (folder / "pyvenv.cfg").exists() and any(folder.iterdir()):
        raise SetupError(
            f"{folder} is not empty and no virtual environment: set SPECGUI_VENV to a new folder."
        )
    above = next(parent for parent in folder.parents if parent.exists())
    free = shutil.disk_usage(above).free
    if free < _NEEDED_BYTES:
        raise SetupError(
            f"Only {free / 1e9:.1f} GB are free for {folder}, and SpecGUI's packages need at least "
            f"{_NEEDED_BYTES / 1e9:.0f} GB: free some, or set SPECGUI_VENV to a folder elsewhere."
        )
    print(f"Making a virtual environment in {folder}", flush=True)
    code, output = _call_and_keep([sys.executable, "-m", "venv", "--clear", str(folder)])
    if code != 0:
        raise SetupError(f"No virtual environment could be made: {explain_failure(output)}")


def _answers(python: Path) -> bool:
    # An environment whose Python was upgraded or removed has a dead link, or no pip.
    try:
        command = [str(python), "-m", "pip", "--version"]
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _call_and_keep(command: list[str]) -> tuple[int, str]:
    """Run a command, showing what it prints; its exit code and its last 300 lines."""
    kept: deque[str] = deque(maxlen=300)
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    with process:
        for line in process.stdout:
            print(line, end="", flush=True)
            kept.append(line)
    return process.returncode, "".join(kept)


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
