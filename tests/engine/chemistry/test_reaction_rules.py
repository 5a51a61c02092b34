"""Reaction rules against reactions that textbooks print, and the products enumerated with them."""

import json
from collections import Counter

import pytest
from rdkit import Chem

from engine.chemistry.product_enumeration import HEAVY_ATOMS, enumerate_products
from engine.chemistry.reaction_rules import reaction_rules, read_reaction_rules
from engine.chemistry.structure import molecule_key

RULES = reaction_rules()


def product_of(rule: str, *reactants: str) -> str | None:
    """What the rule makes of the reactants, or None where it refuses them."""
    molecules = [Chem.MolFromSmiles(smiles) for smiles in reactants]
    for number, molecule in enumerate(molecules):
        if not RULES[rule].takes(number, molecule):
            return None
    product = RULES[rule].product(molecules)
    return None if product is None else Chem.MolToSmiles(product)


def test_there_are_many_rules_and_each_makes_its_own_example():
    assert len(RULES) >= 30
    for name, rule in RULES.items():
        reactants, product = rule.example
        assert product_of(name, *reactants) == Chem.CanonSmiles(product), name


@pytest.mark.parametrize(
    ("rule", "reactants", "product"),
    [
        # isoamyl acetate, oil of bananas
        ("Fischer esterification", ("CC(=O)O", "OCCC(C)C"), "CC(=O)OCCC(C)C"),
        ("Fischer esterification", ("OC(=O)c1ccccc1O", "CO"), "COC(=O)c1ccccc1O"),
        ("amide coupling", ("CC(=O)O", "Nc1ccccc1"), "CC(=O)Nc1ccccc1"),
        # lidocaine's last step
        ("N-alkylation of a secondary amine",
         ("CCNCC", "ClCC(=O)Nc1c(C)cccc1C"), "CCN(CC)CC(=O)Nc1c(C)cccc1C"),
        # propranolol from 1-naphthyl glycidyl ether
        ("epoxide opening by an amine",
         ("C1OC1COc1cccc2ccccc12", "CC(C)N"), "CC(C)NCC(O)COc1cccc2ccccc12"),
        ("reductive amination of a ketone", ("CC(=O)Cc1ccccc1", "CN"), "CNC(C)Cc1ccccc1"),
        ("Suzuki coupling", ("Brc1ccncc1", "COc1ccc(B(O)O)cc1"), "COc1ccc(-c2ccncc2)cc1"),
        ("Suzuki coupling",
         ("Cc1ccc(I)cc1", "CC1(C)OB(c2ccccc2)OC1(C)C"), "Cc1ccc(-c2ccccc2)cc1"),
        ("Sonogashira coupling", ("COc1ccc(I)cc1", "C#CCO"), "COc1ccc(C#CCO)cc1"),
        # octinoxate's acid part: an (E)-cinnamate by Heck
        ("Heck reaction", ("COc1ccc(Br)cc1", "C=CC(=O)OCC"), "CCOC(=O)/C=C/c1ccc(OC)cc1"),
        ("Grignard addition to an aldehyde", ("CC=O", "Brc1ccccc1"), "CC(O)c1ccccc1"),
        ("Grignard addition to a ketone",
         ("O=C(c1ccccc1)c1ccccc1", "Brc1ccccc1"), "OC(c1ccccc1)(c1ccccc1)c1ccccc1"),
        ("Claisen-Schmidt condensation",
         ("COc1ccc(C=O)cc1", "CC(=O)c1ccccc1"), "COc1ccc(/C=C/C(=O)c2ccccc2)cc1"),
        ("Claisen condensation", ("COC(=O)c1ccccc1", "COC(C)=O"), "COC(=O)CC(=O)c1ccccc1"),
        ("Wittig methylenation", ("O=C(c1ccccc1)c1ccccc1",), "C=C(c1ccccc1)c1ccccc1"),
        ("phenol alkylation", ("COc1ccccc1O", "CCBr"), "CCOc1ccccc1OC"),
        ("nucleophilic aromatic substitution by an amine",
         ("O=[N+]([O-])c1ccc(F)c([N+](=O)[O-])c1", "NCC(=O)OCC"),
         "CCOC(=O)CNc1ccc([N+](=O)[O-])cc1[N+](=O)[O-]"),
        ("para nitration", ("CC(=O)Nc1ccccc1",), "CC(=O)Nc1ccc([N+](=O)[O-])cc1"),
        ("meta nitration", ("CC(=O)c1ccccc1",), "CC(=O)c1cccc([N+](=O)[O-])c1"),
        ("para bromination", ("CC(=O)Nc1ccccc1",), "CC(=O)Nc1ccc(Br)cc1"),
        ("alcohol oxidation to a ketone", ("CC(C)C1CCC(C)CC1O",), "CC(C)C1CCC(C)CC1=O"),
        ("carbonyl reduction", ("CC(=O)CCC=C(C)C",), "CC(O)CCC=C(C)C"),
        ("dioxolane formation", ("CCOC(=O)CC(C)=O",), "CCOC(=O)CC1(C)OCCO1"),
        ("imine formation", ("O=Cc1ccccc1O", "Nc1ccccc1"), "Oc1ccccc1C=Nc1ccccc1"),
        ("oxime formation", ("CC(C)=O",), "CC(C)=NO"),
        ("hydrazone formation", ("O=C1CCCCC1", "NNC(N)=O"), "NC(=O)NN=C1CCCCC1"),
        ("sulfonamide formation", ("CS(=O)(=O)Cl", "Nc1ccccc1"), "CS(=O)(=O)Nc1ccccc1"),
        # fenuron-like urea and carbaryl's skeleton
        ("urea formation", ("O=C=Nc1ccccc1", "CNC"), "CN(C)C(=O)Nc1ccccc1"),
        ("carbamate from chloroformate", ("COC(=O)Cl", "NC1CCCCC1"), "COC(=O)NC1CCCCC1"),
        ("azide-alkyne cycloaddition",
         ("[N-]=[N+]=Nc1ccccc1", "C#Cc1ccccc1"), "c1ccc(-c2cn(-c3ccccc3)nn2)cc1"),
        ("Diels-Alder reaction", ("C1=CCC=C1", "O=C1C=CC(=O)O1"), "O=C1OC(=O)C2C3C=CC(C3)C12"),
        ("Diels-Alder reaction",
         ("C=CC=C", "COC(=O)/C=C/C(=O)OC"), "COC(=O)[C@H]1CC=CC[C@@H]1C(=O)OC"),
        ("Fischer indole synthesis",
         ("NNc1ccccc1", "CCC(=O)c1ccccc1"), "Cc1c(-c2ccccc2)[nH]c2ccccc12"),
        ("Hantzsch thiazole synthesis", ("CC(=O)CCl", "NC(C)=S"), "Cc1csc(C)n1"),
        # nifedipine's ethyl analogue
        ("Hantzsch dihydropyridine synthesis",
         ("O=Cc1ccccc1[N+](=O)[O-]",),
         "CCOC(=O)C1=C(C)NC(C)=C(C(=O)OCC)C1c1ccccc1[N+](=O)[O-]"),
        ("Paal-Knorr pyrrole synthesis", ("CC(=O)CCC(C)=O", "Nc1ccccc1"), "Cc1ccc(C)n1-c1ccccc1"),
        ("Paal-Knorr furan synthesis", ("CC(=O)CCC(C)=O",), "Cc1ccc(C)o1"),
        ("ester hydrolysis", ("COC(=O)c1ccc(OC)cc1",), "COc1ccc(C(=O)O)cc1"),
        ("alcohol dehydration", ("OC1CCCC1",), "C1=CCCC1"),
        ("epoxidation", ("C1=CCCCC1",), "C1CCC2OC2C1"),
        ("Friedel-Crafts acylation",
         ("COc1ccccc1", "O=C(Cl)c1ccccc1"), "COc1ccc(C(=O)c2ccccc2)cc1"),
        ("TBS protection", ("C#CCO",), "C#CCO[Si](C)(C)C(C)(C)C"),
        ("Boc protection", ("NCC(=O)O",), "CC(C)(C)OC(=O)NCC(=O)O"),
        ("Baeyer-Villiger oxidation", ("O=C1CCCC1",), "O=C1CCCCO1"),
        ("Gabriel alkylation", ("CCOC(=O)CBr",), "CCOC(=O)CN1C(=O)c2ccccc2C1=O"),
        ("Mannich reaction", ("CC(=O)c1ccccc1", "C1CCCN1"), "O=C(CCN1CCCC1)c1ccccc1"),
        ("Buchwald-Hartwig amination", ("COc1ccc(Br)cc1", "Nc1ccccc1"), "COc1ccc(Nc2ccccc2)cc1"),
        ("Biginelli reaction", ("O=Cc1ccccc1",), "CCOC(=O)C1=C(C)NC(=O)NC1c1ccccc1"),
    ],
)  # fmt: skip
def test_a_textbook_reaction_gives_its_product(rule, reactants, product):
    made = product_of(rule, *reactants)
    # Rules leave new stereocentres open; the constitution and double bonds' geometry are compared.
    assert made is not None
    assert molecule_key(made) == molecule_key(product)
    if "/" in product:
        assert made == Chem.CanonSmiles(product)


@pytest.mark.parametrize(
    ("rule", "reactants"),
    [
        # the chloride would acylate the free amine first, or itself
        ("alcohol acylation", ("CC(=O)Cl", "NCCO")),
        ("sulfonate ester formation", ("CS(=O)(=O)Cl", "OCCNC")),
        # a Grignard reagent dies on an acid, an alcohol or its own ketone
        ("Grignard addition to an aldehyde", ("O=Cc1ccc(O)cc1", "CCBr")),
        ("Grignard addition to a ketone", ("CC(C)=O", "CC(=O)c1ccc(Br)cc1")),
        # two different bromides: which one couples is not known
        ("Suzuki coupling", ("Brc1ccnc(Br)c1", "OB(O)c1ccccc1")),
        # an unsymmetric ketone gives two indoles
        ("Fischer indole synthesis", ("NNc1ccccc1", "CCC(=O)CCC")),
        # already an amide: no amine
        ("amide coupling", ("CC(=O)O", "NC(=O)c1ccccc1")),
        # deactivated ring
        ("Friedel-Crafts acylation", ("O=[N+]([O-])c1ccccc1", "CC(=O)Cl")),
        # the aldehyde is oxidised too
        ("alcohol oxidation to a ketone", ("CC(O)CCO",)),
        # Bredt's rule, and a ring too small for a meta bridge
        ("alcohol dehydration", ("OC1C2CC3CC(C2)CC1C3",)),
        ("Paal-Knorr pyrrole synthesis", ("O=C1CCC(=O)CC1", "NC")),
    ],
)
def test_what_would_not_work_gives_no_product(rule, reactants):
    assert product_of(rule, *reactants) is None


BLOCKS = (
    "CCO", "CC(C)CO", "OCc1ccccc1", "Oc1ccccc1", "CC(=O)O", "OC(=O)c1ccccc1", "NCc1ccccc1",
    "C1COCCN1", "CC(=O)Cl", "O=Cc1ccccc1", "CC(=O)c1ccccc1", "BrCc1ccccc1", "C#CCO",
    "Brc1ccc(C)cc1", "OB(O)c1ccccc1", "C=CC(=O)OC", "[N-]=[N+]=NCc1ccccc1",
)  # fmt: skip


def test_enumeration_is_the_same_each_time_and_a_shorter_one_is_its_beginning():
    some = list(enumerate_products(BLOCKS, RULES, 40, seed=3))
    assert some == list(enumerate_products(BLOCKS, RULES, 40, seed=3))
    assert some[:15] == list(enumerate_products(BLOCKS, RULES, 15, seed=3))
    assert some != list(enumerate_products(BLOCKS, RULES, 40, seed=4))


def test_enumerated_products_are_new_different_neutral_and_of_the_sizes_asked_for():
    products = list(enumerate_products(BLOCKS, RULES, 150, known={molecule_key("CCOC(C)=O")}))
    keys = [product.key for product in products]
    assert len(keys) == len(set(keys)) == 150
    assert not set(keys) & {molecule_key(smiles) for smiles in (*BLOCKS, "CCOC(C)=O")}
    for product in products:
        molecule = Chem.MolFromSmiles(product.smiles)
        assert HEAVY_ATOMS[0] <= molecule.GetNumHeavyAtoms() <= HEAVY_ATOMS[1]
        assert Chem.GetFormalCharge(molecule) == 0 and "." not in product.smiles
        assert product.key == molecule_key(product.smiles)
    steps = Counter(len(product.reactions) for product in products)
    assert steps[1] > 30 and steps[2] > 30
    # The rules take turns: none makes more than a twentieth while most still can.
    assert max(Counter(p.reactions[-1] for p in products[:100]).values()) <= 5


def test_a_rule_that_is_wrong_is_named(tmp_path):
    path = tmp_path / "rules.json"
    rule = {"name": "odd", "smarts": "[C:1]>>[C:1]O", "avoid": [["what"]], "example": ["C", "CO"]}
    table = {"atoms": {}, "groups": {}, "unstable": [], "rules": [rule]}
    path.write_text(json.dumps(table))
    with pytest.raises(ValueError, match=r"'odd'.*'what'"):
        read_reaction_rules(path)
    path.write_text(json.dumps({**table, "rules": [{**rule, "avoid": [[], []]}]}))
    with pytest.raises(ValueError, match="'odd' has 1 reactants"):
        read_reaction_rules(path)
    path.write_text(json.dumps({**table, "rules": [{**rule, "smarts": "[C:1>>", "avoid": [[]]}]}))
    with pytest.raises(ValueError, match="'odd' is no valid reaction"):
        read_reaction_rules(path)
