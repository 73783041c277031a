"""Unknown names, and former names of parameters."""

import inspect
import warnings

import pytest

from hybrid.errors import renamed_parameters, unknown_name


@renamed_parameters(seed="random_state", positive="pos_label")
def draw(n, *, random_state=0, pos_label=None):
    return n, random_state, pos_label


class Drawn:
    @renamed_parameters(seed="random_state")
    def __init__(self, random_state=0):
        self.random_state = random_state


def test_a_former_name_is_accepted_with_a_warning_at_the_caller():
    with pytest.warns(FutureWarning, match="'seed' of draw is called 'random_state' now") as caught:
        assert draw(3, seed=7) == (3, 7, None)
    assert caught[0].filename == __file__


def test_two_former_names_can_be_given_together():
    with pytest.warns(FutureWarning):
        assert draw(3, seed=7, positive="ill") == (3, 7, "ill")


def test_new_names_give_no_warning():
    with warnings.catch_warnings(action="error"):
        assert draw(3, random_state=7, pos_label="ill") == (3, 7, "ill")


def test_the_signature_shows_the_new_names_only():
    assert list(inspect.signature(draw).parameters) == ["n", "random_state", "pos_label"]


def test_both_names_of_one_parameter_are_refused():
    with pytest.raises(TypeError, match="both 'seed' and 'random_state'"):
        draw(3, seed=7, random_state=7)


def test_a_class_is_named_without_its_init():
    with pytest.warns(FutureWarning, match="'seed' of Drawn is called"):
        assert Drawn(seed=4).random_state == 4


def test_an_unknown_name_lists_the_names_that_begin_so():
    models = ["svm-findings-mobilenet_alpha_0.25-tuned-calibrated", "forest-findings", *map(str, range(30))]
    assert f"Nearest: '{models[0]}'" in str(unknown_name("model", "svm", models))
    others = [f"svm-findings-{number}" for number in range(2)]
    for name in (*others, models[0]):
        assert f"'{name}'" in str(unknown_name("model", "svm", [*models, *others]))


def test_a_misspelt_keyword_gets_the_nearest_parameter_of_the_class_that_was_called():
    class Described(Drawn):
        pass

    with pytest.raises(TypeError, match=r"^draw has no parameter 'pos_lable'\. Nearest: 'pos_label'\.$"):
        draw(3, pos_lable="ill")
    with pytest.raises(TypeError, match=r"^Described has no parameter 'randomstate'\. Nearest: 'random_state'\.$"):
        Described(randomstate=3)
