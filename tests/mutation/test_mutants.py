"""The list of small faults is up to date.

`run.py` plants them, each in a copy of the tree: by hand, since it takes half an hour.
"""

from mutation.run import ROOT, mutants

MUTANTS = mutants()


def test_every_mutant_can_be_planted():
    for mutant in MUTANTS:
        source = (ROOT / mutant.file).read_text(encoding="utf-8")
        assert mutant.planted(source) != source, mutant.name


def test_every_mutant_has_a_name_of_its_own_and_tests_that_are_there():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 60
    named = {test.partition("::")[0] for mutant in MUTANTS for test in mutant.tests}
    assert [test for test in sorted(named) if not (ROOT / test).exists()] == []
