"""The options of a training: their names, and what records and identities of trainings hold."""

import pytest

from hybrid.training import TrainingOptions


def test_records_keep_the_names_of_the_command_line():
    options = TrainingOptions(class_weight=None, random_state=4)
    assert (options.to_dict()["seed"], options.to_dict()["class_weight"]) == (4, "none")
    assert "random_state" not in options.to_dict()
    assert TrainingOptions(class_weight="none", random_state=4) == options


def test_the_former_name_of_random_state_is_accepted_with_a_warning():
    with pytest.warns(FutureWarning, match="'seed' of TrainingOptions is called 'random_state' now"):
        options = TrainingOptions(seed=4)
    assert options == TrainingOptions(random_state=4)
    with pytest.warns(FutureWarning, match="'seed' is called 'random_state' now"):
        assert options.seed == 4
