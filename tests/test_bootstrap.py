"""The set-up script says what is wrong, builds the right commands, and works only when it must."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def bootstrap(monkeypatch, tmp_path):
    path = ROOT / "packaging" / "bootstrap.py"
    spec = importlib.util.spec_from_file_location("specgui_bootstrap", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("SPECGUI_VENV", str(tmp_path / "environment"))
    return module


def test_it_needs_the_standard_library_only():
    # -S leaves site-packages out, -I the surroundings.
    script = str(ROOT / "packaging" / "bootstrap.py")
    result = subprocess.run(
        [sys.executable, "-I", "-S", script, "--help"], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert "bootstrap.py run" in result.stdout and "bootstrap.py test" in result.stdout


def test_an_unknown_command_is_bad_usage(bootstrap, capsys):
    assert bootstrap.main(["install"]) == 2
    assert bootstrap.main([]) == 2
    assert "bootstrap.py run" in capsys.readouterr().out


def test_an_old_python_is_told_which_is_needed(bootstrap, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 1))
    assert bootstrap.main(["test"]) == 1
    said = capsys.readouterr().err
    assert "needs Python 99.1 or newer" in said
    assert sys.executable in said


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], ["--example"]),
        (["--headless"], ["predict", "--example"]),
        (["a.jdx", "b.mgf"], ["a.jdx", "b.mgf"]),
        (["--headless", "a.jdx", "--json"], ["predict", "a.jdx", "--json"]),
    ],
)
def test_what_run_starts(bootstrap, arguments, command):
    python = Path("python")
    assert bootstrap.program_command(python, arguments) == ["python", "-m", "specgui", *command]


def test_the_checks_end_with_pytest_and_its_arguments(bootstrap):
    checks = bootstrap.check_commands(Path("bin") / "python", ["-k", "nmr"])
    assert [name for name, _ in checks] == ["ruff check", "ruff format", "lint-imports", "pytest"]
    assert checks[-1][1][1:] == ["-m", "pytest", "-k", "nmr"]
    assert Path(checks[2][1][0]).parent == Path("bin")


def test_every_check_runs_and_the_first_failure_is_the_exit_code(bootstrap, monkeypatch, capsys):
    codes = iter([3, 0, 1, 0])
    monkeypatch.setattr(bootstrap, "check_libraries", lambda: None)
    monkeypatch.setattr(bootstrap, "prepare_environment", lambda extra: Path("python"))
    monkeypatch.setattr(bootstrap.subprocess, "call", lambda *_, **__: next(codes))
    assert bootstrap.main(["test"]) == 3
    assert next(codes, "all ran") == "all ran"
    assert "Failed before pytest: ruff check, lint-imports" in capsys.readouterr().out


def test_missing_libraries_are_named_for_debian_and_fedora(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(bootstrap, "_loads", lambda name: name != "libEGL.so.1")
    with pytest.raises(bootstrap.SetupError) as caught:
        bootstrap.check_libraries()
    said = str(caught.value)
    assert "libEGL.so.1" in said
    assert "apt-get install libegl1\n" in said
    assert said.endswith("dnf install libglvnd-egl")


@pytest.mark.skipif(sys.platform != "linux", reason="the libraries of a Linux")
def test_a_library_is_looked_for_as_the_loader_does(bootstrap):
    assert bootstrap._loads("libc.so.6")
    assert not bootstrap._loads("libnowhere.so.99")


def test_no_display_points_to_the_run_without_one(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(bootstrap.SetupError, match="run --headless"):
        bootstrap.check_display()
    assert bootstrap.test_environment({})["QT_QPA_PLATFORM"] == "offscreen"
    assert "QT_QPA_PLATFORM" not in bootstrap.test_environment({"DISPLAY": ":0"})


@pytest.mark.parametrize(
    ("printed", "advice"),
    [
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying: Temporary failure in name resolution\nERROR: No matching "
         "distribution found for torch", "index cannot be reached"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no build for this system"),
        ("PermissionError: [Errno 13] Permission denied: 'x'", "may not be written"),
        ("something never seen", "lines above"),
    ],
)  # fmt: skip
def test_a_failed_installation_is_explained(bootstrap, printed, advice):
    assert advice in bootstrap.explain_failure(printed)


def test_an_environment_is_reused_until_the_project_file_changes(bootstrap, tmp_path):
    stamp = tmp_path / bootstrap._STAMP
    stamp.write_text(json.dumps({"digest": "1", "extra": "test"}))
    assert bootstrap.is_up_to_date(tmp_path, "1", "test")
    assert bootstrap.is_up_to_date(tmp_path, "1", "")
    assert not bootstrap.is_up_to_date(tmp_path, "2", "test")
    stamp.write_text(json.dumps({"digest": "1", "extra": ""}))
    assert not bootstrap.is_up_to_date(tmp_path, "1", "test")
    stamp.write_text("cut off {")
    assert not bootstrap.is_up_to_date(tmp_path, "1", "")


def test_the_environment_lies_where_the_variable_says(bootstrap, monkeypatch, tmp_path):
    assert bootstrap.environment_folder() == tmp_path / "environment"
    monkeypatch.delenv("SPECGUI_VENV")
    assert bootstrap.environment_folder() == ROOT / ".venv"


def test_a_folder_that_holds_other_things_is_not_cleared(bootstrap, tmp_path, capsys):
    folder = tmp_path / "environment"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    assert bootstrap.main(["run", "--headless"]) == 1
    assert "is not empty" in capsys.readouterr().err
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_too_small_a_disk_is_said_before_anything_is_fetched(bootstrap, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "_NEEDED_BYTES", 10**18)
    assert bootstrap.main(["run", "--headless"]) == 1
    said = capsys.readouterr().err
    assert "GB are free" in said and "SPECGUI_VENV" in said


def test_a_python_without_venv_is_told_the_package(bootstrap, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None)
    assert bootstrap.main(["run", "--headless"]) == 1
    assert "apt-get install python3-venv" in capsys.readouterr().err


def test_a_failed_installation_leaves_no_stamp(bootstrap, monkeypatch, capsys):
    folder = bootstrap.environment_folder()

    def make(where):
        python = where / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        python.parent.mkdir(parents=True)
        python.touch()

    monkeypatch.setattr(bootstrap, "_make_environment", make)
    monkeypatch.setattr(bootstrap, "_call_and_keep", lambda command: (1, "Read timed out."))
    assert bootstrap.main(["run", "--headless"]) == 1
    assert "index cannot be reached" in capsys.readouterr().err
    assert not (folder / bootstrap._STAMP).exists()

    monkeypatch.setattr(bootstrap, "_answers", lambda python: True)
    monkeypatch.setattr(bootstrap, "_call_and_keep", lambda command: (0, ""))
    python = bootstrap.prepare_environment("test")
    assert bootstrap.is_up_to_date(folder, bootstrap.setup_digest(), "test")
    monkeypatch.setattr(bootstrap, "_call_and_keep", lambda command: pytest.fail("not needed"))
    assert bootstrap.prepare_environment("") == python


def test_what_a_command_prints_is_shown_and_kept(bootstrap, capfd):
    code, output = bootstrap._call_and_keep([sys.executable, "-c", "print('µm'); exit(4)"])
    assert (code, output) == (4, capfd.readouterr().out)


@pytest.mark.skipif(os.name == "nt", reason="a script for bash")
def test_the_continuous_integration_script_can_be_run():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0
