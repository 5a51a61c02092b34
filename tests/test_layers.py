"""Imports run one way, the engine knows no Qt, and importing either package stays cheap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "rdkit", "scipy", "nmrglue", "pyteomics", "lxml", "matplotlib", "pybaselines")


def _python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_the_import_contracts_are_kept():
    code = (
        "import sys; from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(config_filename='pyproject.toml', no_cache=True))"
    )
    result = _python(code)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("package", ["engine", "specgui"])
def test_importing_a_package_loads_nothing_heavy(package):
    result = _python(
        f"import sys, {package}; print(sorted(set(sys.modules) & set({(*HEAVY, 'PySide6')!r})))"
    )
    assert (result.stdout.strip(), result.returncode) == ("[]", 0), result.stderr


def test_every_module_opens_with_a_sentence():
    import ast

    silent = []
    for package in ("engine", "specgui"):
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if text.strip() and not ast.get_docstring(ast.parse(text)):
                silent.append(str(path.relative_to(ROOT)))
    assert silent == []


def test_every_folder_of_modules_is_a_package():
    # The contracts see packages only: a folder without __init__.py escapes them.
    modules = [path for name in ("engine", "specgui") for path in (ROOT / name).rglob("*.py")]
    folders = {path.parent for path in modules}
    bare = [str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").exists()]
    assert bare == []
