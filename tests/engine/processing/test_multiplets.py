"""Multiplets: class and couplings of known ones, ``m`` for strong coupling, real spectra."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import CancelledError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chemistry.nmr_rendering import multiplet as first_order
from engine.processing import apply, default_chain
from engine.processing.coupling_patterns import LETTERS, pattern_named
from engine.processing.multiplets import (
    analyse_multiplets,
    analyse_region,
    mirror_symmetry,
    overrule,
)
from engine.spectra import Spectrum

MHZ = 500.0


def spectrum_of(signals, *, width=1.0, noise=0.005, step=0.17, seed=0, mhz=MHZ, **metadata):
    """Signals of ``(ppm, protons, offsets in Hz, shares)``; noise relative to the highest point."""
    low = min(ppm + min(offsets) / mhz for ppm, _, offsets, _ in signals) - 0.2
    high = max(ppm + max(offsets) / mhz for ppm, _, offsets, _ in signals) + 0.2
    hz = np.arange(low * mhz, high * mhz, step)
    y = np.zeros(len(hz))
    for ppm, protons, offsets, shares in signals:
        away = hz[:, None] - ppm * mhz - np.asarray(offsets)
        y += protons * ((width / 2) / np.pi / (away**2 + (width / 2) ** 2)) @ np.asarray(shares)
    y += np.random.default_rng(seed).normal(size=len(hz)) * noise * y.max()
    return Spectrum("1H NMR", hz / mhz, y, "ppm", metadata={"frequency_mhz": mhz, **metadata})


def signal(ppm, protons, *couplings):
    """A first-order signal; couplings as pairs of J in Hz and equivalent partners."""
    return (ppm, protons, *first_order(couplings))


def strongly_coupled(shifts_hz, couplings):
    """All lines of spins one half by diagonalising the Hamiltonian: places in Hz, intensities."""
    n = len(shifts_hz)
    x, z = np.array([[0, 0.5], [0.5, 0]]), np.diag([0.5, -0.5])
    iy = np.array([[0, 0.5], [-0.5, 0]])  # i times the y component, which is real

    def on(matrix, spin):
        full = np.eye(1)
        for k in range(n):
            full = np.kron(full, matrix if k == spin else np.eye(2))
        return full

    # An offset keeps every transition positive.
    energy = sum((f + 1e5) * on(z, k) for k, f in enumerate(shifts_hz))
    for (a, b), j in couplings.items():
        energy = energy + j * (on(x, a) @ on(x, b) - on(iy, a) @ on(iy, b) + on(z, a) @ on(z, b))
    levels, states = np.linalg.eigh(energy)
    moments = states.T @ sum(on(x, k) for k in range(n)) @ states
    places = levels[:, None] - levels[None, :]
    seen = (places > 0) & (moments**2 > 1e-7)
    return places[seen] - 1e5, moments[seen] ** 2


def one(spectrum):
    found = analyse_multiplets(spectrum)
    assert len(found) == 1, [(m.multiplicity, m.position) for m in found]
    return found[0]


@pytest.mark.parametrize(
    ("name", "couplings"),
    [
        ("s", []),
        ("d", [(7.2, 1)]),
        ("d", [(1.6, 1)]),
        ("d", [(16.1, 1)]),
        ("t", [(7.1, 2)]),
        ("q", [(7.1, 3)]),
        ("p", [(6.5, 4)]),
        ("sext", [(7.3, 5)]),
        ("sept", [(6.8, 6)]),
        ("non", [(6.7, 8)]),
        ("dd", [(8.2, 1), (1.4, 1)]),
        ("dd", [(17.3, 1), (10.6, 1)]),
        ("dt", [(15.9, 1), (6.8, 2)]),
        ("td", [(7.7, 2), (1.6, 1)]),
        ("dq", [(15.5, 1), (1.7, 3)]),
        ("qd", [(7.0, 3), (1.4, 1)]),
        ("tt", [(7.4, 2), (1.3, 2)]),
        ("ddd", [(8.1, 1), (7.4, 1), (1.7, 1)]),
        ("ddd", [(17.2, 1), (10.3, 1), (6.4, 1)]),
        ("ddt", [(17.0, 1), (10.2, 1), (6.6, 2)]),
        ("ddq", [(15.2, 1), (8.0, 1), (6.6, 3)]),
        ("dddd", [(13.0, 1), (9.5, 1), (6.2, 1), (3.3, 1)]),
    ],
)
@pytest.mark.parametrize("mhz", [300.0, 600.0])
def test_first_order_multiplets(name, couplings, mhz):
    found = one(spectrum_of([signal(4.0, 1, *couplings)], mhz=mhz))
    assert found.multiplicity == name
    assert found.j_hz == pytest.approx([j for j, _ in couplings], abs=0.1)
    assert found.position == pytest.approx(4.0, abs=0.1 / mhz)
    span = sum(j * n for j, n in couplings) / mhz
    assert found.high - found.low == pytest.approx(span, abs=0.5 / mhz)


@settings(max_examples=40, deadline=None)
@given(
    partners=st.sampled_from([(1,), (2,), (3,), (1, 1), (1, 2), (2, 1), (1, 1, 1), (1, 1, 2)]),
    ratios=st.lists(st.floats(1.35, 3.0), min_size=3, max_size=3), smallest=st.floats(1.6, 3.5),
    width=st.floats(0.7, 1.2), step=st.floats(0.08, 0.25), seed=st.integers(0, 99),
    falling=st.booleans(),
)  # fmt: skip
def test_any_resolved_multiplet(partners, ratios, smallest, width, step, seed, falling):
    couplings = [smallest]
    for ratio in ratios[: len(partners) - 1]:
        couplings.insert(0, couplings[0] * ratio + 1.3 * width)
    if couplings[0] > 18:
        return
    spectrum = spectrum_of(
        [signal(7.0, 1, *zip(couplings, partners, strict=True))], width=width, step=step, seed=seed
    )
    if falling:
        spectrum = Spectrum(
            "1H NMR", spectrum.x[::-1], spectrum.y[::-1], "ppm", metadata=spectrum.metadata
        )
    found = one(spectrum)
    assert found.multiplicity == "".join(LETTERS[n] for n in partners)
    assert found.j_hz == pytest.approx(couplings, abs=0.3)


def test_noise_and_roofs():
    """A fortieth of the highest line as noise, and lines that rise towards the partner."""
    for couplings in ([(7.1, 2)], [(8.2, 1), (2.5, 1)], [(7.1, 3)], [(15.5, 1), (6.9, 2)]):
        offsets, shares = first_order(couplings)
        roof = 1 + 0.15 * offsets / offsets.max()
        found = one(spectrum_of([(3.0, 1, offsets, shares * roof)], noise=0.025))
        assert found.multiplicity == "".join(LETTERS[n] for _, n in couplings)
        assert found.j_hz == pytest.approx([j for j, _ in couplings], abs=0.3)


AB = {(0, 1): 8.0}
PARA = {(0, 2): 8.5, (1, 3): 8.5, (0, 3): 0.4, (1, 2): 0.4, (0, 1): 2.4, (2, 3): 2.4}
ETHYLENE = {(0, 2): 7.0, (1, 3): 7.0, (0, 3): 3.0, (1, 2): 3.0, (0, 1): -12.0, (2, 3): -14.0}
GEMINAL = {(0, 1): -14.0, (0, 2): 8.5, (1, 2): 4.5}


@pytest.mark.parametrize(
    ("shifts", "couplings", "below"),
    [
        ([0, 8], AB, None),  # AB quartets whose shift difference is that of J, and twice it
        ([0, 16], AB, None),
        ([0, 0, 20, 20], PARA, 10),  # one half of AA'BB' and AA'XX' systems
        ([0, 0, 400, 400], PARA, 200),
        ([0, 0, 20, 20], ETHYLENE, 10),
        ([0, 0, 400, 400], ETHYLENE, 200),
        ([0, 4, 500], GEMINAL, 250),  # the AB part of ABX
        ([0, 10, 500], GEMINAL, 250),
    ],
)
def test_strong_coupling_is_no_first_order_pattern(shifts, couplings, below):
    places, weights = strongly_coupled(shifts, couplings)
    if below is not None:
        places, weights = places[places < below], weights[places < below]
    found = analyse_multiplets(spectrum_of([(3.0, 1, places, weights)]))
    assert [(m.multiplicity, m.j_hz) for m in found] == [("m", ())]


@pytest.mark.parametrize("apart", [600.0, 24.0])
def test_weak_coupling_is(apart):
    """Both halves of an AB pair are doublets of J down to a shift difference of three J."""
    places, weights = strongly_coupled([0, apart], AB)
    found = analyse_multiplets(spectrum_of([(3.0, 2, places, weights)]))
    assert [m.multiplicity for m in found] == ["d", "d"]
    assert [m.j_hz[0] for m in found] == pytest.approx([8.0, 8.0], abs=0.05)


def test_an_ethyl_group_by_its_hamiltonian():
    couplings = {(a, b): 7.1 for a in range(3) for b in (3, 4)}
    places, weights = strongly_coupled([0, 0, 0, 1500, 1500], couplings)
    methylene, methyl = analyse_multiplets(spectrum_of([(1.2, 5, places, weights)]))
    assert (methylene.multiplicity, methylene.n_h) == ("q", 2)
    assert (methyl.multiplicity, methyl.n_h) == ("t", 3)
    assert [methylene.j_hz[0], methyl.j_hz[0]] == pytest.approx([7.1, 7.1], abs=0.05)


def test_a_whole_compound():
    """Ethyl crotonate: positions, protons and couplings, from high to low ppm."""
    spectrum = spectrum_of(
        [
            signal(6.96, 1, (15.5, 1), (6.9, 3)), signal(5.83, 1, (15.5, 1), (1.7, 3)),
            signal(4.17, 2, (7.1, 3)), signal(1.87, 3, (6.9, 1), (1.7, 1)),
            signal(1.28, 3, (7.1, 2)),
        ], noise=0.002,
    )  # fmt: skip
    found = analyse_multiplets(spectrum)
    assert [(m.multiplicity, m.n_h) for m in found] == [
        ("dq", 1), ("dq", 1), ("q", 2), ("dd", 3), ("t", 3),
    ]  # fmt: skip
    assert [m.position for m in found] == pytest.approx([6.96, 5.83, 4.17, 1.87, 1.28], abs=2e-4)
    assert found[0].j_hz == pytest.approx([15.5, 6.9], abs=0.1)
    assert [m.n_h for m in analyse_multiplets(spectrum, protons=20)] == [2, 2, 4, 6, 6]
    row = found[0].to_dict()
    assert json.loads(json.dumps(row)) == row
    assert row["region"][0] < row["low"] < row["position"] < row["high"] < row["region"][1]


def test_neighbours_in_one_region_are_told_apart():
    near = 10 / MHZ
    unlike = analyse_multiplets(spectrum_of([signal(3.8, 3), signal(3.8 + near, 1)]))
    assert [(m.multiplicity, m.n_h) for m in unlike] == [("s", 1), ("s", 3)]
    doublets = [signal(7.4, 1, (8.0, 1)), signal(7.4 + 18 / MHZ, 2, (8.0, 1))]
    found = analyse_multiplets(spectrum_of(doublets))
    assert [(m.multiplicity, m.n_h) for m in found] == [("d", 2), ("d", 1)]
    # asked for as one, it is one
    whole = analyse_region(spectrum_of(doublets), 7.35, 7.5)
    assert (whole.multiplicity, len(whole.lines)) == ("m", 4)
    assert analyse_region(spectrum_of(doublets), 7.57, 7.55) is None


def test_a_broad_line():
    broad = (5.0, 1, np.zeros(1), np.ones(1))
    sharp = spectrum_of([signal(3.5, 3), signal(7.0, 2, (8.0, 1))], noise=0)
    hump = spectrum_of([broad], width=25.0, noise=0)
    y = sharp.y + np.interp(sharp.x, hump.x, hump.y, left=0, right=0)
    y += np.random.default_rng(0).normal(size=len(y)) * 1e-3
    spectrum = Spectrum("1H NMR", sharp.x, y, "ppm", metadata={"frequency_mhz": MHZ})
    found = analyse_multiplets(spectrum)
    assert [m.multiplicity for m in found] == ["d", "br s", "s"]
    assert [m.n_h for m in found] == [2, 1, 3]
    assert found[1].width_hz == pytest.approx(25, rel=0.1)


def test_overruling():
    spectrum = spectrum_of([signal(4.0, 1, (8.4, 1), (7.0, 1), (1.6, 1))])
    found = one(spectrum)
    assert (found.multiplicity, found.overruled) == ("ddd", False)
    said = overrule(spectrum, found, "td")
    assert (said.multiplicity, said.overruled) == ("td", True)
    assert said.j_hz == pytest.approx([7.7, 1.6], abs=0.2)
    assert overrule(spectrum, found, "app td", [7.7, 1.6]).j_hz == (7.7, 1.6)
    assert overrule(spectrum, found, "m").j_hz == ()
    assert overrule(spectrum, found, "br s").multiplicity == "br s"
    triplet = spectrum_of([signal(2.0, 1, (7.0, 2))])
    as_dd = overrule(triplet, one(triplet), "dd")
    assert as_dd.j_hz == pytest.approx([7.0, 7.0], abs=0.3)
    for word, couplings in (("xyz", None), ("dd", [7.0]), ("m", [7.0])):
        with pytest.raises(ValueError):
            overrule(spectrum, found, word, couplings)


def test_mirror_symmetry():
    hz = np.arange(0, 60, 0.1)

    def lines(pairs):
        return sum(h / (1 + (2 * (hz - p)) ** 2) for p, h in pairs)

    place, likeness = mirror_symmetry(hz, lines([(20, 1), (27, 3), (34, 3), (41, 1)]))
    assert place == pytest.approx(30.5, abs=0.05) and likeness > 0.999
    # The image about the stronger of two lines, 3 and 1, covers 9 parts of 10 of their square.
    place, skewed = mirror_symmetry(hz, lines([(20, 3), (40, 1)]))
    assert place == pytest.approx(20, abs=0.1) and skewed == pytest.approx(0.9, abs=0.02)
    assert mirror_symmetry(hz, np.zeros(len(hz)))[1] == 0


def test_the_analysis_can_be_cancelled():
    spectrum = spectrum_of([signal(4.0, 1, (7.0, 2)), signal(5.0, 1, (7.0, 2))])
    answers = iter([False, True])
    with pytest.raises(CancelledError):
        analyse_multiplets(spectrum, is_cancelled=lambda: next(answers))


def test_what_has_no_multiplets():
    noise = np.random.default_rng(0).normal(size=16384)
    axis = np.linspace(10, 0, 16384)
    empty = Spectrum("1H NMR", axis, noise, "ppm", metadata={"frequency_mhz": 400.0})
    assert analyse_multiplets(empty) == []
    with pytest.raises(ValueError, match="frequency"):
        analyse_multiplets(Spectrum("1H NMR", axis, noise, "ppm"))
    with pytest.raises(ValueError, match="sticks"):
        analyse_multiplets(
            Spectrum("1H NMR", [1.0, 2.0], [1.0, 1.0], "ppm", kind="sticks",
                     metadata={"frequency_mhz": 400})
        )  # fmt: skip
    inverted = spectrum_of([signal(4.0, 1, (7.0, 2))])
    upside_down = Spectrum("1H NMR", inverted.x, -inverted.y, "ppm", metadata=inverted.metadata)
    assert all(m.n_h is None for m in analyse_multiplets(upside_down))


@pytest.mark.parametrize(
    "name", ["01_bruker_1d_1H_aspirin-1h", "01_bruker_1d_1H_aspirin-1h-processed"]
)
def test_aspirin(samples, name):
    """Couplings as they are published for salicylates (J ortho 7.4 to 8.2, meta 1.0 to 1.8 Hz),
    alike from the FID and from the manufacturer's own processing."""
    reader = pytest.importorskip("engine.formats.registry")
    (spectrum,) = reader.open_spectra(samples / "nmr" / name)
    found = analyse_multiplets(apply(default_chain(spectrum), spectrum), protons=8)
    assert [(m.multiplicity, m.n_h) for m in found] == [
        ("br s", 1), ("dd", 1), ("ddd", 1), ("td", 1), ("dd", 1), ("s", 3),
    ]  # fmt: skip
    h6, h4, h5, h3 = (m.j_hz for m in found[1:5])
    assert h6 == pytest.approx([7.8, 1.7], abs=0.2)
    assert h4 == pytest.approx([8.1, 7.4, 1.7], abs=0.2)
    assert h5 == pytest.approx([7.6, 1.1], abs=0.2)
    assert h3 == pytest.approx([8.1, 1.2], abs=0.2)
    # each coupling is seen from both of its ends
    assert h6[1] == pytest.approx(h4[2], abs=0.1) and h3[0] == pytest.approx(h4[0], abs=0.1)


def test_ibuprofen_of_a_benchtop_instrument(samples):
    reader = pytest.importorskip("engine.formats.registry")
    (spectrum,) = reader.open_spectra(samples / "nmr/09_jcamp/qmagnetics_ibuprofen.jdx")
    found = analyse_multiplets(apply(default_chain(spectrum), spectrum))
    couplings = {}
    for multiplet in found:
        couplings.setdefault(multiplet.multiplicity, []).append(multiplet.j_hz)
    # CH(CH3)2, ArCHCH3 and ArCH2 are doublets, the isopropyl CH a nonet, ArCH a quartet
    assert sorted(j for (j,) in couplings["d"]) == pytest.approx([6.6, 7.1, 7.2], abs=0.15)
    assert couplings["non"][0] == pytest.approx([6.7], abs=0.15)
    assert any(j == pytest.approx([7.1], abs=0.15) for j in couplings["q"])


def test_couplings_of_the_metabolome_come_back(tables):
    """Experimental couplings, drawn as first-order lines at the field they were measured at."""
    total = agreeing = 0
    with gzip.open(tables / "h1_multiplets.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows[::4]:
        mhz = row["frequency_mhz"] or 0
        for number, entry in enumerate(row["multiplets"]):
            name = entry["type"]
            if mhz < 450 or name not in ("s", "d", "t", "q", "dd", "dt", "td", "ddd", "tt", "dq"):
                continue
            partners = pattern_named(name).partners
            couplings = entry["j_hz"] if partners else []
            falling = sorted(couplings, reverse=True)
            apart = np.diff([*falling, 0.0])
            # those that 1 Hz wide lines show, in their order, and as different couplings
            if len(couplings) != len(partners) or falling != couplings or (apart > -1.2).any():
                continue
            if couplings and couplings[0] > 20:
                continue
            pairs = zip(couplings, partners, strict=True)
            (found, *rest) = analyse_multiplets(
                spectrum_of([signal(entry["ppm"], 1, *pairs)], mhz=mhz, seed=number, noise=0.01)
            )
            total += 1
            alike = found.multiplicity == name and not rest
            agreeing += alike and np.allclose(found.j_hz, couplings, atol=0.3)
    assert total > 100 and agreeing / total > 0.97
