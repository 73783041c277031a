"""The part of the report on whether a model is worth using: decision curves, and predictive values at a prevalence."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hybrid import plots
from hybrid.comparison.find_usefulness import curve_of
from hybrid.comparison.usefulness import Usefulness
from hybrid.evaluation import DecisionCurve, Metric, PredictiveValues, decision_curve
from hybrid.report.elements.figures import MOST_MODELS, Drawing
from hybrid.report.elements.table import Cell, Column, Table, text_cell
from hybrid.report.elements.tables import metric_cell
from hybrid.report.elements.words import score
from hybrid.report.parts.part import Part
from hybrid.wording import Footnotes
from hybrid.workspace.workspace import slug

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard
    from hybrid.external.result import ExternalResult

_MOST_LABELS = 6
_TITLE = "Is it worth using?"
_MEANING = (
    "To treat an image means to act on it as on an image of the class. Whoever treats from a threshold probability of "
    ".10 on accepts nine treatments in vain for one that is needed. The net benefit counts the needed treatments minus "
    "those in vain, weighted in this way, per image: a model is worth using where its net benefit is higher than that "
    "of treating all images and of treating none."
)
_TOGETHER = "Net benefit compares treating with not treating, so there is no decision curve of several {} together."
_SEVERAL = (
    f"{_TOGETHER.format('classes')} For one class against the rest, name the class and its share where the model would "
    "be used: hybrid compare --prevalence CLASS=0.05."
)
_NO_CURVE = {
    "binary": "A decision curve needs images with and without the class; these are all of one class.",
    "multiclass": f"{_TOGETHER.format('classes')} For the predictive values of one class against the rest, name the "
    "class and its share where the model would be used: hybrid validate --prevalence CLASS=0.05.",
    "multilabel": f"{_TOGETHER.format('labels')} In Python, hybrid.evaluation.decision_curve returns that of each "
    "label; for the predictive values of a label, name its share: hybrid validate --prevalence LABEL=0.05.",
}
_AS_HERE = "This holds if the class is as frequent where the model would be used as among these images."
_AS_IT_IS = "The model's probabilities are not adapted to these images, on which they may not be calibrated."
_VALUES_HOLD = "The predictive values hold if the images of each class are like these."
_VALUES = "This holds if the images of each class are like these."


def worth(leaderboard: "Leaderboard", shown: int) -> Part | None:
    """Return decision curves and predictive values; None on train and for images of a single class."""
    useful = leaderboard.useful
    if not useful:
        several = leaderboard.task == "multiclass" and leaderboard.split != "train"
        return Part("worth", _TITLE, [_SEVERAL]) if several else None
    lead, tables, drawings, saved = [], [], [], []
    for number, (label, models) in enumerate(list(useful.items())[:_MOST_LABELS]):
        suffix = "" if len(useful) == 1 else f"-{number + 1}-{slug(str(label))}"
        curves = _curves(leaderboard, shown, label)
        chosen = next(iter(curves.values()))
        prefix = "" if len(useful) == 1 else f"{label}: "
        lead.append(prefix + " ".join(chosen.sentences(leaderboard.names[shown])))
        tables.append(_table(leaderboard, label, models, shown, suffix))
        drawings.append(_drawing(leaderboard, curves, models, label, shown, suffix))
        saved.append(_whole(curves, suffix))
    if len(useful) > _MOST_LABELS:
        lead.append(f"Only the first {_MOST_LABELS} of {len(useful)} labels are shown.")
    return Part("worth", _TITLE, [*lead, _MEANING, _limits(leaderboard)], tables, drawings, saved)


def external_worth(result: "ExternalResult") -> Part:
    """Return the decision curve of a model of two classes on other data, and predictive values at a named prevalence.

    Other tasks and a single class have a sentence on why there is no curve.
    """
    evaluation, part = result.evaluation, result.external.predictions
    label, values = evaluation.positive, result.predictive_values
    tables = [_values_table(values)] if values else []
    if label is None or not 0 < evaluation.per_class[label]["support"] < evaluation.n:
        lead = [_NO_CURVE[evaluation.task], *([_VALUES_HOLD] if values else [])]
        return Part("worth", _TITLE, lead, tables, template="plain")
    named = next((one.prevalence for one in values if one.positive == label), None)
    refers_to = result.own.record.frequencies.get(str(label)) if result.own.record else None
    curve = decision_curve(
        part.y,
        part.proba,
        part.classes.tolist(),
        pos_label=label,
        groups=part.groups,
        prevalence=named,
        proba_prevalence=refers_to,
        fixed_classes=False,
    )
    curves, sentences = {result.model: curve}, curve.sentences(result.model)
    limits = f"{_AS_HERE} {_AS_IT_IS}"
    if named is not None:
        limits = f"{_VALUES} {_taken_as_known({str(label): named}, refers_to is not None)} {_AS_IT_IS}"
    lead = [" ".join(sentences), _MEANING, limits]
    figure = plots.decision_curves(curves, band=result.model, numbers={result.model: 0})
    words = f"Net benefit against the threshold probability of {label}. {sentences[0]}"
    title = f"Decision curve of {label}; thin lines: its {curve.level:.0%} interval"
    drawing = Drawing("decision-curve", title, words, figure)
    return Part("worth", _TITLE, lead, tables, [drawing], [_whole(curves, "")], template="plain")


def _values_table(values: Sequence[PredictiveValues]) -> Table:
    """Return the predictive values of each class or label whose prevalence was named."""
    notes = Footnotes()
    columns = [Column("class", "class", numeric=False), Column("prevalence", "prevalence")]
    rows = [
        [
            text_cell(str(one.positive)),
            Cell(one.prevalence, f"{one.prevalence:.3g}"),
            *(metric_cell(name, metric, notes) for name, metric in (("ppv", one.ppv), ("npv", one.npv))),
        ]
        for one in values
    ]
    caption = f"Predictive values at the named prevalence, with {values[0].level:.0%} intervals"
    columns += [Column("ppv", "PPV"), Column("npv", "NPV")]
    return Table("predictive-values", caption, columns, rows, notes=notes.lines)


def _limits(leaderboard: "Leaderboard") -> str:
    """Return what the net benefit needs: calibrated probabilities, and the prevalence of the population."""
    calibrated = "This holds if the probabilities are calibrated (see “Curves”)"
    if not leaderboard.prevalence:
        return (
            f"{calibrated} and the class is as frequent where the model would be used as among these images. For "
            "another prevalence: hybrid compare --prevalence 0.05."
        )
    known = all(name in model.frequencies for model in leaderboard.models for name in leaderboard.prevalence)
    return f"{calibrated} and the images of each class are like these. {_taken_as_known(leaderboard.prevalence, known)}"


def _taken_as_known(prevalence: Mapping[str, float], converted: bool) -> str:
    """Return that the named prevalence is taken as known, and whether probabilities are converted to it."""
    shares = ", ".join(f"{name} {share:.3g}" for name, share in prevalence.items())
    what = (
        "and probabilities are converted to it by Bayes' rule"
        if converted
        else "but a model does not say which prevalence its probabilities refer to, so they are used as they are"
    )
    return f"The named prevalence ({shares}) is taken as known, {what}."


def _curves(leaderboard: "Leaderboard", shown: int, label: Any) -> dict[str, DecisionCurve]:
    """Return the decision curves of the chosen model and, of two classes, of others, by the models' labels."""
    others = [number for number in range(len(leaderboard.models)) if number != shown]
    drawn = [shown, *(others if leaderboard.task == "binary" else [])][:MOST_MODELS]
    pairs = [(leaderboard.models[number], leaderboard.predictions[number]) for number in drawn]
    return {leaderboard.label(model.name): curve_of(leaderboard, model, part, label) for model, part in pairs}


def _table(leaderboard: "Leaderboard", label: Any, models: list[Usefulness], shown: int, suffix: str) -> Table:
    named, notes = str(label) in leaderboard.prevalence, Footnotes()
    columns = [Column("model", "model", numeric=False)]
    columns += [Column("ppv", "PPV"), Column("npv", "NPV")] if named else []
    columns += [Column("threshold", "threshold probability"), Column("net_benefit", "net benefit")]
    columns += [Column("treat_all", "net benefit of treating all")]
    rows = [
        [
            Cell(one.model, leaderboard.label(one.model)),
            *(
                metric_cell(name, metric, notes)
                for name, metric in (() if one.values is None else (("ppv", one.values.ppv), ("npv", one.values.npv)))
            ),
            Cell(one.threshold, score(one.threshold)),
            _with_bounds(one.net_benefit, notes),
            Cell(float(one.at_threshold.treat_all[0]), score(float(one.at_threshold.treat_all[0]))),
        ]
        for one in models
    ]
    share = models[0].at_threshold.prevalence
    where = f"where {share:.3g} of the images are {label}" if named else f"of {label}, {share:.3g} of these images"
    level = f"{models[0].at_threshold.level:.0%}"
    threshold = "a threshold probability of 0.5" if leaderboard.task == "multiclass" else "each model's own threshold"
    caption = f"At {threshold}, {where}, with {level} intervals"
    return Table(f"usefulness{suffix}", caption, columns, rows, sortable=True, marked=shown, notes=notes.lines)


def _with_bounds(metric: Metric, notes: Footnotes) -> Cell:
    """Return the cell of a net benefit, whose bounds may be negative, so that no dash stands between them."""
    cell = metric_cell("net_benefit", metric, notes)
    return replace(cell, sub=metric.bounds_text(" to ").replace("-", "−"))


def _drawing(
    leaderboard: "Leaderboard",
    curves: dict[str, DecisionCurve],
    models: list[Usefulness],
    label: Any,
    shown: int,
    suffix: str,
) -> Drawing:
    own = {leaderboard.label(one.model): (one.threshold, float(one.at_threshold.net_benefit[0])) for one in models}
    numbers = {name: leaderboard.labels.index(name) for name in curves}
    chosen = leaderboard.labels[shown]
    figure = plots.decision_curves(curves, band=chosen, own=own, numbers=numbers)
    words = f"Net benefit against the threshold probability of {label}. {curves[chosen].sentences(chosen)[0]}"
    title = f"Decision curves of {label}; thin lines: the {curves[chosen].level:.0%} interval of {chosen}; dots: the "
    return Drawing(f"decision-curve{suffix}", f"{title}models' own thresholds", words, figure)


def _whole(curves: dict[str, DecisionCurve], suffix: str) -> Table:
    """Return the curves as a table that is saved: one row for each model and threshold probability."""
    names = ("threshold", "net_benefit", "low", "high", "treat_all", "gain", "gain_low", "gain_high")
    columns = [Column("model", "model", numeric=False), *(Column(name, name.replace("_", " ")) for name in names)]
    rows = [
        [Cell(name, name), *(Cell(None if value != value else value, score(value)) for value in row)]
        for name, curve in curves.items()
        for row in curve.table().to_numpy().tolist()
    ]
    return Table(f"decision-curves{suffix}", "Decision curves", columns, rows)
