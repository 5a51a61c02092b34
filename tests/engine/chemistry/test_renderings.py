"""Renderings of peak lists and computed vibrations, as chemists and instruments know them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chemistry import infrared_rendering, nmr_rendering
from engine.chemistry.infrared_rendering import (
    PHASES,
    STRETCHES,
    Vibrations,
    _placed,
    render_infrared,
    vibrations_of,
)
from engine.chemistry.nmr_rendering import (
    SOLVENTS,
    multiplet,
    render_carbon,
    render_proton,
    solvent_named,
)
from engine.encoding.channels import channel
from engine.encoding.sample_encoding import encode_spectrum
from engine.encoding.vectors import normalise_infrared, normalise_nmr
from engine.spectra import Spectrum

ETHYL_ACETATE_13C = [
    {"ppm": 171.1, "n": 1, "mult": "S"}, {"ppm": 60.4, "n": 1, "mult": "T"},
    {"ppm": 21.0, "n": 1, "mult": "Q"}, {"ppm": 14.2, "n": 1, "mult": "Q"},
]  # fmt: skip
ETHYL_ACETATE_1H = [
    {"ppm": 4.12, "n": 2, "mult": "q"}, {"ppm": 2.04, "n": 3, "mult": "s"},
    {"ppm": 1.26, "n": 3, "mult": "t"},
]  # fmt: skip

# An instrument's grid: 32,768 points, wider than the network's window.
INSTRUMENT = {
    "13C NMR": np.linspace(-25, 245, 32769),
    "1H NMR": np.linspace(-3, 15, 32769),
    "IR": np.linspace(350, 4400, 32769),
}


def as_measured(technique, edges, heights, unit, y_unit="intensity"):
    """A rendering as a file would hold it: points in the middles of fine bins, high to low."""
    centres = (edges[1:] + edges[:-1]) / 2
    return Spectrum(technique, centres[::-1], heights[::-1], unit, y_unit)


@pytest.fixture
def still(monkeypatch):
    """Leave out noise and drift, which are drawn for each point and so differ between grids."""
    monkeypatch.setattr(nmr_rendering, "_with_noise_and_baseline", lambda spectrum, *_: spectrum)
    monkeypatch.setattr(
        infrared_rendering, "_measured", lambda spectrum, *_: 0.9 * spectrum / spectrum.max()
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    ("technique", "render", "peaks"),
    [("13C NMR", render_carbon, ETHYL_ACETATE_13C), ("1H NMR", render_proton, ETHYL_ACETATE_1H)],
)
def test_a_file_and_a_rendered_list_of_one_molecule_look_alike(
    technique, render, peaks, seed, still
):
    fine, grid = INSTRUMENT[technique], channel(technique).edges
    file = as_measured(technique, fine, render(peaks, fine, np.random.default_rng(seed)), "ppm")
    direct = normalise_nmr(render(peaks, grid, np.random.default_rng(seed)))
    read, remarks = encode_spectrum(file)
    assert remarks == []
    assert read.max() == pytest.approx(1.0)
    # A line that lies on the border of two bins may be shared a little differently.
    assert np.abs(read - direct).max() < 0.06
    assert np.abs(read - direct).mean() < 0.003


@pytest.mark.parametrize("y_unit", ["absorbance", "transmittance"])
@pytest.mark.parametrize("phase", PHASES)
def test_an_infrared_file_and_its_rendering_look_alike(phase, y_unit, still, computed_infrared):
    vibrations = vibrations_of(computed_infrared("CCOC(C)=O"))
    fine, grid = INSTRUMENT["IR"], channel("IR").edges
    heights = render_infrared(vibrations, fine, np.random.default_rng(3), phase=phase)
    ordinate = heights if y_unit == "absorbance" else 10**-heights
    read, remarks = encode_spectrum(as_measured("IR", fine, ordinate, "1/cm", y_unit))
    direct = render_infrared(vibrations, grid, np.random.default_rng(3), phase=phase)
    assert remarks == []
    # A rendering is scaled to the maximum on its own grid, and a bin's mean is below the top.
    assert read.max() == pytest.approx(direct.max(), rel=0.15)
    assert np.abs(read / read.max() - normalise_infrared(direct) / direct.max()).max() < 0.01


def test_with_noise_and_drift_the_signals_stay_where_they_are():
    grid, centres = channel("13C NMR").edges, channel("13C NMR").centres
    for seed in range(30):
        encoded = normalise_nmr(render_carbon(ETHYL_ACETATE_13C, grid, np.random.default_rng(seed)))
        for peak in ETHYL_ACETATE_13C[1:]:
            assert encoded[np.abs(centres - peak["ppm"]) < 1.0].max() > 0.1


@pytest.mark.parametrize("seed", range(8))
def test_a_proton_list_shows_at_its_shifts_and_not_elsewhere(seed, still):
    grid = channel("1H NMR").edges
    centres = channel("1H NMR").centres
    heights = render_proton(ETHYL_ACETATE_1H, grid, np.random.default_rng(seed), solvent="CDCl3")
    encoded = normalise_nmr(heights)
    for peak in ETHYL_ACETATE_1H:
        assert encoded[np.abs(centres - peak["ppm"]) < 0.12].max() > 0.05
    known = [4.12, 2.04, 1.26, 7.26, 1.56, 0.0]
    far = np.min(np.abs(centres[:, None] - known), axis=1) > 0.5
    assert encoded[far].max() < 0.12


def test_the_same_generator_gives_the_same_rendering():
    grid = channel("1H NMR").edges
    first, second, third = (
        render_proton(ETHYL_ACETATE_1H, grid, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert (first == second).all()
    assert not np.allclose(first, third)


def test_missing_counts_and_unknown_letters_are_drawn():
    rng = np.random.default_rng(0)
    for letters in (None, "", "br s", "app t", "sept", "m", "ABq", "ddd"):
        peaks = [{"ppm": 3.3, "n": None, "mult": letters}, {"ppm": 8.9}]
        assert np.isfinite(render_proton(peaks, channel("1H NMR").edges, rng)).all()
    assert np.isfinite(render_carbon([{"ppm": 30.0}], channel("13C NMR").edges, rng)).all()


def test_a_quaternary_carbon_is_weaker_than_a_protonated_one(still):
    grid, centres = channel("13C NMR").edges, channel("13C NMR").centres
    peaks = [{"ppm": 150.0, "n": 1, "mult": "S"}, {"ppm": 20.0, "n": 1, "mult": "Q"}]
    ratios = []
    for seed in range(40):
        heights = render_carbon(peaks, grid, np.random.default_rng(seed), solvent="DMSO-d6")
        areas = [heights[np.abs(centres - ppm) < 3].sum() for ppm in (150.0, 20.0)]
        ratios.append(areas[0] / areas[1])
    assert 0.25 < np.median(ratios) < 0.75


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.5, 20), st.integers(1, 4)), max_size=3)
)  # fmt: skip
def test_a_multiplet_keeps_its_centre_its_area_and_its_width(splittings):
    offsets, shares = multiplet(splittings)
    assert shares.sum() == pytest.approx(1.0)
    assert (offsets * shares).sum() == pytest.approx(0.0, abs=1e-9)
    # Each of n neighbours adds (J/2)^2 to the variance.
    variance = sum(n * coupling**2 / 4 for coupling, n in splittings)
    assert (offsets**2 * shares).sum() == pytest.approx(variance)
    assert np.ptp(offsets) == pytest.approx(sum(n * coupling for coupling, n in splittings))


def test_a_quartet_is_one_three_three_one():
    offsets, shares = multiplet([(7.0, 3)])
    places, inverse = np.unique(offsets.round(6), return_inverse=True)
    assert places.tolist() == [-10.5, -3.5, 3.5, 10.5]
    assert (8 * np.bincount(inverse, shares)).tolist() == [1, 3, 3, 1]


@pytest.mark.parametrize(
    ("text", "name", "proton", "carbon"),
    [
        # Fulmer et al., Organometallics 2010, 29, 2176, table 1.
        ("Chloroform-D1 (CDCl3)", "chloroform", 7.26, 77.16),
        ("Dimethylsulphoxide-D6 (DMSO-D6, C2D6SO)", "dmso", 2.50, 39.52),
        ("CD3OD", "methanol", 3.31, 49.00),
        ("Acetone-D6 ((CD3)2CO)", "acetone", 2.05, 29.84),
        ("C6D6", "benzene", 7.16, 128.06),
        ("CD3CN", "acetonitrile", 1.94, 1.32),
        ("CD2Cl2", "dichloromethane", 5.32, 53.84),
        ("D2O", "water", 4.79, None),
    ],
)
def test_solvents_are_known_by_their_usual_names(text, name, proton, carbon):
    solvent = solvent_named(text)
    assert solvent.name == name
    assert proton in solvent.proton
    assert carbon is None or carbon in [line[0] for line in solvent.carbon]


def test_an_unknown_solvent_is_none_and_every_solvent_knows_itself():
    assert solvent_named(None) is None
    assert solvent_named("Unreported") is None
    assert [solvent_named(solvent.name) for solvent in SOLVENTS] == list(SOLVENTS)


# --- infrared -----------------------------------------------------------------------------------


def kind_of(record, first, second):
    """The name of the correction that a stretch of one bond gets."""
    number = next(
        index for index, (_, a, b, _) in enumerate(record["stretch"]) if {a, b} == {first, second}
    )
    kind = vibrations_of(record).kinds[number]
    return STRETCHES[kind].name if kind >= 0 else None


@pytest.mark.parametrize(
    ("smiles", "bond", "name"),
    [
        ("CC#N", "C#N", "aliphatic nitrile"),
        ("N#Cc1ccccc1", "C#N", "nitrile"),
        ("[C-]#[N+]C", "C#N", "isocyanide and diazo"),
        ("CN=C=O", "C=O", "cumulated carbon"),
        ("CC#C", "C#C", "alkyne"),
        ("C#C", "C-H", "alkynyl C-H"),
        ("CC(=O)O", "O-H", "acid O-H"),
        ("CC(=O)O", "C=O", "acid C=O"),
        ("Oc1ccccc1", "O-H", "phenol O-H"),
        ("CO", "O-H", "O-H"),
        ("CO", "C-H", "sp3 C-H"),
        ("CO", "C-O", None),
        ("CC(N)=O", "N-H", "amide N-H"),
        ("CC(N)=O", "C=O", "amide C=O"),
        ("CN", "N-H", "alkylamine N-H"),
        ("Nc1ccccc1", "N-H", "arylamine N-H"),
        ("c1cc[nH]c1", "n-H", "pyrrole N-H"),
        ("CS", "S-H", "S-H"),
        ("O=Cc1ccccc1", "C=O", "aryl aldehyde"),
        ("CCC=O", "C=O", "aldehyde C=O"),
        ("CC(=O)C=C", "C=O", "enone"),
        ("CC(=O)Cl", "C=O", "acyl halide"),
        ("O=C1CCCC1", "C=O", "cyclopentanone"),
        ("O=CC=O", "C-H", "aldehyde C-H"),
        ("c1ccccc1", "C-H", "aryl C-H"),
        ("C=C", "C-H", "sp2 C-H"),
        ("COC(=O)C", "C=O", "ester C=O"),
        ("COC(=O)c1ccccc1", "C=O", "aryl ester C=O"),
        ("O=COC", "C=O", "formate C=O"),
        ("CC(=O)Oc1ccccc1", "C=O", "ester C=O"),
        ("COC(=O)OC", "C=O", "carbonate"),
        ("COC(N)=O", "C=O", "urethane"),
        ("O=C1NCCC1", "C=O", "lactam"),
        ("CC(C)=O", "C=O", "C=O"),
        ("c1cc(ccc1)[N+](=O)[O-]", "N=O", "nitro"),
        ("c1cc(ccc1)[N+](=O)[O-]", "N-O", "nitro"),
        ("CF", "C-F", "C-F"),
        ("CCl", "C-Cl", "C-Cl"),
        ("CBr", "C-Br", "C-Br and C-I"),
        ("CS(C)=O", "S=O", "sulfoxide"),
        ("CS(C)(=O)=O", "S=O", "sulfone"),
    ],
)
def test_each_stretch_gets_the_correction_of_its_bond(smiles, bond, name, computed_infrared):
    from rdkit import Chem

    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    query = Chem.MolFromSmarts(bond.replace("H", "[#1]").replace("C", "[#6]"))
    if bond == "C-Cl":
        query = Chem.MolFromSmarts("[#6]-Cl")
    first, second = molecule.GetSubstructMatch(query)
    assert kind_of(computed_infrared(smiles), first, second) == name


@pytest.mark.parametrize(
    ("name", "computed", "measured"),
    [
        # GFN2-xTB (single molecules, or medians) and the vapour: acetone, methyl acetate, acetic
        # acid, acetaldehyde, acetonitrile, propyne, methanol, phenol, methanethiol, nitromethane,
        # dimethyl sulfoxide and sulfone, fluorobenzene, dimethylacetamide, pyrrole.
        ("C=O", 1784, 1738), ("ester C=O", 1785, 1771), ("acid C=O", 1803, 1788),
        ("aldehyde C=O", 1790, 1743), ("aliphatic nitrile", 2422, 2267),
        ("alkynyl C-H", 3397, 3334), ("O-H", 3560, 3681), ("phenol O-H", 3520, 3656),
        ("acid O-H", 3457, 3583), ("S-H", 2438, 2597), ("nitro", 1712, 1583),
        ("sulfoxide", 1144, 1102), ("sulfone", 1267, 1330), ("aryl C-F", 1225, 1238),
        ("amide C=O", 1722, 1693), ("pyrrole N-H", 3460, 3531), ("ester C-O", 1204, 1244),
        ("aldehyde C-H", 2768, 2720), ("sp3 C-H", 2994, 2930),
    ],
)  # fmt: skip
def test_corrections_bring_stretches_to_where_the_vapour_shows_them(name, computed, measured):
    factor = next(c.factor for c in STRETCHES if c.name == name)
    assert computed * factor == pytest.approx(measured, abs=15)


def test_shares_of_several_bonds_of_one_kind_add_up(computed_infrared):
    record = computed_infrared("CC(C)=O")
    record["stretch"] = [[0, 0, 4, 0.5], [0, 0, 5, 0.3], [1, 1, 3, 0.6], [1, 0, 1, 0.35]]
    vibrations = vibrations_of(record)
    assert STRETCHES[vibrations.kinds[0]].name == "sp3 C-H"
    assert vibrations.shares[0] == pytest.approx(0.8)
    assert STRETCHES[vibrations.kinds[1]].name == "C=O"
    assert vibrations.shares[1] == pytest.approx(0.6)
    assert (vibrations.kinds[2:] == -1).all()


def test_the_rotational_constant_of_methane(computed_infrared):
    record = computed_infrared("C")
    # Tetrahedron with r(CH) = 1.087 Å; B0 = 5.241 1/cm (Herzberg).
    corner = 1.087 / np.sqrt(3) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    record["xyz"] = [[0, 0, 0], *corner.tolist()]
    assert vibrations_of(record).rotation == pytest.approx(5.241, rel=0.02)


@pytest.mark.parametrize("phase", PHASES)
def test_acetone_shows_its_carbonyl_band(phase, computed_infrared):
    record = computed_infrared("CC(C)=O")
    strong = next(i for i, f in enumerate(record["freq"]) if f == 1780)
    record["ir"][strong] = 300.0
    vibrations, grid = vibrations_of(record), channel("IR")
    places = []
    for seed in range(15):
        spectrum = render_infrared(vibrations, grid.edges, np.random.default_rng(seed), phase=phase)
        assert np.isfinite(spectrum).all()
        assert 0.15 < spectrum.max() < 2.5
        window = (grid.centres > 1550) & (grid.centres < 1900)
        places.append(grid.centres[window][spectrum[window].argmax()])
    # NIST: 1731 gas, 1715 liquid.
    assert np.median(places) == pytest.approx(1735 if phase == "gas" else 1715, abs=15)


def test_the_bands_of_benzene_have_the_strengths_that_were_measured():
    """What GFN2-xTB computes for it, against measured integrated intensities in km/mol."""
    aryl = next(i for i, c in enumerate(STRETCHES) if c.name == "aryl C-H")
    computed = {692.6: 32.6, 1038.0: 0.0, 1484.0: 0.0, 3084.2: 119.3, 3084.3: 119.0}
    at, areas = np.array(list(computed)), np.array(list(computed.values()))
    stretching = at > 3000
    benzene = Vibrations(
        at, areas, np.where(stretching, aryl, -1), np.where(stretching, 0.95, 0.0), 0.14,
        np.full(5, -1), aromatic=True,
    )  # fmt: skip
    drawn = [_placed(benzene, np.random.default_rng(seed), True, 1.0)[1] for seed in range(400)]
    bending, in_plane, ring, *stretches = np.median(drawn, axis=0)
    assert bending == pytest.approx(80, rel=0.3)
    assert sum(stretches) == pytest.approx(80, rel=0.3)
    assert 3 < ring < 15
    assert 1 < in_plane < 10


def test_saturated_stretches_lend_their_strength_to_overtones_below(still):
    sp3 = next(i for i, c in enumerate(STRETCHES) if c.name == "sp3 C-H")
    edges = np.linspace(2400, 3400, 1001)
    one = Vibrations(
        np.array([3020.0]), np.array([30.0]), np.array([sp3]), np.array([1.0]), 0.1, np.array([-1])
    )
    lent = []
    for seed in range(40):
        spectrum = render_infrared(one, edges, np.random.default_rng(seed), phase="solution")
        spectrum = np.clip(spectrum - np.median(spectrum), 0, None)
        middles = (edges[1:] + edges[:-1]) / 2
        lent.append(spectrum[middles < 2925].sum() / spectrum.sum())
    assert 0.1 < np.mean(lent) < 0.5


def test_the_hydroxyl_of_a_liquid_is_broad_and_lower_than_that_of_a_gas(still, computed_infrared):
    record = computed_infrared("CO")
    vibrations, grid = vibrations_of(record), channel("IR")
    centre, width = {}, {}
    for phase in ("gas", "liquid"):
        moments = []
        for seed in range(20):
            spectrum = render_infrared(
                vibrations, grid.edges, np.random.default_rng(seed), phase=phase
            )
            window = grid.centres > 3100
            share = spectrum[window] / spectrum[window].sum()
            mean = (share * grid.centres[window]).sum()
            moments.append((mean, np.sqrt((share * (grid.centres[window] - mean) ** 2).sum())))
        centre[phase], width[phase] = np.mean(moments, axis=0)
    # Methanol: 3681 in the gas, a band about 3340 wide of some 200 in the liquid.
    assert centre["gas"] > 3550
    assert 3250 < centre["liquid"] < 3480
    assert width["liquid"] > 1.3 * width["gas"]


def test_without_corrections_there_is_one_global_factor(still, computed_infrared):
    vibrations, grid = vibrations_of(computed_infrared("CC#N")), channel("IR")
    spectrum = render_infrared(
        vibrations, grid.edges, np.random.default_rng(0), phase="gas", correct=False
    )
    window = (grid.centres > 2100) & (grid.centres < 2500)
    band = (spectrum[window] * grid.centres[window]).sum() / spectrum[window].sum()
    assert band == pytest.approx(0.975 * 2390, abs=20)


def test_a_molecule_without_intensities_is_no_error(computed_infrared):
    record = computed_infrared("CC")
    record["ir"] = [0.0] * len(record["freq"])
    spectrum = render_infrared(vibrations_of(record), channel("IR").edges, np.random.default_rng(0))
    assert np.isfinite(spectrum).all()


def test_real_computed_records_can_be_rendered(tables):
    from itertools import islice

    from engine.training.group_tables import table_rows

    grid, rng = channel("IR").edges, np.random.default_rng(0)
    for row in islice(table_rows(tables, "ir_xtb", "valid"), 20):
        vibrations = vibrations_of(row)
        assert (vibrations.kinds >= 0).any()
        assert 0.0005 < vibrations.rotation < 20
        assert np.isfinite(render_infrared(vibrations, grid, rng)).all()
