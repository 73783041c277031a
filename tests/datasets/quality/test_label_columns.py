"""A column that predicts the label is a finding, and one that does not is none."""

import numpy as np
import pytest

from hybrid import Dataset
from hybrid.datasets.quality import examine
from hybrid.datasets.quality.label_columns import label_columns


def predicting(**columns):
    """Return the names of the columns that predict the label of 300 images, half of them ill."""
    ill = np.repeat(["healthy", "ill"], 150)
    texts = {name: np.asarray(values).astype(str) for name, values in columns.items()}
    return [column.name for column in label_columns(texts, ill, np.unique(ill)) if column.predicts]


def test_a_hospital_with_mostly_ill_patients_is_found_and_what_is_by_chance_is_not():
    rng = np.random.default_rng(0)
    hospital = np.where(rng.random(300) < 0.8, np.repeat(["north", "south"], 150), "east")
    age = rng.normal(np.repeat([50, 65], 150), 10).round()
    assert predicting(hospital=hospital, sex=rng.choice(["F", "M"], 300), age=age) == ["hospital", "age"]


def test_identifiers_and_constants_are_not_tested_unless_they_are_named():
    assert predicting(row=np.arange(300), station=np.full(300, "a")) == []
    ill = np.repeat([0, 1], 150)
    [row] = label_columns({"row": np.arange(300).astype(str)}, ill, np.array([0, 1]), by=["row:150"])
    assert (row.predicts, row.counts["< 150"], row.auc) == (True, {"0": 150, "1": 0}, 1.0)
    [constant] = label_columns({"x": np.full(300, "a")}, ill, np.array([0, 1]), by=["x"])
    assert not constant.predicts
    assert "all images have the same value" in constant.sentence()


def test_patients_and_copies_count_once():
    rng = np.random.default_rng(1)
    ill, hospital = rng.integers(0, 2, 8), np.repeat(["north", "south"], 4)
    many = np.repeat(np.arange(8), 40)
    given = ({"hospital": hospital[many]}, ill[many], np.array([0, 1]))
    [alone] = label_columns(*given)
    [patients] = label_columns(*given, groups=many.astype(str))
    [copies] = label_columns(*given, copies=many)
    assert alone.predicts
    assert not patients.predicts
    assert not copies.predicts


def test_the_class_and_the_label_that_is_predicted_best_is_named():
    rng = np.random.default_rng(0)
    grade = rng.integers(0, 3, 600).astype(str)
    scanner = np.where(grade == "2", "new", rng.choice(["old", "older"], 600))
    [column] = label_columns({"scanner": scanner}, grade, np.unique(grade))
    assert (column.label, column.auc) == ("2", 1.0)
    labels = rng.integers(0, 2, (600, 2)).astype(np.uint8)
    site = np.where(labels[:, 1] == 1, "a", rng.choice(["a", "b"], 600))
    [column] = label_columns({"site": site}, labels, np.array(["sea", "snow"]))
    assert column.predicts
    assert column.label == "snow"
    assert "of the images of 'a' are 'snow', and 0% of 'b'" in column.sentence()


def test_it_is_a_finding_of_the_checks():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b"], 40)
    images = rng.integers(0, 256, (80, 32, 32), np.uint8)
    data = Dataset.from_arrays(images, y, columns={"place": np.where(y == "a", "x", "y"), "day": np.tile([1, 2], 40)})
    [finding] = [one for one in examine(data)[0] if one.check == "label_columns"]
    [cluster] = finding.clusters
    assert cluster.names == ("place",)
    assert "ROC AUC of 1.00" in cluster.reason


@pytest.fixture
def places(pictures):
    """A manifest of pictures whose place tells the class."""
    rows = ["path,label,place,day"]
    for number, path in enumerate(sorted(pictures.rglob("*.png"))):
        label = path.parent.name
        rows.append(f"{path.relative_to(pictures)},{label},{'x' if label == 'a' else 'y'},{number % 2}")
    (pictures / "labels.csv").write_text("\n".join(rows))
    return pictures / "labels.csv"


def test_the_command_prints_the_counts_and_the_finding(hybrid, places):
    text = hybrid("data", places, "--by", "place", "--by", "day")
    assert "by place" in text
    assert "by day" in text
    assert "place predicts the label" in text
    assert "day is not associated with the label" in text
    assert text.count("A model can use such a column") == 1
    record = hybrid.json("data", places, "--by", "place")
    [column] = record["label_columns"]
    assert column["counts"]["x"]["b"] == 0
    assert column["p_adjusted"] <= 0.05
    assert column["auc"] == 1
    [finding] = [one for one in record["findings"] if one["check"] == "label_columns"]
    assert finding["groups"][0]["names"] == ["place"]
    quick = hybrid.json("data", places, "--by", "place", "--no-checks")
    assert quick["label_columns"] == record["label_columns"]


def test_an_unknown_column_is_named(hybrid, places):
    assert "Unknown column 'plaec'. Nearest: 'place'." in hybrid("data", places, "--by", "plaec", code=1)
