"""Classes with the same name are the same; nothing else is guessed, but similar names are proposed."""

import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.external.class_mapping import mapped_labels, match_classes, parse_class_map

CHEST = ("NORMAL", "PNEUMONIA")


def test_equal_names_need_no_map():
    mapping = match_classes(CHEST, CHEST, (3, 4))
    assert mapping.targets == {"NORMAL": "NORMAL", "PNEUMONIA": "PNEUMONIA"}
    assert not mapping.missing
    assert not mapping.notes()


@pytest.mark.parametrize("name", ["Pneumonia", "pneu_monia", "pneumonia ", "PNEUMONIAE"])
def test_similar_names_are_proposed_and_not_taken(name):
    with pytest.raises(InputError, match=f'--map "{name}=PNEUMONIA"') as error:
        match_classes(CHEST, ("NORMAL", name), (3, 4))
    assert "4 images" in str(error.value)


def test_other_classes_are_named_with_their_images():
    with pytest.raises(InputError, match=r"'COVID' \(5 images\).*leave its images out"):
        match_classes(CHEST, ("COVID", *CHEST), (5, 3, 4))


def test_a_map_renames_joins_and_leaves_out():
    theirs = ("COVID", "NORMAL", "bacteria", "virus")
    given = {"bacteria": "PNEUMONIA", "virus": "PNEUMONIA", "COVID": None}
    mapping = match_classes(CHEST, theirs, (5, 3, 4, 2), given)
    assert mapping.left_out == 5
    y = np.array(["virus", "COVID", "NORMAL", "bacteria"])
    labels, kept = mapped_labels(y, np.array(theirs), mapping, CHEST, np.array(CHEST))
    assert labels.tolist() == ["PNEUMONIA", "NORMAL", "PNEUMONIA"]
    assert kept.tolist() == [True, False, True, True]
    said = " ".join(mapping.notes())
    assert "'virus' is the model's 'PNEUMONIA'" in said
    assert "5 images of the class 'COVID' were left out" in said


def test_numbers_are_classes_like_others():
    mapping = match_classes(("0", "1"), ("0", "1"), (2, 2))
    labels, _ = mapped_labels(np.array([1, 0, 1]), np.array([0, 1]), mapping, ("0", "1"), np.array([0, 1]))
    assert labels.tolist() == [1, 0, 1]


def test_classes_that_the_dataset_lacks_are_named():
    mapping = match_classes(("a", "b", "c"), ("a", "c"), (2, 2))
    assert mapping.missing == ("b",)
    assert "no image of the class 'b'" in mapping.notes()[0]


def test_labels_that_one_side_lacks_are_named():
    mapping = match_classes(("Edema", "Mass"), ("Edema", "Hernia"), (2, 1), multilabel=True)
    labels, kept = mapped_labels(
        np.array([[1, 0], [0, 1]]), np.array(["Edema", "Hernia"]), mapping, ("Edema", "Mass"), np.arange(2)
    )
    assert labels.tolist() == [[1, 0], [0, 0]]
    assert kept.all()
    said = " ".join(mapping.notes())
    assert "does not know the label 'Hernia'" in said
    assert "has no label 'Mass'" in said


def test_similar_labels_are_proposed_too():
    with pytest.raises(InputError, match='--map "oedema=Edema"'):
        match_classes(("Edema", "Mass"), ("Mass", "oedema"), (2, 1), multilabel=True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Pneumnia": "PNEUMONIA"}, "Unknown class of the dataset 'Pneumnia'"),
        ({"Pneumonia": "PNEUMONA"}, "Unknown class of the model 'PNEUMONA'. Nearest: 'PNEUMONIA'"),
    ],
)
def test_wrong_maps_are_one_sentence(given, words):
    with pytest.raises(InputError, match=words):
        match_classes(CHEST, ("NORMAL", "Pneumonia"), (3, 4), given)


def test_nothing_in_common_is_refused():
    with pytest.raises(InputError, match="all were left out|None of the classes"):
        match_classes(CHEST, ("x", "y"), (3, 4), {"x": None, "y": None})


@pytest.mark.parametrize("texts", [["Pneumonia"], ["=PNEUMONIA"], ["a=b", "a=c"]])
def test_maps_on_the_command_line_are_checked(texts):
    with pytest.raises(InputError, match="--map"):
        parse_class_map(texts)
