"""Groups of models that cannot be told apart, and the sentences and the printed table about them."""

import itertools

import numpy as np
import pytest
from made_report import made_comparison, made_dataset

from hybrid.cli.compare import show_comparison
from hybrid.comparison import PairSettings
from hybrid.comparison.alike import alike_groups, group_letters
from hybrid.comparison.significance import significance
from hybrid.evaluation import PairedTest
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.workspace import Workspace


def paired(first, second, p, difference=0.1):
    return PairedTest(first, second, "f1", difference, None, None, p, p, "paired bootstrap", 99, corrected_for=2)


@pytest.mark.parametrize("seed", range(10))
def test_the_groups_are_all_largest_sets_of_models_without_a_difference(seed):
    names, rng = list("abcdefg"), np.random.default_rng(seed)
    pairs = {pair: rng.random() < 0.5 for pair in itertools.combinations(names, 2)}
    groups = alike_groups(names, [paired(*pair, 0.001 if differ else 0.5) for pair, differ in pairs.items()])
    alike = [
        set(some)
        for n in range(1, len(names) + 1)
        for some in itertools.combinations(names, n)
        if not any(pairs[pair] for pair in itertools.combinations(some, 2))
    ]
    largest = [some for some in alike if not any(some < other for other in alike)]
    assert sorted(map(sorted, groups)) == sorted(map(sorted, largest))
    letters = group_letters(names, groups)
    for (one, other), differ in pairs.items():
        assert bool(set(letters[one].split()) & set(letters[other].split())) is not differ


def test_of_many_models_a_sentence_names_only_the_first():
    names = [f"m{number}" for number in range(12)]
    tests = [paired(name, "m0", 0.001 if number > 4 else 0.5, -0.1) for number, name in enumerate(names) if number]
    (said,) = significance(tests, names, "f1", reference="m0")
    assert said.startswith("m0 is better than m5, m6, m7 and 4 more, and cannot be told apart from the other 4 models")
    worse = [paired(name, "m0", 0.001, 0.1) for name in names[1:]]
    assert significance(worse, names, "f1", reference="m0")[0].startswith("m0 is worse than m1, m2, m3 and 8 more by")


SKILLS = {"svm-made": 2.2, "forest-made": 2.0, "knn-made": 1.0, "guess-made": 0.0}


@pytest.fixture(scope="module")
def spread_models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    made_comparison(folder, made_dataset(320, ["cat", "dog"]), SKILLS, n_boot=0)
    return load_records(Workspace(folder))


def test_all_pairs_are_printed_as_letters(spread_models, capsys, tmp_path):
    comparison = compare_results(spread_models, tested=PairSettings.of(pairs="all"))
    show_comparison(comparison, [tmp_path] * 4)
    printed = capsys.readouterr().out
    assert "models with a letter in common cannot be told apart by roc_auc on test" in printed
    lines = printed[printed.index("models with a letter") : printed.index("costs: ")].splitlines()
    rows = [line.split() for line in lines if f"{line.split()[0] if line.split() else ''}-made" in SKILLS]
    letters = {name: middle for name, *middle, _ in rows}
    tests = [test for test in comparison.leaderboards[0].pairs if test.metric == "roc_auc"]
    assert any(test.distinguishable for test in tests)
    for test in tests:
        one, other = (letters[name.removesuffix("-made")] for name in (test.first, test.second))
        assert bool(set(one) & set(other)) is not test.distinguishable


def test_the_printed_differences_name_only_results_that_are_significant(spread_models, capsys, tmp_path):
    show_comparison(compare_results(spread_models), [tmp_path] * 4)
    printed = capsys.readouterr().out
    table = printed[printed.index("each model minus") :].partition("  · ")[0]
    assert "told apart" not in table
    assert "significantly" in printed
    assert "worse" in printed
