"""Right structures and decoys for the verification: isomers and near neighbours of molecules whose
spectra are in the tables, each with the features that the tests judge."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.chemistry.functional_groups import GROUP_NAMES, groups_of
from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.predicted_shifts import ShiftPredictor
from engine.evaluation.isomers import CachedPredictor
from engine.tasks.verification import group_features, structure_fits
from engine.training.assigned_peaks import without_multiplicities
from engine.training.isomer_groups import MeasuredMolecule, measured_molecules

RIGHT, ISOMER, NEIGHBOUR = "right", "isomer", "near neighbour"
_LIBRARY_LINES = 50_000
_OF_EACH_KIND = 2
_PROTON = "1H NMR"
_RENDERING_SEED = 20
# Which part of all spectra lacks a peak, tells no multiplicities, and has foreign peaks, how many
# at most, and where, ppm.
_LACKING, _WITHOUT_MULTIPLICITIES = 0.1, 0.5
# Water, residual solvents and by-products stand in many 1H spectra.
_FOREIGN, _MOST_FOREIGN = {"13C NMR": 0.15, "1H NMR": 0.5}, {"13C NMR": 1, "1H NMR": 3}
_WINDOWS = {"13C NMR": (10.0, 180.0), "1H NMR": (0.8, 8.0)}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A structure asked about: its ``kind`` and the features of each test, by the test's name."""

    kind: str
    key: str
    smiles: str
    features: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Query:
    """A measured molecule with the candidates of its spectra, the right one first."""

    key: str
    candidates: tuple[Candidate, ...]


def verification_cases(
    data: Path,
    split: str,
    predictor: ShiftPredictor,
    count: int = 300,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
    flaws: bool = False,
) -> list[Query]:
    """Up to ``count`` molecules of a split, drawn with ``seed``, with 13C and where measured 1H.

    Isomers are those of the split's own table and, where there are too few, of the train split;
    near neighbours have the largest Tanimoto similarity (Morgan, radius 2) in the library's first
    50,000 molecules. Groups are predicted from rendered NMR and computed IR, as in the benchmark of
    groups. With ``flaws`` some spectra have a foreign peak or lack one: the tables hold what people
    picked and assigned, and spectra hold more. Raises :class:`MissingTableError`.
    """
    measured = measured_molecules(data, split)
    order = np.random.default_rng(seed).permutation(len(measured)).tolist()
    # Half of them have a 1H spectrum too, where there are enough, so that it is judged as well.
    both = [i for i in order if _PROTON in measured[i].peaks][: count // 2]
    chosen = [*both, *(i for i in order if i not in set(both))][:count]
    queries = [measured[i] for i in sorted(chosen)]
    others = measured if split == "train" else [*measured, *measured_molecules(data, "train")]
    by_formula: dict[str, dict[str, MeasuredMolecule]] = defaultdict(dict)
    for molecule in others:
        by_formula[molecule.formula].setdefault(molecule.key, molecule)
    report(f"near neighbours of {len(queries)} molecules")
    near = _near_neighbours(queries, Path(data) / "library_smiles.txt.gz")
    report("functional groups of their spectra")
    groups = _group_probabilities(data, split, queries)
    report("predicted spectra of the candidates")
    if flaws:
        rng = np.random.default_rng(seed + 1)
        queries = [replace(query, peaks=_flawed(query.peaks, rng)) for query in queries]
    found = []
    for query, neighbours in zip(queries, near, strict=True):
        isomers = [m for key, m in by_formula[query.formula].items() if key != query.key]
        entries = [(RIGHT, query.key, query.smiles, query.molecule)]
        entries += [(ISOMER, m.key, m.smiles, m.molecule) for m in isomers[:_OF_EACH_KIND]]
        entries += [(NEIGHBOUR, *entry) for entry in neighbours]
        cached = CachedPredictor(predictor, [entry[3] for entry in entries])
        found.append(
            Query(
                query.key,
                tuple(
                    Candidate(
                        kind,
                        key,
                        smiles,
                        case_features(query, molecule, cached, groups.get(query.key, {})),
                    )
                    for kind, key, smiles, molecule in entries
                ),
            )
        )
    return found


def _flawed(
    peaks: Mapping[str, tuple[ObservedPeak, ...]], rng: np.random.Generator
) -> dict[str, tuple[ObservedPeak, ...]]:
    """Peaks of which, in a part of all spectra, one is missing, some are foreign, or no
    multiplicity is known."""
    found = {}
    for technique, own in peaks.items():
        if rng.random() < _WITHOUT_MULTIPLICITIES:
            own = without_multiplicities(own)
        if len(own) > 3 and rng.random() < _LACKING:
            gone = int(rng.integers(len(own)))
            own = own[:gone] + own[gone + 1 :]
        if rng.random() < _FOREIGN[technique]:
            low, high = _WINDOWS[technique]
            foreign = rng.uniform(low, high, int(rng.integers(1, _MOST_FOREIGN[technique] + 1)))
            own = (*own, *(ObservedPeak(float(ppm)) for ppm in foreign))
        found[technique] = tuple(sorted(own, key=lambda peak: -peak.ppm))
    return found


def case_features(
    query: MeasuredMolecule,
    molecule,
    predictor: ShiftPredictor,
    groups: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """The features of each test of a structure against a molecule's spectra."""
    features = {}
    fits = structure_fits(query.peaks, molecule, query.solvents, predictor)
    for fit in fits.values():
        features.update(fit.features())
    present = frozenset(
        name for name, found in zip(GROUP_NAMES, groups_of(molecule), strict=True) if found
    )
    for name, probabilities in groups.items():
        by_name = dict(zip(GROUP_NAMES, probabilities, strict=True))
        features[name] = group_features(by_name, present)
    return features


def _near_neighbours(
    queries: Sequence[MeasuredMolecule], library: Path
) -> list[list[tuple[str, str, object]]]:
    """For each query the key, SMILES and molecule of the most similar molecules of the library."""
    from rdkit import Chem, DataStructs
    from rdkit.Chem import rdFingerprintGenerator

    from engine.chemistry.structure import molecule_key
    from engine.training.group_tables import MissingTableError

    if not library.exists():
        raise MissingTableError(f"no {library.name} in {library.parent}: give it with --data")
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    smiles, prints = [], []
    with gzip.open(library, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number >= _LIBRARY_LINES:
                break
            molecule = Chem.MolFromSmiles(line.split()[0])
            if molecule is not None:
                smiles.append(line.split()[0])
                prints.append(generator.GetFingerprint(molecule))
    found = []
    for query in queries:
        likeness = np.array(
            DataStructs.BulkTanimotoSimilarity(generator.GetFingerprint(query.molecule), prints)
        )
        near: list[tuple[str, str, object]] = []
        for number in np.argsort(-likeness)[:10]:
            try:
                key = molecule_key(smiles[number])
            except ValueError:
                continue
            if key != query.key and key not in [entry[0] for entry in near]:
                near.append((key, smiles[number], Chem.MolFromSmiles(smiles[number])))
            if len(near) == _OF_EACH_KIND:
                break
        found.append(near)
    return found


def _group_probabilities(
    data: Path, split: str, queries: Sequence[MeasuredMolecule]
) -> dict[str, dict[str, np.ndarray]]:
    """Calibrated probabilities ``(37,)`` from NMR (``groups``) and from IR (``IR``) by key."""
    from engine.library.group_model import default_group_model
    from engine.training.group_calibration import members_of
    from engine.training.group_tables import read_group_records
    from engine.training.group_tensors import EVALUATION_VARIANTS, prepare
    from engine.training.train_groups import predict_tensors

    wanted = {query.key for query in queries}
    records, seen = [], set()
    for record in read_group_records(data, split):
        if record.key in wanted and record.key not in seen:
            seen.add(record.key)
            records.append(record)
    tensors = prepare(records, EVALUATION_VARIANTS, _RENDERING_SEED)
    model = default_group_model()
    found: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for name, channels in (
        ("groups", ("13C NMR",)),
        ("groups", ("13C NMR", "1H NMR")),
        ("IR", ("IR",)),
    ):
        members, pattern = members_of(tensors, channels)
        if len(members) == 0:
            continue
        logits = predict_tensors(model.network, tensors, pattern, members)
        probabilities = model.calibration.for_channels(channels).probabilities(logits)
        for member, own in zip(members, probabilities, strict=True):
            found[records[member].key][name] = own
    return found
