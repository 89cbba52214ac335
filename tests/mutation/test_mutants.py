"""The list of small faults is up to date, and nearly all of them were found when it last ran.

`run.py` plants them, each in a copy of the tree: by hand, since it takes half an hour.
"""

from mutation.run import FOUND, ROOT, mutants, read_results

MUTANTS = mutants()


def test_every_mutant_can_be_planted():
    for mutant in MUTANTS:
        source = (ROOT / mutant.file).read_text(encoding="utf-8")
        assert mutant.planted(source) != source, mutant.name


def test_every_mutant_has_a_name_of_its_own_and_tests_that_are_there():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 60
    named = {test.partition("::")[0] for mutant in MUTANTS for test in mutant.tests}
    assert [test for test in sorted(named) if not (ROOT / test).exists()] == []


def test_all_mutants_were_run_and_nearly_all_of_them_found():
    results = read_results()
    assert sorted(results) == sorted(mutant.name for mutant in MUTANTS)
    left = [name for name, result in results.items() if result.outcome != FOUND]
    assert len(left) <= 0.03 * len(MUTANTS), left
