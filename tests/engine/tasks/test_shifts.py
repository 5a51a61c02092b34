"""Shifts of a structure as a chemist gives it."""

from __future__ import annotations

import pytest
from rdkit import Chem

from engine.tasks.shifts import predict_shifts


def test_atoms_are_numbered_as_given_with_hydrogens_as_atoms():
    molecule = Chem.AddHs(Chem.MolFromSmiles("CO"))
    order = [2, 0, 3, 4, 1, 5]  # a hydrogen first
    given = Chem.RenumberAtoms(molecule, order)
    carbon = next(a.GetIdx() for a in given.GetAtoms() if a.GetSymbol() == "C")
    signals = predict_shifts(Chem.MolToMolBlock(given), ("13C NMR",))
    assert [s.atoms for s in signals] == [(carbon,)]
    assert signals[0].ppm == pytest.approx(50, abs=4)


def test_both_nuclei_by_default():
    techniques = [s.technique for s in predict_shifts("CCO")]
    assert techniques == ["13C NMR"] * 2 + ["1H NMR"] * 3


def test_what_is_no_structure_is_refused():
    with pytest.raises(ValueError, match="not a valid SMILES"):
        predict_shifts("C1CC")
