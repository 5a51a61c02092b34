"""Fixtures for the window: over a fake engine, and with a watch for what tests leave behind."""

from __future__ import annotations

import gc
import sys
import threading
import types
from dataclasses import dataclass

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSettings, QThreadPool, QTimer
from PySide6.QtWidgets import QApplication

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.chemistry.predicted_shifts import PredictedSignal
from engine.formats import run_file  # noqa: F401 - it is there when engine.formats is a fake
from engine.formats.errors import FormatError
from engine.spectra import Source, Spectrum
from engine.tasks import assignment_records  # noqa: F401 - it is there when engine.tasks is a fake
from engine.tasks.assignment import Assignment, AtomAssignment
from engine.tasks.counterfactual import Counterfactual, GroupChange
from engine.tasks.group_identification import (
    Evidence,
    GroupIdentification,
    GroupPrediction,
    ImportanceMap,
    ModelCard,
)
from specgui.application import release_clipboard

_WAIT_MS = 120_000


@pytest.fixture(scope="session", autouse=True)
def clipboard_released(qapp):
    """Nothing made in Python is left to Qt when the tests are over."""
    yield
    release_clipboard()


@pytest.fixture(autouse=True)
def no_libraries_of_the_user(monkeypatch, tmp_path):
    """What is searched does not depend on the libraries of whoever runs the tests."""
    monkeypatch.setenv("SPECGUI_LIBRARIES", str(tmp_path / "libraries"))


@pytest.fixture(autouse=True)
def nothing_left_behind(qapp, request):
    """Fails a test that leaves a window, a running timer or a thread behind."""
    # What is alive before a test is not looked through after it: modules alone are a million
    # objects, and each collection would take a quarter of a second.
    gc.freeze()
    windows = set(map(id, QApplication.topLevelWidgets()))
    threads = set(threading.enumerate())
    yield
    _settle()
    left = [
        f"window {widget!r}"
        for widget in QApplication.topLevelWidgets()
        if id(widget) not in windows and (widget.isVisible() or widget.parent() is None)
    ]
    if not QThreadPool.globalInstance().waitForDone(2000):
        left.append("a worker of the thread pool")
    # Threads of Python itself; those of the pool are known as _DummyThread and go with it.
    left += [
        f"thread {thread.name}"
        for thread in threading.enumerate()
        if thread not in threads and not isinstance(thread, threading._DummyThread)
    ]
    left += [
        f"running timer of {timer.parent()!r}"
        for timer in _live(QTimer)
        if timer.isActive() and timer.interval() > 0
    ]
    assert not left, f"{request.node.name} left behind: {', '.join(left)}"


def _settle() -> None:
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
    gc.collect()


def _live(kind: type[QObject]) -> list:
    import shiboken6

    # Looking at the type alone: isinstance would wake up lazy modules among gc's objects.
    return [o for o in gc.get_objects() if type(o) is kind and shiboken6.isValid(o)]


# spectra


@pytest.fixture
def infrared() -> Spectrum:
    x = np.linspace(400, 4000, 1801)
    y = 0.95 - 0.7 * np.exp(-(((x - 1715) / 12) ** 2)) - 0.4 * np.exp(-(((x - 2950) / 30) ** 2))
    return Spectrum("IR", x[::-1], y[::-1], "1/cm", "transmittance", title="an infrared")


@pytest.fixture
def carbon() -> Spectrum:
    x = np.linspace(-5, 220, 8192)
    lines = ((206.7, 0.4), (128.0, 0.8), (30.9, 1.0))
    y = sum(h / (1 + ((x - c) / 0.05) ** 2) for c, h in lines)
    return Spectrum("13C NMR", x, y, "ppm", title="a carbon", warnings=("the solvent is a guess",))


@pytest.fixture
def mass() -> Spectrum:
    return Spectrum("MS", [15, 43, 58], [30.0, 100.0, 25.0], "m/z", kind="sticks", title="a mass")


# fakes


# CC(C)=O: atoms 0 and 2 are equivalent, 3 is the oxygen.
ACETONE = """
  acetone

  4  3  0  0  0  0  0  0  0  0999 V2000
   -1.2990   -0.7500    0.0000 C   0  0
    0.0000    0.0000    0.0000 C   0  0
    1.2990   -0.7500    0.0000 C   0  0
    0.0000    1.5000    0.0000 O   0  0
  1  2  1  0
  2  3  1  0
  2  4  2  0
M  END
"""


class FakeEngine:
    """Stands in for reading and for the network: a file's name says what is in it."""

    def __init__(self) -> None:
        self.spectra: dict[str, list[Spectrum]] = {}
        self.hold = threading.Event()
        self.hold.set()
        self.identified: list = []
        self.assigned: list = []
        self.error: Exception | None = None

    def open_many(self, paths, on_progress=None, is_cancelled=None, **_wanted):
        spectra, errors = [], []
        for done, path in enumerate(paths):
            if is_cancelled is not None and is_cancelled():
                break
            if on_progress is not None:
                on_progress(done, len(paths), str(path))
            self.hold.wait(5)
            found = self.spectra.get(path.name)
            if found is None:
                error = FormatError(path, "a spectrum", "poetry")
                errors.append((str(path), str(error)))
            else:
                spectra += [_from(path, spectrum) for spectrum in found]
        return spectra, errors

    def identify_groups(self, sample, is_cancelled=lambda: False) -> GroupIdentification:
        self.identified.append(sample)
        self.hold.wait(5)
        if self.error is not None:
            raise self.error
        return identification_of(sample)

    def without_region(self, sample, spectrum, start, end) -> Counterfactual:
        """Without anything between 1600 and 1800, or 200 and 210, the ketone is gone."""
        self.hold.wait(5)
        if self.error is not None:
            raise self.error
        technique = str(sample.spectra[spectrum].technique)
        gone = start < (1715.0 if technique == "IR" else 206.7) < end
        groups = (
            GroupChange("Ketone", 0.97, 0.31 if gone else 0.97, 0.5),
            GroupChange("Alkane", 0.8, 0.8, 0.5),
        )
        card = ModelCard("fake", "1", "MIT")
        return Counterfactual(
            technique, spectrum, start, end, "flat", not gone, groups, card
        )  # fmt: skip

    def assign(self, sample, structure=None, fixed=()) -> Assignment:
        """Acetone: the ketone at 206.7, the methyl groups at 30.9; 128.0 belongs to no atom."""
        self.assigned.append((sample, tuple(fixed)))
        if self.error is not None:
            raise self.error
        said = {atom: ppm for element, atom, ppm in fixed if element == "C"}
        found = []
        for atom, ppm, equivalent in ((0, 30.9, (0, 2)), (1, 206.7, (1,)), (2, 30.9, (0, 2))):
            own = [said[other] for other in equivalent if other in said]
            found.append(
                AtomAssignment(
                    atom, "C", own[0] if own else ppm, 31.0 if ppm < 100 else 200.0, 2.0,
                    0.5 if atom == 1 else 0.995, equivalent, atom in said,
                )
            )  # fmt: skip
        taken = {one.peak for one in found}
        left = [("13C NMR", ppm) for ppm in (206.7, 128.0, 30.9) if ppm not in taken]
        return Assignment(None, tuple(found), tuple(left))

    def predict_shifts(self, structure, techniques, solvent=None):
        """Of acetone, in the 13C spectrum alone."""
        signals = (
            PredictedSignal("13C NMR", (1,), 200.0, 2.0, 1, 0),
            PredictedSignal("13C NMR", (0, 2), 31.0, 1.0, 2, 3),
        )
        return tuple(signal for signal in signals if signal.technique in techniques)


def _from(path, spectrum: Spectrum) -> Spectrum:
    from dataclasses import replace

    return replace(spectrum, source=Source(str(path)))


def identification_of(sample) -> GroupIdentification:
    """Ketone and alkane present; the ketone was seen around the middle of each axis."""
    maps, evidence = [], []
    for index, spectrum in enumerate(sample.spectra):
        if spectrum.technique == "MS":
            continue
        low, high = sorted((float(spectrum.x[0]), float(spectrum.x[-1])))
        x = np.linspace(low, high, 600)
        gate = 0.2 + 0.6 * np.linspace(0, 1, 600)
        centre = 1715.0 if spectrum.technique == "IR" else 206.7
        own = np.exp(-(((x - centre) / ((high - low) / 60)) ** 2))
        maps.append(ImportanceMap(str(spectrum.technique), index, x, gate, {"Ketone": own}))
        half = (high - low) / 80
        evidence.append(Evidence(str(spectrum.technique), centre - half, centre + half, 0.5, index))
    chances = {"Ketone": 0.97, "Alkane": 0.8, "Ester": 0.3}
    groups = [
        GroupPrediction(
            name, chances.get(name, 0.02), 0.5, tuple(evidence) if name == "Ketone" else ()
        )
        for name in GROUP_NAMES
    ]
    groups.sort(key=lambda group: -group.probability)
    used = tuple(dict.fromkeys(m.technique for m in maps))
    card = ModelCard("fake", "1", "MIT")
    return GroupIdentification(tuple(groups), used, card, (), tuple(maps))


class NoModelError(Exception):
    """What the engine raises without weights."""


@dataclass(frozen=True)
class FakeStructure:
    smiles: str
    molblock: str
    formula: str
    groups: frozenset[str]


@pytest.fixture
def engine(monkeypatch, infrared, carbon, mass) -> FakeEngine:
    """The fake engine in place of the real one, with three files that it can read."""
    fake = FakeEngine()
    fake.spectra = {"a.dx": [infrared], "b.dx": [carbon], "c.dx": [mass], "d.dx": [infrared, mass]}

    def parse(text):
        if "C" not in text:
            raise ValueError(f"{text!r} is not a valid SMILES")
        return FakeStructure(text, ACETONE, "C3H6O", frozenset({"Ketone", "Ester"}))

    def depict(structure, width, height, dark=False, highlight_atoms=()):
        return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"/>'

    for name, contents in {
        "engine.formats": {"open_many": fake.open_many},
        "engine.tasks": {
            "identify_groups": fake.identify_groups,
            "NoModelError": NoModelError,
            "without_region": fake.without_region,
        },
        "engine.tasks.assignment": {"assign": fake.assign},
        "engine.tasks.shifts": {"predict_shifts": fake.predict_shifts},
        "engine.chemistry.structure": {"parse_structure": parse, "depict_svg": depict},
    }.items():
        module = types.ModuleType(name)
        module.__dict__.update(contents, __path__=[])
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(
        "specgui.workers.drawing_structures.atoms_of_group", lambda structure, group: (0,)
    )
    return fake


@pytest.fixture
def window(qtbot, engine, tmp_path):
    """The whole window over the fake engine, closed and gone at the end."""
    from specgui.application import make_window
    from specgui.settings import Settings

    store = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    made = make_window(Settings(store))
    made.set_theme_mode("light")
    made.resize(1280, 800)
    made.show()
    yield made
    engine.hold.set()
    made.close()
    made.deleteLater()
    _settle()


@pytest.fixture
def settle(qtbot, window):
    """A function that waits until no job runs."""

    def wait() -> None:
        qtbot.waitUntil(window.workspace.jobs.is_idle, timeout=_WAIT_MS)
        qtbot.wait(20)

    return wait


@pytest.fixture
def opened(window, settle, tmp_path):
    """The window with one sample of an infrared, a carbon and a mass spectrum."""
    window.workspace.open_paths([tmp_path / name for name in ("a.dx", "b.dx", "c.dx")])
    settle()
    return window
