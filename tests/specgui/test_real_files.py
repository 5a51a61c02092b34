"""The window over the real engine: real files in, spectra and groups on the screen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSettings

_WAIT_MS = 30_000


@pytest.fixture
def real_window(qtbot, tmp_path):
    from specgui.application import make_window
    from specgui.settings import Settings

    made = make_window(Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)))
    made.show()
    yield made
    made.close()
    made.deleteLater()


def _wait(qtbot, window) -> None:
    qtbot.waitUntil(window.workspace.jobs.is_idle, timeout=_WAIT_MS)
    qtbot.wait(20)


def test_the_example_is_read_named_and_compared(qtbot, real_window):
    pytest.importorskip("torch")
    real_window.workspace.open_example()
    _wait(qtbot, real_window)
    sample = real_window.workspace.selection.sample
    assert sample.techniques == ("IR", "1H NMR", "13C NMR", "MS/MS")
    finding = real_window.workspace.findings.of(sample)
    if finding.state == "no model":
        pytest.skip(finding.message)
    assert finding.state == "done", finding.message
    assert "Aldehyde" in real_window.workspace.true_groups(sample)
    assert not real_window.structure.view.is_empty
    for plot in real_window.stack.plots.values():
        assert not plot.canvas.gate_image.is_empty


def test_real_files_of_three_techniques(qtbot, real_window, samples):
    paths = [
        samples / "ir" / "03_jcamp_edited_two_DATATYPE_keys_acetone.jdx",
        samples / "ms" / "ethanol_ms.jdx",
        samples / "nmr" / "01_bruker_1d_1H_aspirin-1h",
    ]
    real_window.workspace.open_paths(paths)
    _wait(qtbot, real_window)
    plots = real_window.stack.plots
    assert list(plots) == ["IR", "1H NMR", "MS"]
    assert "1712" in [mark.label for mark in plots["IR"].canvas.labels.peaks]
    assert "31" in [mark.label for mark in plots["MS"].canvas.labels.peaks]
    assert "FID" in plots["1H NMR"].note.text()
    assert all(plot.canvas.trace is not None for plot in plots.values())


def test_atoms_of_a_group_are_numbered_as_given():
    from engine.chemistry.structure import parse_structure
    from specgui.workers.drawing_structures import atoms_of_group

    acetic_acid = parse_structure("OC(C)=O")
    assert atoms_of_group(acetic_acid, "Carboxylic acid") == (0, 1, 3)
    assert atoms_of_group(acetic_acid, "Nitrile") == ()
