"""The main result in words: the chosen model, its score, how certain the choice is, and its cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hybrid.comparison.aims import aim_sentences
from hybrid.comparison.choice import BY_DOMAINS
from hybrid.comparison.ordering import LOWER_IS_BETTER
from hybrid.comparison.significance import few
from hybrid.comparison.test_history import times
from hybrid.evaluation import PairedTest
from hybrid.evaluation.groups import images_of_groups
from hybrid.evaluation.metrics import METRICS
from hybrid.report.elements.words import capitalized, interval, listed, metric_name, score, seconds
from hybrid.workspace.model_record import ModelRecord

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

SPLITS = {"train": "training", "val": "validation", "test": "test"}
LEAST_SECONDS = 0.01
_FEW_NAMES = 3


def answer(leaderboard: "Leaderboard") -> str:
    """Return the main result of a leaderboard in a few sentences.

    If the test images differ from those that the models learnt from, this is the first of them.
    """
    shift = leaderboard.shift
    if shift is None or not shift.tested:
        return _result(leaderboard)
    return f"{shift.sentence} {_result(leaderboard)}" if shift.found else f"{_result(leaderboard)} {shift.short}"


def _result(leaderboard: "Leaderboard") -> str:
    name, number = metric_name(leaderboard.metric), leaderboard.chosen_number
    if number is None:
        reason = f"none of the models has a value of {name} on validation"
        return f"No model was chosen: {reason}, and {leaderboard.split} scores are not used to choose a model."
    result = leaderboard.evaluations[number]
    metric = result.metrics[leaderboard.metric]
    ends = f"{result.level:.0%} interval {interval(metric)}" if interval(metric) else metric.reason
    ends = f" ({ends})" if ends else ""
    images = images_of_groups(result.n, result.n_groups, f"{SPLITS[leaderboard.split]} image", result.group_name)
    aim = aim_sentences(leaderboard.aims, leaderboard.split, only=leaderboard.chosen)
    scored = (
        f"{leaderboard.chosen}, {_origin(leaderboard)}, scores {score(metric.value)} in {name}{ends} on the "
        f"{images}. {capitalized(standing(leaderboard, number))}."
    )
    return " ".join([scored, *aim])


def cost_sentence(leaderboard: "Leaderboard") -> str:
    """Return how long the chosen model took, without steps below a hundredth of a second; "" if this is not known."""
    number = leaderboard.chosen_number
    return "" if number is None else _cost(leaderboard.models[number])


def _origin(leaderboard: "Leaderboard") -> str:
    """Return how the model was chosen."""
    choice = leaderboard.choice
    if choice is not None and choice.fixed_by:
        late = leaderboard.history.looks_before_choice if leaderboard.history else 0
        if late:
            return f"named by {choice.fixed_by} after test had been shown {times(late)}"
        return f"fixed in advance by {choice.fixed_by}"
    crossed = leaderboard.crossed
    if leaderboard.how == BY_DOMAINS and crossed and crossed.domains:
        return f"chosen by leaving out each {crossed.domain}"
    if choice is not None and choice.weak:
        return f"chosen on only {choice.images} validation images"
    return "chosen on validation"


def standing(leaderboard: "Leaderboard", chosen: int) -> str:
    """Return a text on which other models differ significantly from the chosen one, and which are not inferior."""
    return "; ".join(filter(None, [_differing(leaderboard, chosen), _within_margin(leaderboard, chosen)]))


def _differing(leaderboard: "Leaderboard", chosen: int) -> str:
    name, others = leaderboard.names[chosen], len(leaderboard.models) - 1
    if not others:
        return "no other model was compared with it"
    tests = main_tests(leaderboard)
    about = [test for test in tests if name in (test.first, test.second)]
    if len(about) == 1 < others:  # it was compared with a named reference alone
        return _against_reference(about[0], name, leaderboard)
    apart = [test for test in tests if name in (test.first, test.second) and test.distinguishable]
    better = [test for test in apart if _advantage(test, name, leaderboard.metric) < 0]
    decisions = METRICS[leaderboard.metric].needs == "decisions"
    if others == 1 and leaderboard.same_probabilities and not decisions:
        return "the other model gives all images the same probabilities and differs in the threshold only"
    if not apart:
        who = "the other model cannot" if others == 1 else f"none of the other {others} models can"
        return f"{who} be told apart from it"
    parts = []
    if better:
        not_used = f"{leaderboard.split} scores are not used to choose a model"
        parts.append(f"on {leaderboard.split}, {_named(better, name)} scored significantly better, but {not_used}")
    if worse := [test for test in apart if test not in better]:
        parts.append(f"it is significantly better than {_named(worse, name)}")
    if rest := others - len(apart):
        parts.append(f"{rest if parts else 'the'} other{'s' if rest > 1 else ''} cannot be told apart from it")
    return ", and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def _against_reference(test: PairedTest, name: str, leaderboard: "Leaderboard") -> str:
    reference = f"the reference {test.second if test.first == name else test.first}"
    text = f"it cannot be told apart from {reference}"
    if test.distinguishable and _advantage(test, name, leaderboard.metric) > 0:
        text = f"it is significantly better than {reference}"
    elif test.distinguishable:
        text = f"it scored significantly worse than {reference}"
    return text


def _within_margin(leaderboard: "Leaderboard", chosen: int) -> str:
    """Return which models are not inferior to the chosen one, or whether it is not to another reference."""
    name = leaderboard.names[chosen]
    tests = [test for test in main_tests(leaderboard) if test.margin is not None and name in (test.first, test.second)]
    if not tests:
        return ""
    margin = f"with a margin of {tests[0].margin:g}"
    if name == tests[0].first:
        verb = "is" if tests[0].not_inferior else "is not shown to be"
        return f"{margin}, it {verb} not inferior to {tests[0].second}"
    shown = [test.first for test in tests if test.not_inferior]
    others = [test.first for test in tests if not test.not_inferior]
    if not shown:
        return f"{margin}, {few(others)} {_is(others)} not shown to be not inferior to it"
    rest = f", and {few(others)} {_is(others)} not shown to be" if others else ""
    return f"{margin}, {few(shown)} {_is(shown)} not inferior to it{rest}"


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def main_tests(leaderboard: "Leaderboard") -> list[PairedTest]:
    """Return the paired tests of the metric that orders the models."""
    return [test for test in leaderboard.pairs if test.metric == leaderboard.metric]


def _advantage(test: PairedTest, name: str, metric: str) -> float:
    """Return by how much a model is better than the other model of the pair."""
    signed = (test.difference or 0.0) * (1 if test.first == name else -1)
    return -signed if metric in LOWER_IS_BETTER else signed


def _named(tests: Sequence[PairedTest], name: str) -> str:
    others = [test.second if test.first == name else test.first for test in tests]
    return listed(others) if len(others) <= _FEW_NAMES else f"{len(others)} others"


def _cost(model: ModelRecord) -> str:
    times = model.processor or model.seconds
    parts = {"extract": "extract the features", "fit": "fit the head", "predict": "predict all images"}
    measured = {what: getattr(times, part) for part, what in parts.items()}
    steps = [f"{seconds(value)} to {what}" for what, value in measured.items() if value and value >= LEAST_SECONDS]
    if times.train:
        steps.insert(0, f"{seconds(times.train)} to train its {'network' if len(model.trained) == 1 else 'networks'}")
    if not steps:
        return ""
    return f"The chosen model took {listed(steps)} ({'processor' if model.processor else 'wall-clock'} time)."
