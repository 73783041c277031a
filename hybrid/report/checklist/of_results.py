"""Answers to the items on evaluation and results. Each takes a `Run` and returns sentences; none if no record tells."""

import numpy as np

from hybrid.evaluation import METRICS
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.report.checklist.run import Run
from hybrid.report.elements.words import listed, metric_name, plural, with_interval
from hybrid.report.parts.answer import SPLITS, standing
from hybrid.report.parts.cross_validation import cross_words


def measures(run: Run) -> list[str]:
    """The scores that are shown, and the one that decides."""
    names = [metric_name(name) for name in run.result.metrics]
    return [f"Models are ordered and chosen by {metric_name(run.leaderboard.metric)}. All scores: {listed(names, 30)}."]


def uncertainty(run: Run) -> list[str]:
    """How intervals and tests were made."""
    result = run.result
    said = []
    if result.n_boot:
        said.append(
            f"{result.level:.0%} intervals for {result.population}, {plural(result.n_boot, 'bootstrap draw')}, seed "
            f"{result.seed}; {result.interval_method}."
        )
    tests = [test for test in run.leaderboard.pairs if test.metric == run.leaderboard.metric]
    if tests:
        said.append(f"Differences of models: {listed(sorted({test.test for test in tests}))}, Holm's correction.")
    return said


def robustness(run: Run) -> list[str]:
    """Stress runs, spread over seeds and cross-validation, as far as there are any."""
    said = [sentence for record in run.stress for sentence in record.sentences()]
    for spread in run.leaderboard.seeds:
        if run.model.name in spread.models:
            said.append(
                f"Over {len(spread.models)} training seeds, {metric_name(spread.metric)} on {SPLITS[spread.split]} is "
                f"{spread.lowest:.3f} to {spread.highest:.3f}."
            )
    return [*said, *filter(None, [cross_words(run.leaderboard, run.model.name)])]


def internal(run: Run) -> list[str]:
    """The main score on the compared split, and whether its images are like those of train."""
    board, name = run.leaderboard, run.leaderboard.metric
    where = f"{SPLITS[board.split]} images of {board.dataset}"
    said = [f"{run.model.name} has a {metric_name(name)} of {with_interval(run.result.metrics[name])} on the {where}."]
    if board.chosen_number is not None:
        text = standing(board, board.chosen_number)
        said.append(f"{text[:1].upper()}{text[1:]}.")
    return said


def external(run: Run) -> list[str]:
    """What `hybrid validate` found on other data."""
    return [text for record in run.external for text in record.sentences]


def shift(run: Run) -> list[str]:
    """Whether the compared images differ from those that the model learnt from."""
    found = run.leaderboard.shift
    return [found.sentence] if found is not None and found.tested else []


def partitions(run: Run) -> list[str]:
    """The main score on each split."""
    name = run.leaderboard.metric
    scores = {split: result.metrics.get(name) for split, result in run.model.splits.items()}
    scores[run.leaderboard.split] = run.result.metrics[name]
    texts = [f"{SPLITS[split]} {with_interval(scores[split])}" for split in SPLITS if scores.get(split) is not None]  # type: ignore[arg-type]
    return [f"{metric_name(name)[:1].upper()}{metric_name(name)[1:]}: {listed(texts)}."]


def estimates(run: Run) -> list[str]:
    """The main scores with their intervals."""
    names = [name for name in TASKS[run.result.task].report if name in run.result.metrics]
    texts = [f"{metric_name(name)} {with_interval(run.result.metrics[name])}" for name in names]
    return [f"On {SPLITS[run.leaderboard.split]}: {listed(texts, 20)}."]


def failures(run: Run) -> list[str]:
    """How many images are misclassified, by class."""
    part, result = run.leaderboard.predictions[run.number], run.result
    wrong = (part.y != part.predicted).any(axis=1) if part.y.ndim == 2 else part.y != part.predicted
    said = [f"{int(wrong.sum())} of {plural(len(wrong), f'{SPLITS[run.leaderboard.split]} image')} are misclassified."]
    if result.task == "multilabel":
        counts = [
            f"{label} {int(table[0, 1])} false positive and {int(table[1, 0])} false negative"
            for label, table in zip(result.classes, result.confusion, strict=True)
        ]
    else:
        missed = result.confusion.sum(axis=1) - np.diag(result.confusion)
        counts = [
            f"{label} {int(n)} of {int(total)}"
            for label, n, total in zip(result.classes, missed, result.confusion.sum(axis=1), strict=True)
        ]
    return [*said, f"By true {'label' if result.task == 'multilabel' else 'class'}: {listed(counts, 20)}."]


def subgroups(run: Run) -> list[str]:
    """The scores of subgroups, if they were asked for."""
    found = run.leaderboard.subgroups
    if found is None or run.model.name not in found.scores:
        return []
    return list(found.scores[run.model.name].sentences(run.leaderboard.metric))


def calibration(run: Run) -> list[str]:
    """The scores of the probabilities."""
    names = [name for name in run.result.metrics if METRICS[name].needs == "probabilities"]
    texts = [f"{metric_name(name)} {with_interval(run.result.metrics[name])}" for name in names]
    return [f"On {SPLITS[run.leaderboard.split]}: {listed(texts)}."] if texts else []
