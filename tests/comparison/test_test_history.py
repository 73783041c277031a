"""The history of looks at test: what comparisons add to it, and what they say because of it."""

import json

import pytest
from made_report import made_dataset, save_made_model, save_made_set

from hybrid.errors import InputError
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.history import FITTED, LOCKED, PLANNED, SHOWN, Event, History, Plan, image_digests
from hybrid.workspace.workspace import Workspace


@pytest.fixture
def runs(tmp_path):
    return Workspace(tmp_path / "runs")


@pytest.fixture
def fit(runs):
    """Return a function that saves models as `fit` does: in the folder and in the history."""
    dataset = made_dataset(240, ["ill", "well"])

    def save(**skills):
        for number, (name, skill) in enumerate(skills.items()):
            record = save_made_model(runs.folder, name, dataset, skill, seed=number)
            look = {"dataset": record.dataset, "dataset_fingerprint": record.dataset_fingerprint}
            History(runs).add(Event(FITTED, models={name: record.predictions_sha256}, **look))

    return save


def compared(runs, *names, **options):
    """Return the only leaderboard of a comparison on test."""
    (leaderboard,) = compare_results(load_records(runs, names or None), **options).leaderboards
    return leaderboard


def test_a_first_look_is_said_to_be_the_first(runs, fit):
    fit(a=2, b=1)
    history = compared(runs).history
    assert (history.models, history.gone, history.looks, history.fitted_after) == (2, 0, 0, ())
    assert history.sentences() == (
        "2 models were fitted on this dataset in this workspace; test had not been shown before.",
    )


def test_models_that_were_removed_or_fitted_again_stay_in_the_count(runs, fit):
    fit(a=2, b=1)
    compared(runs)
    fit(b=1.5)  # fitted again, after test was shown
    fit(c=0.5)
    for path in (runs.models / "c").iterdir():
        path.unlink()
    leaderboard = compared(runs, "a", "b")
    history = leaderboard.history
    assert (history.models, history.gone, history.looks, history.fitted_after) == (4, 2, 1, ("b",))
    first, second = history.sentences()
    assert "4 models were fitted" in first
    assert "(2 of them were removed or fitted again since)" in first
    assert "test had been shown once before, first on 20" in first
    assert second.startswith("1 of the compared models was fitted after test was first shown (b).")
    assert set(history.sentences()) <= set(leaderboard.notes)


def test_a_model_named_after_looks_at_test_is_not_said_to_be_fixed_in_advance(runs, fit):
    fit(a=2, b=1)
    for _ in range(5):
        compared(runs)
    choice = compared(runs, choose="a", fixed_by="--choose").choice
    assert choice.reason.startswith("a is named by --choose, after test had been shown 5 times;")
    assert "too optimistic" in choice.reason
    assert "in advance" not in choice.reason


def test_a_model_named_before_any_look_is_fixed_in_advance(runs, fit):
    fit(a=2, b=1)
    choice = compared(runs, choose="a", fixed_by="--choose").choice
    assert choice.reason.startswith("a is fixed in advance by --choose")
    assert choice.reason.endswith("No test score had been shown in this workspace then.")


@pytest.mark.parametrize("changed", [False, True])
def test_a_plan_fixes_the_model_unless_it_is_changed_after_a_look(runs, fit, changed):
    fit(a=2, b=1)
    History(runs).add(Event(PLANNED, plan=Plan(choose="b" if changed else "a")))
    compared(runs)
    if changed:
        History(runs).add(Event(PLANNED, plan=Plan(choose="a")))
    leaderboard = compared(runs)
    assert leaderboard.chosen == "a"
    assert (leaderboard.history.looks, leaderboard.history.looks_before_choice) == (1, int(changed))
    how = "is named by the plan (planned on 20" if changed else "is fixed in advance by the plan (planned on 20"
    assert how in leaderboard.choice.reason
    when = "was made after test had been shown once." if changed else "was made before test was shown."
    assert leaderboard.history.sentences()[-1].endswith(when)


def test_a_comparison_that_differs_from_the_plan_says_so(runs, fit):
    fit(a=2, b=1)
    History(runs).add(Event(PLANNED, plan=Plan(metric="f1", choose="best")))
    assert compared(runs).metric == "f1"
    notes = compared(runs, metric="accuracy", choose="simplest").notes
    assert "The plan names f1 as the primary metric; these models are compared by accuracy." in notes
    assert "The plan chooses the model by 'best'; here it is chosen differently." in notes


def test_looks_at_another_dataset_or_at_validation_do_not_count(runs, fit):
    fit(a=2, b=1)
    compared(runs, split="val")
    History(runs).add(Event(SHOWN, dataset_fingerprint="another", models={"x": "1"}))
    history = compared(runs).history
    assert (history.models, history.looks) == (2, 0)


def images(*numbers):
    return tuple(f"{number:016x}" for number in numbers)


def fit_on(runs, name, state, test_images):
    """Save a model of another state of the dataset, with the digests of its test images in the history."""
    about = {"dataset_fingerprint": state * 64}
    record = save_made_model(runs.folder, name, made_dataset(240, ["ill", "well"]), 1, seed=ord(state), **about)
    History(runs).add(Event(FITTED, models={name: record.predictions_sha256}, test_images=test_images, **about))


@pytest.mark.parametrize(
    ("test_images", "said"),
    [
        (range(60), "test had been shown twice before"),  # only other splits have grown
        (range(50, 120), "of the 70 test images, 10 were among those that had been shown twice before"),
        (range(59, 62), "of the 3 test images, 1 was among those that had been shown twice before"),
        (range(60, 90), None),
    ],
)
def test_looks_count_where_a_dataset_that_has_grown_shares_test_images(runs, test_images, said):
    fit_on(runs, "old", "a", images(*range(60)))
    compared(runs)
    compared(runs)
    History(runs).add(Event(PLANNED, plan=Plan(metric="f1")))
    fit_on(runs, "new", "b", images(*test_images))
    history = compared(runs, "new").history
    first = history.sentences()[0]
    if said is None:
        assert (history.looks, history.models, history.plan_looks, history.fitted_after) == (0, 1, 0, ())
        assert first == "1 model was fitted on this dataset in this workspace; test had not been shown before."
        assert history.sentences()[-1].endswith("was made before test was shown.")
        return
    assert (history.looks, history.models, history.plan_looks, history.fitted_after) == (2, 2, 2, ("new",))
    assert first.startswith("2 models were fitted on this dataset or on other data with some of its test images in")
    assert f"; {said}, first on 20" in first
    assert history.sentences()[-1].endswith("was made after test had been shown twice.")
    assert History(runs).is_intact


def test_the_digests_of_test_images_are_written_once_for_each_dataset(runs):
    for name in ("one", "two"):
        fit_on(runs, name, "a", images(1, 2))
    fit_on(runs, "three", "b", images(1, 3))
    compared(runs, "one", "two")
    recorded = [event.test_images for event in History(runs).events()]
    assert recorded == [images(1, 2), (), images(1, 3), ()]


def test_a_history_without_digests_counts_looks_at_the_same_dataset(runs, fit):
    fit(old=1)  # as earlier versions recorded it
    compared(runs)
    fit_on(runs, "new", "b", images(1, 2))
    assert compared(runs, "old").history.looks == 1
    assert compared(runs, "new").history.looks == 0


def test_the_images_of_an_earlier_version_are_found_while_their_embeddings_exist(runs):
    dataset = made_dataset(240, ["ill", "well"])
    made_set = save_made_set(runs.folder, dataset)
    save_made_model(runs.folder, "old", dataset, 1, seed=0)
    compared(runs)
    (look,) = History(runs).events()
    assert look.test_images == image_digests(made_set.keys[dataset.split == "test"])
    assert len(look.test_images) == (dataset.split == "test").sum() == 60
    fit_on(runs, "new", "b", look.test_images[:7])
    assert compared(runs, "new").history.looks == 1


def test_models_that_were_fitted_after_a_look_are_named(runs, fit):
    fit(a=2, b=1)
    compared(runs)
    fit(**{f"m{number}": 1 for number in range(6)})
    text = compared(runs).history.sentences()[1]
    assert text.startswith("6 of the compared models were fitted after test was first shown (m")
    assert text.partition("(")[2].partition(")")[0].endswith(" and 3 more")


def test_locked_scores_are_refused_and_neither_computed_nor_recorded(runs, fit):
    fit(a=2, b=1)
    History(runs).add(Event(LOCKED))
    before = History(runs).events()
    with pytest.raises(InputError, match="hybrid plan --unlock-test"):
        compared(runs)
    assert History(runs).events() == before
    assert compared(runs, split="val").split == "val"


def test_an_older_model_is_said_to_have_an_unknown_past(runs):
    dataset = made_dataset(240, ["ill", "well"])
    save_made_model(runs.folder, "old", dataset, 2, seed=0)
    history = compared(runs).history
    assert history.unrecorded == ("old",)
    assert "so earlier looks at test are not known" in history.sentences()[1]


@pytest.mark.parametrize("change", ["remove", "edit"])
def test_a_history_that_was_changed_is_noticed(runs, fit, change):
    fit(a=2, b=1)
    compared(runs)
    compared(runs)
    path = History(runs).path
    lines = path.read_text().splitlines()
    shown = next(index for index, line in enumerate(lines) if json.loads(line)["what"] == SHOWN)
    assert History(runs).is_intact
    if change == "remove":
        del lines[shown]
    else:
        lines[shown] = lines[shown].replace('"by": "compare_results"', '"by": ""')
    path.write_text("\n".join(lines) + "\n")
    assert not History(runs).is_intact
    assert any("was changed after it was written" in text for text in compared(runs).notes if text)


def test_a_line_that_was_cut_off_does_not_stop_the_next_look(runs, fit):
    fit(a=2, b=1)
    path = History(runs).path
    path.write_bytes(path.read_bytes()[:-20])
    compared(runs)
    assert [event.what for event in History(runs).events()] == [FITTED, SHOWN]


def test_a_history_that_cannot_be_written_is_said(runs, fit):
    fit(a=2)
    path = History(runs).path
    text = path.read_text()
    path.unlink()
    path.symlink_to(path.with_name("elsewhere"))  # a planted link is not followed
    path.with_name("elsewhere").write_text(text)
    comparison = compare_results(load_records(runs))
    assert any("could not be added to the history" in note for note in comparison.notes)
    assert path.with_name("elsewhere").read_text() == text


def test_ordering_by_test_states_how_much_luck_is_in_the_first_score(runs, fit):
    fit(**{f"m{number:02}": 0.0 for number in range(10)})  # ten equally useless models
    leaderboard = compared(runs, order_by="test")
    first = leaderboard.evaluations[0].metrics["roc_auc"].value
    assert first == max(result.metrics["roc_auc"].value for result in leaderboard.evaluations)
    assert 0.4 * (first - 0.5) < leaderboard.optimism < 2 * (first - 0.5)
    assert any("is partly the luckiest: it is too good by about" in note for note in leaderboard.notes)
    assert compared(runs).optimism is None


def test_models_can_be_ordered_only_by_validation_or_the_compared_split(runs, fit):
    fit(a=2)
    with pytest.raises(InputError, match="order by"):
        compared(runs, order_by="train")
