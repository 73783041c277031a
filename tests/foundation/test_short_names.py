"""Long names in tables, legends and pictures: one rule, no two alike, what distinguishes them is kept."""

import pytest

from hybrid.comparison.labels import label_notes, model_labels, shared_suffix
from hybrid.plots.style import wrapped_names
from hybrid.wording import NAME_WIDTH, short_names

LAYERS = "pneumonia_2024-mobilenet_v2-block_6_expand_relu+penultimate"
NAMES = {
    "shared words": [f"{head}-{LAYERS}" for head in ("svm", "forest", "xgboost", "softmax")],
    "ends": [f"svm-{LAYERS}-{end}" for end in ("pca", "pca16", "views4", "views4-pca")],
    "middles": [f"svm-{'very_' * 8}{middle}{'_long' * 8}" for middle in ("first", "second", "third")],
    "one in another": ["x" * 50, "x" * 51, "x" * 52],
    "letters": [f"{'y' * 30}{letter}{'z' * 30}" for letter in "abc"],
    "with short ones": ["network", f"svm-{LAYERS}", f"svm-{LAYERS}-last", "svm-…"],
}


@pytest.mark.parametrize("width", [12, 18, NAME_WIDTH, 60])
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_short_names_fit_and_differ(names, width):
    short = short_names(names, width)
    assert all(len(text) <= width for text in short)
    assert len(set(short)) == len(names)
    assert all(text == name for text, name in zip(short, names, strict=True) if len(name) <= width)


def test_what_distinguishes_names_is_kept():
    assert short_names(NAMES["shared words"]) == ["svm-…", "forest-…", "xgboost-…", "softmax-…"]
    ends = ["pca", "pca16", "views4", "views4-pca"]
    assert all(name.endswith(end) for name, end in zip(short_names(NAMES["ends"]), ends, strict=True))


def test_a_name_is_shortened_alike_wherever_it_is_shown_twice():
    first, other, again = short_names([f"svm-{LAYERS}", f"knn-{LAYERS}", f"svm-{LAYERS}"])
    assert first == again != other


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_wrapped_names_stay_within_their_lines_and_differ(lines):
    for names in NAMES.values():
        wrapped = wrapped_names(names, 18, lines)
        assert len(set(wrapped)) == len(names)
        assert all(len(name.split("\n")) <= lines for name in wrapped)
        assert all(len(line) <= 18 for name in wrapped for line in name.split("\n"))


def test_notes_give_the_full_name_of_each_shortened_model():
    names = [f"svm-{LAYERS}-a-dots", f"svm-{LAYERS}-b-dots-last", "network-dots"]
    labels = model_labels(names, shared_suffix(names))
    notes = label_notes(labels, shared_suffix(names))
    assert notes[0].startswith("All names end with “dots” before “last”")
    assert all(f"{labels[name]} is {name}" in notes[1] for name in names[:2])
    assert label_notes({"svm": "svm"}, "") == []
