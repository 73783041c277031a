"""The parts of the report, one by one: sentences, thresholds, cases, curves, figures inside the page."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_report import HOSTILE, made_comparison, made_dataset
from matplotlib.figure import Figure
from PIL import Image
from sklearn import metrics as sk

from hybrid.comparison import Choice
from hybrid.comparison.test_history import TestHistory
from hybrid.datasets import Dataset
from hybrid.evaluation import Metric
from hybrid.evaluation.paired_test import PairedTest
from hybrid.extractors.images.decoding import BadImageError, decode_within
from hybrid.extractors.images.depth import AS_STATED
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.report.elements.curves import precision_recall_points, roc_points
from hybrid.report.elements.embedding import project_to_2d, sample_rows
from hybrid.report.elements.explorer import explorer_counts
from hybrid.report.elements.figures import curve_drawings, score_drawings
from hybrid.report.elements.pictures import SIDE, Pictures
from hybrid.report.elements.svg import inline_svg, svg_text
from hybrid.report.elements.tables import metric_cell
from hybrid.report.elements.words import visible, with_interval
from hybrid.report.parts.answer import answer, cost_sentence
from hybrid.report.parts.cases import most_disputed, worst_mistakes
from hybrid.report.parts.models import threshold
from hybrid.wording import Footnotes
from hybrid.workspace.model_record import Adjustment, Seconds
from hybrid.workspace.predictions import Predictions

RNG = np.random.default_rng(0)


def leaderboard_of(differences, chosen="a", metric="roc_auc", history=None, **choice):
    """Return a leaderboard of the model "a" and others; a difference is the value of "a" minus that of the other."""
    names = ["a", *differences]
    pairs = [
        PairedTest("a", name, metric, difference, None, None, p, p, "DeLong", 100)
        for name, (difference, p) in differences.items()
    ]
    result = SimpleNamespace(
        metrics={metric: Metric(0.9, 0.85, 0.95)}, level=0.95, n=100, n_groups=None, group_name="group"
    )
    models = [
        SimpleNamespace(
            name=name,
            seconds=Seconds(extract=7.0, fit=0.3, predict=0.001, measure="wall"),
            processor=Seconds(extract=12.0, fit=0.5, predict=0.001, measure="processor"),
            trained={},
        )
        for name in names
    ]
    return SimpleNamespace(
        shift=None,
        aims=(),
        crossed=None,
        how="simplest",
        names=names,
        pairs=pairs,
        chosen=chosen,
        chosen_number=None if chosen is None else names.index(chosen),
        choice=Choice("a", metric, 0.9, "a", ("a",), "", **choice),
        metric=metric,
        split="test",
        models=models,
        evaluations=[result] * len(names),
        same_probabilities=(),
        history=history,
    )


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ({}, "No other model was compared with it"),
        ({"b": (0.01, 0.4)}, "The other model cannot be told apart from it"),
        ({"b": (0.01, 0.4), "c": (-0.02, 0.06)}, "None of the other 2 models can be told apart from it"),
        (
            {"b": (0.2, 0.001), "c": (0.01, 0.5)},
            "It is significantly better than b, and 1 other cannot be told apart from it",
        ),
        ({"b": (-0.2, 0.001)}, "b scored significantly better, but test scores are not used to choose a model"),
    ],
)
def test_the_answer_says_how_sure_it_is(differences, said):
    text = answer(leaderboard_of(differences))
    assert text.startswith(
        "a, chosen on validation, scores 0.900 in ROC AUC (95% interval 0.850–0.950) on the 100 test"
    )
    assert said in text


def test_the_time_of_the_chosen_model_leaves_out_what_takes_no_time():
    said = "The chosen model took 12 s to extract the features and 0.5 s to fit the head (processor time)."
    assert cost_sentence(leaderboard_of({})) == said


def test_the_answer_about_a_model_of_an_earlier_version_tells_the_time_by_the_clock():
    leaderboard = leaderboard_of({})
    leaderboard.models[0].processor = None
    said = "The chosen model took 7 s to extract the features and 0.3 s to fit the head (wall-clock time)."
    assert cost_sentence(leaderboard) == said


def test_an_upper_bound_is_called_one_in_every_table():
    from hybrid.cli.output import format_metric

    metric = Metric(0.047, None, 0.061)
    cell = metric_cell("ece", metric, Footnotes())
    assert (cell.text, cell.sub) == ("0.047", "at most 0.061")
    assert cell.also == {"ece_low": None, "ece_high": 0.061}  # for CSV and JSON
    assert with_interval(metric) == "0.047 (at most 0.061)"
    assert format_metric(metric) == "0.047 [at most 0.061]"
    assert format_metric(Metric(0.9, 0.8, 0.95)) == "0.900 [0.800, 0.950]"


def test_the_price_of_a_model_begins_with_the_training_of_its_networks():
    leaderboard = leaderboard_of({})
    model = leaderboard.models[0]
    for trained, words in (({"a": 90.0}, "its network"), ({"a": 60.0, "b": 30.0}, "its networks")):
        model.processor, model.trained = Seconds(train=90.0, extract=12.0, fit=0.5, predict=0.004), trained
        assert f"took 90 s to train {words}, 12 s to extract" in cost_sentence(leaderboard)


def test_the_answer_says_where_the_model_comes_from():
    assert answer(leaderboard_of({}, fixed_by="the recipe")).startswith(
        "a, fixed in advance by the recipe, scores 0.900"
    )
    late = TestHistory(models=9, looks=5, looks_before_choice=5)
    assert answer(leaderboard_of({}, history=late, fixed_by="--choose")).startswith(
        "a, named by --choose after test had been shown 5 times, scores 0.900"
    )
    assert answer(leaderboard_of({}, images=16, weak=True)).startswith(
        "a, chosen on only 16 validation images, scores 0.900"
    )


def test_of_a_loss_the_lower_is_better():
    assert "b scored significantly better" in answer(leaderboard_of({"b": (0.2, 0.001)}, metric="log_loss"))


def test_without_validation_no_model_is_chosen_by_test():
    text = answer(leaderboard_of({"b": (0.2, 0.001)}, chosen=None))
    assert "No model was chosen" in text
    assert "0.9" not in text


@pytest.mark.parametrize("k", [1, 3])
def test_the_explorer_counts_as_scikit_learn_does(k):
    truth, proba = RNG.random((400, k)) < 0.3, RNG.random((400, k)).round(2)
    own = [0.35, 0.123456789, 0.5][:k]
    counts = explorer_counts(truth, proba, list("abc")[:k], own)["labels"]
    for column, label in enumerate(counts):
        assert label["thresholds"][label["own"]] == own[column]
        for step in (0, 17, label["own"], 500, len(label["thresholds"]) - 1):
            said = proba[:, column] >= label["thresholds"][step]
            tn, fp, fn, tp = sk.confusion_matrix(truth[:, column], said, labels=[False, True]).ravel()
            got = (label["tp"][step], label["fp"][step], label["positives"], label["negatives"])
            assert got == (tp, fp, tp + fn, tn + fp)


def test_the_explorer_starts_at_the_models_own_threshold(tmp_path):
    dataset = made_dataset(160, ["cat", "dog"])
    adjustment = {"aim": "recall=0.9", "threshold": 0.271828, "adjustment": Adjustment(on="val", images=40)}
    leaderboard = made_comparison(tmp_path / "runs", dataset, {"svm-made": 1.5}, **adjustment).leaderboards[0]
    part = threshold(leaderboard, 0)
    assert part.content["start"]["threshold"] == "0.271828"
    assert (
        "at a probability of 0.271828 or more; this threshold was chosen on validation for recall=0.9." in part.lead[0]
    )
    test = leaderboard.predictions[0]
    tn, fp, fn, tp = sk.confusion_matrix(test.y == "dog", test.proba[:, 1] >= 0.271828).ravel()
    assert {key: part.content["start"][key] for key in ("tp", "fn", "fp", "tn")} == {
        "tp": tp,
        "fn": fn,
        "fp": fp,
        "tn": tn,
    }
    different = int(((test.proba[:, 1] >= 0.271828) != (test.predicted == "dog")).sum())
    assert different
    assert f"On {different} images the model's prediction differs" in part.lead[-1]


def predictions(y, predicted, proba, classes):
    ids = np.array([f"i{row}" for row in range(len(y))])
    return Predictions(
        ids, np.full(len(y), "test"), np.array(y), np.array(predicted), np.array(proba), np.array(classes)
    )


def test_the_worst_mistakes_are_wrong_and_gave_the_truth_the_least():
    part = predictions(
        ["a", "a", "b", "b"], ["a", "b", "a", "a"], [[0.6, 0.4], [0.3, 0.7], [0.9, 0.1], [0.8, 0.2]], ["a", "b"]
    )
    cases = worst_mistakes(part)
    assert [case.id for case in cases] == ["i2", "i3", "i1"]
    assert cases[0].lines == (("true", (("b", "0.100"),)), ("predicted", (("a", "0.900"),)))
    assert [case.id for case in worst_mistakes(part, most=1)] == ["i2"]


def test_the_worst_mistakes_of_several_labels_name_what_was_missed_and_what_was_added():
    part = predictions(
        [[1, 0], [1, 1], [0, 0]], [[0, 1], [1, 1], [0, 1]], [[0.4, 0.6], [0.9, 0.9], [0.1, 0.99]], ["sea", "sun"]
    )
    cases = worst_mistakes(part)
    assert [case.id for case in cases] == ["i2", "i0"]
    assert cases[0].lines == (("true", (("none", ""),)), ("wrongly predicted", (("sun", "0.990"),)))
    assert cases[1].lines[1:] == (("missed", (("sea", "0.400"),)), ("wrongly predicted", (("sun", "0.600"),)))


def test_the_most_disputed_images_are_those_with_the_most_even_votes():
    votes = ["aab", "abb", "bbb", "aaa"]
    proba = {"a": [0.9, 0.1], "b": [0.2, 0.8]}
    parts = [
        predictions(list("aabb"), list(said), [proba[one] for one in said], ["a", "b"])
        for said in zip(*votes, strict=True)
    ]
    cases = most_disputed(parts, ["x", "y", "z"])
    assert {case.id for case in cases} == {"i0", "i1"}
    assert cases[0].lines == (
        ("true", (("a", ""),)),
        ("2 of 3 predict", (("a", "x and y"),)),
        ("1 of 3 predicts", (("b", "z"),)),
    )
    assert most_disputed(parts[:1], ["x"]) == []


def test_curves_enclose_the_areas_that_scikit_learn_says():
    truth, noise = RNG.random(5000) < 0.4, RNG.normal(size=5000)
    score = noise + truth
    x, y = roc_points(truth, score)
    assert len(x) <= 400
    assert np.trapezoid(y, x) == pytest.approx(sk.roc_auc_score(truth, score), abs=0.002)
    recall, precision = precision_recall_points(truth, score)
    area = np.sum(np.diff(recall) * precision[1:])  # a step holds the precision of its right end
    assert area == pytest.approx(sk.average_precision_score(truth, score), abs=0.005)


def test_curves_of_several_classes_are_means_over_those_that_are_there():
    truth = np.eye(4, dtype=bool)[RNG.integers(0, 3, 3000)]  # no image of the last class
    score = RNG.normal(size=truth.shape) + 2 * truth
    x, y = roc_points(truth, score)
    each = [sk.roc_auc_score(truth[:, k], score[:, k]) for k in range(3)]
    assert np.trapezoid(y, x) == pytest.approx(np.mean(each), abs=0.005)
    recall, precision = precision_recall_points(truth, score)
    each = [sk.average_precision_score(truth[:, k], score[:, k]) for k in range(3)]
    assert np.sum(np.diff(recall) * precision[1:]) == pytest.approx(np.mean(each), abs=0.01)
    assert roc_points(np.zeros((9, 2), bool), np.zeros((9, 2))) is None


@pytest.mark.medium
def test_the_map_keeps_apart_what_is_apart_and_is_the_same_each_time(tmp_path):
    X = np.concatenate([RNG.normal(size=(60, 20)), RNG.normal(size=(60, 20)) + 8]).astype(np.float32)
    points, method = project_to_2d(X)
    assert "t-SNE" in method
    assert sk.silhouette_score(points, np.repeat([0, 1], 60)) > 0.5
    np.testing.assert_array_equal(points, project_to_2d(X, cache=tmp_path / "other")[0])
    few, method = project_to_2d(np.ones((6, 1), np.float32))
    assert few.shape == (6, 2)
    assert "t-SNE" not in method


def test_a_map_is_made_once_for_the_same_rows(cache, monkeypatch):
    made = []

    def neighbours(X, seed):
        made.append(seed)
        return np.random.default_rng(len(made)).normal(size=(len(X), 2)).astype(np.float32)

    monkeypatch.setattr("hybrid.report.elements.embedding._neighbours", neighbours)
    X = RNG.normal(size=(40, 5)).astype(np.float32)
    points = project_to_2d(X)[0]
    np.testing.assert_array_equal(project_to_2d(X.copy())[0], points)
    assert made == [0]
    project_to_2d(X[::-1])
    project_to_2d(X, seed=1)
    assert made == [0, 0, 1]
    for path in (cache / "maps").iterdir():
        path.write_bytes(path.read_bytes()[:40])  # damaged: made again
    assert not np.array_equal(project_to_2d(X)[0], points)
    assert len(made) == 4
    project_to_2d(X, cache=cache / "maps" / next((cache / "maps").iterdir()).name)  # no folder: it goes without
    assert len(made) == 5


def test_a_sample_of_rows_is_drawn_once_each():
    rows = sample_rows(np.arange(5000), most=100)
    assert len(np.unique(rows)) == 100
    np.testing.assert_array_equal(rows, sample_rows(np.arange(5000), most=100))
    np.testing.assert_array_equal(sample_rows(np.arange(7)), np.arange(7))


def test_a_figure_in_the_page_has_no_style_and_keeps_its_words():
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "o-", color="#0B6AB0", label="x")
    axes.set_title('<b onload="x">&', parse_math=False)
    markup = inline_svg(svg_text(figure), "d1-f", 'say "<hi>"')
    assert "style=" not in markup
    assert "<style" not in markup
    assert '&lt;b onload="x"&gt;&amp;' in markup
    assert 'aria-label="say &quot;&lt;hi&gt;&quot;"' in markup
    assert 'stroke="var(--s0)"' in markup
    assert 'id="d1-f-' in markup
    assert 'href="#d1-f-' in markup


def seen_by_the_models(dataset):
    """Return the ids and digests of an embedding set of this dataset."""
    if dataset.of_files:
        contents = [path.read_bytes() if (path := Path(name)).exists() else b"" for name in dataset.X]
        keys = np.array([list(hashlib.sha256(content).digest()) for content in contents], np.uint8)
    else:
        keys = ImageSource(dataset.X.copy()).digests(FileDigests())[0]
    return SimpleNamespace(ids=dataset.ids, keys=keys)


def test_thumbnails_keep_proportions_and_show_tiny_images_as_they_are(tmp_path):
    wide = tmp_path / "wide.png"
    Image.fromarray(RNG.integers(0, 256, (100, 400, 3), np.uint8)).save(wide)
    assert decode_within(wide.read_bytes(), 160).size == (160, 40)
    with pytest.raises(BadImageError, match="'x' cannot be decoded"):
        decode_within(b"no image", 160, "x")
    (tmp_path / "broken.png").write_bytes(wide.read_bytes()[:50])
    paths = [str(wide), str(tmp_path / "broken.png"), str(tmp_path / "gone.png")]
    files = SimpleNamespace(
        ids=np.array(["wide", "broken", "gone"]), X=np.array(paths), of_files=True, reading=AS_STATED
    )
    show = Pictures(files, sets=[seen_by_the_models(files)])
    assert (show("wide").width, show("wide").height, show("wide").pixelated) == (160, 40, False)
    assert [show(name).uri for name in ("broken", "gone", "unknown")] == ["", "", ""]
    pixels = Dataset.from_arrays(RNG.integers(0, 256, (40, 8, 8), np.uint8), ["a"] * 20 + ["b"] * 20)
    tiny = Pictures(pixels, sets=[seen_by_the_models(pixels)])(str(pixels.ids[0]))
    assert (tiny.width, tiny.height, tiny.pixelated) == (SIDE, SIDE, True)


@pytest.mark.parametrize("shown", [0, 1, 2])
def test_a_model_has_one_colour_in_all_figures(drawn, shown):
    leaderboard = drawn("cat", "dog").comparison.leaderboards[0]
    colours = {}
    for drawing in (*score_drawings(leaderboard), *curve_drawings(leaderboard, shown)):
        if drawing.name not in ("scores", "roc-classes"):
            for line in drawing.figure.axes[0].lines:
                colours.setdefault(line.get_label(), set()).add(line.get_color())
    assert all(len(colours[name]) == 1 for name in leaderboard.labels)
    assert len({colour for name in leaderboard.labels for colour in colours[name]}) == 3


def test_a_picture_that_no_model_has_seen_is_not_shown(tmp_path):
    paths = [tmp_path / f"{name}.png" for name in "ab"]
    for path in paths:
        Image.fromarray(RNG.integers(0, 256, (20, 20, 3), np.uint8)).save(path)
    dataset = SimpleNamespace(
        ids=np.array(["a", "b"]), X=np.array([str(path) for path in paths]), of_files=True, reading=AS_STATED
    )
    seen = seen_by_the_models(dataset)
    assert all(Pictures(dataset, sets=[seen])(name).uri for name in "ab")
    Image.fromarray(RNG.integers(0, 256, (20, 20, 3), np.uint8)).save(paths[1])
    show = Pictures(dataset, sets=[seen])
    assert show("a").uri
    assert (show("b").uri, show("b").missing) == ("", "changed since")


def test_without_an_embedding_set_that_vouches_for_it_no_picture_is_shown():
    pixels = RNG.integers(0, 256, (2, 8, 8), np.uint8)
    dataset = SimpleNamespace(ids=np.array(["a", "b"]), X=pixels, of_files=False, reading=AS_STATED)
    assert [Pictures(dataset)(name).uri for name in "ab"] == ["", ""]
    first = SimpleNamespace(ids=dataset.ids[:1], keys=seen_by_the_models(dataset).keys[:1])
    assert [bool(Pictures(dataset, sets=[first])(name).uri) for name in "ab"] == [True, False]


def test_an_array_that_no_model_has_seen_is_not_shown():
    pixels = RNG.integers(0, 256, (2, 8, 8), np.uint8)
    dataset = SimpleNamespace(ids=np.array(["a", "b"]), X=pixels, of_files=False, reading=AS_STATED)
    seen = seen_by_the_models(dataset)
    pixels[0] += 1
    show = Pictures(dataset, sets=[seen])
    assert show("a").missing == "changed since"
    assert show("b").uri


@pytest.mark.parametrize("name", HOSTILE)
def test_shown_names_hide_nothing(name):
    assert not {"\n", "\r", "\t", "\u202e", "\u2066", "\udcff"} & set(visible(name))


def test_classes_that_a_map_cannot_colour_are_drawn_as_others(tmp_path):
    from hybrid.report.parts.data import _map_classes

    part = predictions(
        [f"c{i:02d}" for i in range(12)] + ["c11"],
        ["c00"] * 13,
        np.ones((13, 12)) / 12,
        [f"c{i:02d}" for i in range(12)],
    )
    codes, names = _map_classes(part)
    assert len(names) == 9
    assert "c11" in names
    assert (codes == -1).sum() == 3
