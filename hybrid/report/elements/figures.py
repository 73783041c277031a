"""The figures of the report, each with a description for readers who cannot see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from hybrid import plots
from hybrid.comparison.costs import COST_TITLES, cost_of, time_measure
from hybrid.evaluation import LOWER_IS_BETTER, Evaluation
from hybrid.evaluation.calibration import reliability_curve
from hybrid.evaluation.metrics import metric_for
from hybrid.files import write_atomic
from hybrid.plots.style import PANEL
from hybrid.report.elements.curves import Curve, precision_recall_points, roc_points
from hybrid.report.elements.svg import inline_svg, quiet_fonts, svg_text
from hybrid.report.elements.words import capitalized, listed, metric_name, plural, score, with_interval
from hybrid.workspace.predictions import Predictions
from hybrid.workspace.training_record import TrainingRecord

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

MOST_CLASS_CURVES = 10
MOST_MODELS = 5  # in one figure of curves
_MOST_RELIABILITY_CURVES = 3  # these cross each other most
_MOST_DESCRIBED = 12


@dataclass
class Drawing:
    """A figure that is shown in the page and saved as files.

    Attributes
    ----------
    name : str
        Name of the files, without suffix.
    title : str
        Caption below the figure.
    description : str
        Text alternative for readers who cannot see the figure.
    figure : matplotlib.figure.Figure
        The figure itself.
    """

    name: str
    title: str
    description: str
    figure: Figure

    @property
    def wide(self) -> bool:
        """Whether the figure is wider than the screen of a phone, so that it must be scrollable."""
        return self.figure.get_figwidth() > 1.5 * PANEL

    @cached_property
    def text(self) -> str:
        """The text of the figure's SVG file."""
        return svg_text(self.figure)

    def svg(self, key: str) -> Markup:
        """Return the figure as an element of the page whose ids begin with `key`."""
        return inline_svg(self.text, f"{key}-{self.name}", self.description)

    def save(self, folder: Path) -> list[Path]:
        """Write the figure as SVG and PNG; return the paths."""
        path = folder / f"{self.name}.svg"
        write_atomic(path, lambda file: file.write(self.text.encode()))
        with quiet_fonts():
            return [path, plots.save_figure(self.figure, folder / f"{self.name}.png")]


def score_drawings(leaderboard: "Leaderboard") -> list[Drawing]:
    """Draw the scores with their intervals, and the scores against the time that the models took."""
    metrics = [result.metrics[leaderboard.metric] for result in leaderboard.evaluations]
    values, ends = [metric.value for metric in metrics], [metric.interval for metric in metrics]
    level, label = f"{leaderboard.evaluations[0].level:.0%}", metric_name(leaderboard.metric)
    described = [f"{name} {with_interval(m)}" for name, m in zip(leaderboard.labels, metrics, strict=True)]
    words = f"{label} of each model with its {level} interval: {listed(described, _MOST_DESCRIBED)}."
    drawings = [
        Drawing(
            "scores",
            f"{capitalized(label)} with {level} intervals; the diamond is the chosen model",
            words,
            plots.interval_chart(leaderboard.labels, values, ends, label=label, chosen=leaderboard.chosen_number),
        )
    ]
    measure = time_measure(leaderboard.models)
    costs = [cost_of(model, measure) for model in leaderboard.models]
    if sum(cost is not None for cost in costs) > 1:
        pairs = zip(leaderboard.labels, values, costs, strict=True)
        described = [f"{name} {score(value)} in {cost:.3g} s" for name, value, cost in pairs if cost is not None]
        drawings.append(
            Drawing(
                "cost",
                f"{capitalized(label)} against the time that each model took",
                f"{label} against {COST_TITLES[measure]}: {listed(described, _MOST_DESCRIBED)}.",
                plots.cost_chart(
                    leaderboard.labels,
                    values,
                    ends,
                    costs,
                    label=label,
                    cost=COST_TITLES[measure],
                    chosen=leaderboard.chosen_number,
                    lower_is_better=leaderboard.metric in LOWER_IS_BETTER,
                ),
            )
        )
    return drawings


def curve_drawings(leaderboard: "Leaderboard", shown: int) -> list[Drawing]:
    """Draw ROC, precision-recall and reliability curves of all models, and the chosen model's ROC by class."""
    drawn = [shown, *(number for number in range(len(leaderboard.models)) if number != shown)][:MOST_MODELS]
    names = [leaderboard.labels[number] for number in drawn]
    parts = [leaderboard.predictions[number] for number in drawn]
    numbers = dict(zip(names, drawn, strict=True))  # a model has the colour that it has in the other figures
    areas = [_area(leaderboard.evaluations[number]) for number in drawn]
    return drawn_curves(numbers, parts, leaderboard.evaluations[shown], areas)


def drawn_curves(
    numbers: Mapping[str, int], parts: Sequence[Predictions], result: Evaluation, areas: Sequence[float | None]
) -> list[Drawing]:
    """Draw ROC, precision-recall and reliability curves, and for several classes the first ROC curve by class.

    Parameters
    ----------
    numbers : mapping of str to int
        The number of each curve, which decides its colour and line style, by its name.
    parts : sequence of Predictions
        The predictions of each curve, of the same classes.
    result : Evaluation
        The evaluation of the first.
    areas : sequence of float or None
        The ROC AUC of each.
    """
    names = list(numbers)
    what = "labels" if result.task == "multilabel" else "classes"
    mean = "" if result.task == "binary" else f", the mean over {len(result.classes)} {what}"
    described = [f"{name} {score(area)}" for name, area in zip(names, areas, strict=True)]
    drawings = []
    if curves := _curves(names, parts, result, roc_points):
        shown = listed(described, _MOST_DESCRIBED)
        words = f"ROC curves{mean}; curves nearer to the upper left are better. Areas: {shown}."
        drawings.append(Drawing("roc", f"ROC curves{mean}", words, plots.roc_curves(curves, numbers=numbers)))
    if curves := _curves(names, parts, result, precision_recall_points):
        words = f"Precision against recall{mean}; curves nearer to the upper right are better."
        share = _truth(parts[0], result).mean() if result.task == "binary" else None
        figure = plots.precision_recall_curves(curves, prevalence=share, numbers=numbers)
        drawings.append(Drawing("precision-recall", f"Precision against recall{mean}", words, figure))
    few = dict(list(numbers.items())[:_MOST_RELIABILITY_CURVES])
    drawings += _reliability(few, parts[: len(few)], result)
    if result.task != "binary" and len(result.classes) <= MOST_CLASS_CURVES:
        drawings += _class_curves(names[0], parts[0], result)
    return drawings


def _curves(
    names: list[str],
    parts: Sequence[Predictions],
    result: Evaluation,
    points: Callable[[np.ndarray, np.ndarray], Curve | None],
) -> dict[str, Curve]:
    all_curves = {
        name: points(_truth(part, result), _scores(part, result)) for name, part in zip(names, parts, strict=True)
    }
    return {name: curve for name, curve in all_curves.items() if curve is not None}


def _reliability(numbers: Mapping[str, int], parts: Sequence[Predictions], result: Evaluation) -> list[Drawing]:
    curves = {}
    for name, part in zip(numbers, parts, strict=True):
        curve = reliability_curve(part.y, part.proba, part.classes.tolist(), pos_label=result.positive)
        curves[name] = (curve.predicted, curve.observed)
    event = {"binary": str(result.positive), "multiclass": "right", "multilabel": "there"}[result.task]
    share = {
        "binary": f"images of class {result.positive}",
        "multiclass": "correctly classified images",
        "multilabel": "images that have the label",
    }[result.task]
    words = f"Share of {share} against the predicted probability; the diagonal is perfect calibration."
    return [
        Drawing(
            "reliability",
            "Reliability of the probabilities",
            words,
            plots.reliability_curves(curves, event=event, numbers=numbers),
        )
    ]


def _class_curves(model: str, part: Predictions, result: Evaluation) -> list[Drawing]:
    truth = _truth(part, result)
    all_curves = {str(label): roc_points(truth[:, k], part.proba[:, k]) for k, label in enumerate(result.classes)}
    curves = {label: curve for label, curve in all_curves.items() if curve is not None}
    areas = [f"{label} {score(result.per_class[label]['roc_auc'].value)}" for label in result.classes]
    words = f"ROC curve of each class against the rest, of {model}. Areas: {listed(areas, _MOST_DESCRIBED)}."
    return (
        [Drawing("roc-classes", f"ROC curve of each class of {model}", words, plots.roc_curves(curves))]
        if curves
        else []
    )


def confusion_drawing(name: str, model: str, result: Evaluation) -> Drawing:
    """Draw the confusion matrix of one model."""
    figure = plots.confusion_matrices([model], [result.confusion], result.classes)
    words = f"Confusion matrix of {model}: {len(result.classes)} classes, true in rows, predicted in columns."
    return Drawing(name, f"Confusion matrix of {model}", words, figure)


def training_drawing(name: str, network: str, record: TrainingRecord) -> Drawing:
    """Draw the learning curves of a network."""
    history, best = record.history, record.best_epoch
    figure = plots.training_curves(history, stacked=True)
    if isinstance(best, dict):
        kept = listed([f"{label} {epoch}" for label, epoch in best.items()], _MOST_DESCRIBED)
        words = f"Loss and accuracy of {network} on train and validation, one network per label; epochs kept: {kept}."
    else:
        words = (
            f"Loss and accuracy of {network} on train and validation over {plural(len(history['loss']), 'epoch')}; "
            f"the weights of epoch {best} were kept."
        )
    return Drawing(name, words, words, figure)


def trainings_drawing(records: Mapping[str, TrainingRecord]) -> Drawing | None:
    """Draw the validation curves of several networks in one figure; return None if there are fewer than two."""
    histories = {name: record.history for name, record in records.items() if not record.per_label}
    if len(histories) < 2:
        return None
    figure = plots.training_curves(histories, stacked=True, parts=("validation",))
    lowest = [f"{name} {min(history['val_loss']):.3f}" for name, history in histories.items()]
    words = (
        "Loss and accuracy of all networks on validation; a dot marks the best epoch of each network. "
        f"Lowest losses: {listed(lowest, _MOST_DESCRIBED)}."
    )
    return Drawing("trainings", words, words, figure)


def _truth(part: Predictions, result: Evaluation) -> np.ndarray:
    """Return the true labels as booleans, of shape (n,) for two classes and (n, k) otherwise."""
    if part.y.ndim == 2:
        return part.y.astype(bool)
    if result.task == "binary":
        return part.y == result.positive
    return part.y[:, None] == part.classes[None, :]


def _scores(part: Predictions, result: Evaluation) -> np.ndarray:
    return part.proba[:, result.classes.index(result.positive)] if result.task == "binary" else part.proba


def _area(result: Evaluation) -> float | None:
    return result.metrics[metric_for("roc_auc", result.task).name].value
