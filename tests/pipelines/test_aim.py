"""Aims with a confidence: thresholds that reach a recall or specificity on new images, and what that needs."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest, norm
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from hybrid.errors import InputError
from hybrid.pipelines import adjust, make_head_pipeline
from hybrid.pipelines.aim import Aim, effective_sizes, lower_bound
from hybrid.pipelines.threshold import choose_threshold

DISTANCE = 0.7  # of each class from the middle, in standard deviations


def drawn(positives, negatives, seed):
    rng = np.random.default_rng(seed)
    truth = np.repeat([True, False], [positives, negatives])
    return truth, expit(rng.normal(np.where(truth, DISTANCE, -DISTANCE)))


def share_met(aim, positives, negatives, draws):
    """Return in which share of draws the chosen threshold reaches the level in the whole population."""
    aim, met = Aim.parse(aim), 0
    for seed in range(draws):
        cut = logit(choose_threshold(*drawn(positives, negatives, seed), aim).threshold)
        true = norm.sf(cut - DISTANCE) if aim.name == "recall" else norm.cdf(cut + DISTANCE)
        met += true >= aim.level
    return met / draws


@pytest.mark.parametrize("text", ["recall=0.98@0.95", "specificity=0.9@0.99"])
def test_the_text_of_an_aim_with_a_confidence_can_be_parsed_again(text):
    assert str(Aim.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recall=0.98@", "expected a confidence of at least 0.5 and below 1 after @, such as recall=0.98@0.95"),
        ("recall=0.98@95", "expected a confidence of at least 0.5"),
        ("specificity=0.9@1", "expected a confidence of at least 0.5"),
        ("recall=1@0.95", "no number of images can show that a level of 1 is reached"),
        ("f1@0.95", "Unknown aim 'f1@0.95'"),
    ],
)
def test_an_invalid_confidence_is_rejected(text, message):
    with pytest.raises(InputError, match=message):
        Aim.parse(text)


def test_the_bound_is_that_of_clopper_and_pearson():
    for right, images, confidence in [(149, 149, 0.95), (40, 43, 0.95), (1, 7, 0.9), (580, 600, 0.99)]:
        expected = binomtest(right, images, alternative="greater").proportion_ci(confidence, method="exact").low
        assert lower_bound(right, images, confidence) == pytest.approx(expected)


def test_as_few_images_are_needed_as_the_bound_allows():
    aim = Aim("recall", 0.98, 0.95)
    assert aim.fewest() == 149  # 0.98 ** 149 < 0.05 < 0.98 ** 148
    assert (aim.needed(148), aim.needed(149)) == (149, 149)
    least = aim.needed(600)
    low = [binomtest(n, 600, alternative="greater").proportion_ci(0.95).low for n in (least - 1, least)]
    assert low[0] < 0.98 <= low[1]


@pytest.mark.medium
@pytest.mark.parametrize(
    ("aim", "positives", "negatives"), [("recall=0.9@0.95", 100, 200), ("specificity=0.95@0.95", 80, 150)]
)
def test_an_aim_with_a_confidence_is_reached_on_new_images(aim, positives, negatives):
    assert share_met(aim, positives, negatives, 300) >= 0.95 - 3 * (0.95 * 0.05 / 300) ** 0.5
    assert 0.25 < share_met(aim.partition("@")[0], positives, negatives, 300) < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("positives", "level"), [(100, 0.9), (200, 0.9), (500, 0.98)])
def test_every_confidence_is_kept(confidence, positives, level):
    met = share_met(f"recall={level}@{confidence}", positives, 400, 2000)
    assert met >= confidence - 3 * (confidence * (1 - confidence) / 2000) ** 0.5


def test_the_bound_reaches_the_level_and_the_note_states_it():
    truth, proba = drawn(200, 400, 1)
    aim = Aim.parse("recall=0.95@0.95")
    choice = choose_threshold(truth, proba, aim)
    found = int((truth & (proba >= choice.threshold)).sum())
    low = binomtest(found, 200, alternative="greater").proportion_ci(0.95).low
    assert low >= 0.95
    assert choice.threshold < choose_threshold(truth, proba, Aim("recall", 0.95)).threshold
    assert f"{found} of 200 positive images" in choice.note
    assert f"with a confidence of 0.95 at least {np.floor(low * 1000) / 1000:.3f} on new images" in choice.note


def test_with_too_few_images_the_error_says_how_many_are_needed():
    truth, proba = drawn(43, 300, 0)
    with pytest.raises(InputError, match="With 43 positive images, no threshold can guarantee recall=0.98") as error:
        choose_threshold(truth, proba, Aim.parse("recall=0.98@0.95"))
    assert "149 positive images, all recognised, would be needed" in str(error.value)
    assert "a level of at most 0.932" in str(error.value)  # 0.05 ** (1 / 43) is 0.9327
    assert choose_threshold(truth, proba, Aim.parse("recall=0.932@0.95")).reached == 1


def test_the_note_of_a_plain_aim_says_how_often_new_images_miss_it():
    note = choose_threshold(*drawn(50, 400, 0), Aim.parse("recall=0.9")).note
    # the aim is missed where at least 45 of 50 images lie above a threshold that 90% of all images exceed
    missed = binomtest(45, 50, 0.9, alternative="greater").pvalue
    assert f"missed in up to about {missed:.0%} of the cases" in note
    assert "recall=0.9@0.95 allows for that, and needs at least 29 positive images" in note  # 0.9 ** 29 < 0.05
    assert "no threshold can guarantee it" in choose_threshold(*drawn(50, 400, 0), Aim.parse("recall=1")).note


def test_each_label_has_its_own_guarantee_and_several_classes_have_none():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    Y = (X + rng.normal(size=X.shape) > [0, 0.3, 1]).astype(int)
    head = make_head_pipeline("softmax")
    adjusted = adjust(head, X, Y, aim="recall=0.9@0.95", validation=(X, Y))
    for label, found in zip(Y.T, adjusted.predict(X).T, strict=True):
        hits = int((label * found).sum())
        assert binomtest(hits, int(label.sum()), alternative="greater").proportion_ci(0.95).low >= 0.9
    Y[:, 2] *= np.cumsum(Y[:, 2]) <= 10
    with pytest.raises(InputError, match="Label 3 of 3: With 10 positive images"):
        adjust(head, X, Y, aim="recall=0.9@0.95", validation=(X, Y))
    with pytest.raises(InputError, match="a threshold can be chosen for two classes, or for each label"):
        adjust(head, X, np.arange(400) % 3, aim="recall=0.9@0.95")


def patients(n_patients, seed, correlation=0.5, size=5):
    """Return truth, probabilities and patients, half of whom are ill; all images of a patient have the same label."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), size)
    truth = patient < n_patients // 2
    noise = correlation**0.5 * rng.normal(size=n_patients)[patient]
    noise = noise + (1 - correlation) ** 0.5 * rng.normal(size=len(patient))
    return truth, expit(noise + np.where(truth, DISTANCE, -DISTANCE)), patient


def share_missed(aim, sets, grouped=True, **options):
    aim, missed = Aim.parse(aim), 0
    for seed in range(sets):
        truth, proba, patient = patients(60, seed, **options)
        cut = logit(choose_threshold(truth, proba, aim, patient if grouped else None).threshold)
        true = norm.sf(cut - DISTANCE) if aim.name == "recall" else norm.cdf(cut + DISTANCE)
        missed += true < aim.level
    return missed / sets


@pytest.mark.medium
@pytest.mark.parametrize("aim", ["recall=0.9@0.95", "specificity=0.8@0.95"])
def test_an_aim_with_a_confidence_is_reached_on_new_patients(aim):
    assert share_missed(aim, 400) <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    assert share_missed(aim, 400, grouped=False) > 0.09  # images of one patient are not independent


@pytest.mark.long
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("level", [0.8, 0.9])
def test_every_correlation_of_the_images_of_patients_is_allowed_for(level, correlation):
    missed = share_missed(f"recall={level}@0.95", 2000, correlation=correlation)
    print(level, correlation, missed)
    assert missed <= 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


def test_groups_of_one_image_have_the_bound_of_images():
    truth, proba = drawn(200, 400, 1)
    aim = Aim.parse("recall=0.95@0.95")
    assert choose_threshold(truth, proba, aim, np.arange(600)) == choose_threshold(truth, proba, aim)


def test_images_that_are_alike_in_a_group_count_as_one():
    """Five equal images of each patient tell as much as one."""
    truth, proba = drawn(100, 200, 1)
    aim = Aim.parse("recall=0.9@0.95")
    alone = choose_threshold(truth, proba, aim)
    five = choose_threshold(np.repeat(truth, 5), np.repeat(proba, 5), aim, np.repeat(np.arange(300), 5))
    assert alone.threshold >= five.threshold
    assert five.reached <= alone.reached + 0.02
    sizes = effective_sizes(np.repeat(np.arange(100), 5))
    assert sizes[249] == pytest.approx(99)  # at 250 of 500 images, exactly 50 of 100 groups
    assert sizes[-1] == 100


def test_with_groups_messages_give_the_number_of_groups():
    truth, proba, patient = patients(60, 0)
    with pytest.raises(InputError, match="With 150 positive images of 30 groups, no threshold") as error:
        choose_threshold(truth, proba, Aim.parse("recall=0.95@0.95"), patient)
    assert "59 positive images of as many groups, all recognised, would be needed" in str(error.value)
    assert "Give more groups, choose a level of at most 0.904" in str(error.value)  # 0.05 ** (1 / 30) is 0.9050
    note = choose_threshold(truth, proba, Aim.parse("recall=0.9@0.95"), patient).note
    assert "of 150 positive images of 30 groups: 0.9" in note
    note = choose_threshold(truth, proba, Aim.parse("recall=0.9"), patient).note
    assert "needs at least 29 positive images of as many groups" in note


def test_the_groups_of_validation_images_count():
    truth, proba, patient = patients(60, 0)
    head = make_head_pipeline("softmax").fit(logit(proba)[:, None], truth)
    given = {"aim": "recall=0.9@0.95"}
    grouped = adjust(head, None, None, validation=(logit(proba)[:, None], truth, patient), **given)
    alone = adjust(head, None, None, validation=(logit(proba)[:, None], truth), **given)
    assert grouped[-1].thresholds_ < alone[-1].thresholds_
    assert "of 30 groups" in grouped[-1].choices_[0]["note"]
    inside = adjust(make_head_pipeline("softmax"), logit(proba)[:, None], truth, groups=patient, **given)
    assert "of 30 groups" in inside[-1].choices_[0]["note"]


def test_adjust_asks_for_the_groups_of_validation_where_the_confidence_has_to_allow_for_them():
    truth, proba = drawn(100, 100, 0)
    X, y, groups = logit(proba)[:, None], truth.astype(int), np.arange(200) // 2
    head = make_head_pipeline("softmax", scale=False).fit(X, y)
    given = {"aim": "recall=0.8@0.95", "groups": groups}
    with pytest.raises(InputError, match=r"validation has none.*give validation=\(X, y, groups\), or \(X, y, None\)"):
        adjust(head, X, y, validation=(X, y), **given)
    alone = adjust(head, X, y, validation=(X, y, None), **given)
    grouped = adjust(head, X, y, validation=(X, y, groups), **given)
    assert grouped[-1].thresholds_[0] <= alone[-1].thresholds_[0]
    assert adjust(head, X, y, aim="recall=0.8", groups=groups, validation=(X, y))[-1].thresholds_ is not None


@pytest.mark.parametrize(
    ("validation", "said"),
    [
        (("X", "y", "short"), "validation has 200 rows and 199 groups"),
        (("X", "short"), "validation has 200 rows and 199 labels"),
        (("X",), r"validation must be \(X, y\) or \(X, y, groups\).*got 1 values"),
        ("X", "got ndarray"),
    ],
)
def test_validation_whose_parts_do_not_fit_is_refused(validation, said):
    truth, proba = drawn(100, 100, 0)
    y = truth.astype(int)
    parts = {"X": logit(proba)[:, None], "y": y, "short": y[1:]}
    given = parts[validation] if isinstance(validation, str) else tuple(parts[name] for name in validation)
    with pytest.raises(InputError, match=said):
        adjust(make_head_pipeline("softmax", scale=False), parts["X"], y, aim="f1", validation=given)


def test_a_search_and_a_lone_estimator_are_refused_in_one_sentence():
    search = GridSearchCV(make_head_pipeline("softmax"), {"softmax__C": [1.0]})
    with pytest.raises(InputError, match="given a GridSearchCV; expected a Pipeline: fit the search"):
        adjust(search, None, None, aim="f1")
    with pytest.raises(InputError, match="given LogisticRegression; expected a Pipeline"):
        adjust(LogisticRegression(), None, None, aim="f1")


@pytest.mark.parametrize("text", ["recal=0.9", "recall", "recall=2"])
def test_messages_about_aims_name_the_confidence(text):
    with pytest.raises(InputError, match=r"@CONFIDENCE|=0\.95@0\.95"):
        Aim.parse(text)


def test_an_unknown_aim_is_told_that_sensitivity_is_recall():
    with pytest.raises(InputError, match=r"sensitivity=LEVEL.*Sensitivity is another name of recall"):
        Aim.parse("balansed")
