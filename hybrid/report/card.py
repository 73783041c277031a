"""The model card of the chosen model, in Markdown (Mitchell et al., Model Cards for Model Reporting, 2019)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.comparison.own_thresholds import own_thresholds
from hybrid.evaluation import Metric
from hybrid.files import write_atomic
from hybrid.report.checklist.run import external_validations
from hybrid.report.elements.words import escaped, metric_name, with_interval
from hybrid.report.page import environment
from hybrid.report.parts.cross_validation import cross_words
from hybrid.wording import Footnotes
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.private_paths import place_name, without_places

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard
    from hybrid.report.section import ReportSection

_MOST_CLASSES = 50


def model_card(leaderboard: "Leaderboard", section: "ReportSection") -> str:
    """Return the model card of a leaderboard's chosen model as Markdown."""
    number = leaderboard.chosen_number or 0
    model, result, dataset_record = (
        leaderboard.models[number],
        leaderboard.evaluations[number],
        section.report_inputs.dataset_record,
    )
    notes = Footnotes()
    engine = environment(autoescape=False)
    engine.filters |= {"md": escaped, "with_interval": _shown}
    return engine.get_template("model-card.md").render(
        name=model.name,
        answer=section.answer,
        intro=section.intro,
        warnings=section.warnings,
        model=model,
        backbones=[place_name(backbone) for backbone in model.backbones],
        leaderboard=leaderboard,
        source=place_name(dataset_record.source) if dataset_record else "no longer known",
        notes=[without_places(note) for note in (dataset_record.notes if dataset_record else ())],
        manifest=section.report_inputs.manifests.get(model.name),
        classes=[str(label) for label in result.classes[:_MOST_CLASSES]],
        more_classes=max(len(result.classes) - _MOST_CLASSES, 0),
        scores=_scores(model, leaderboard, notes),
        footnotes=notes.lines,
        crossed=cross_words(leaderboard, model.name),
        external=[without_places(text) for one in external_validations(model) for text in one.sentences],
        thresholds=_thresholds(model, result),
        result=result,
        model_path="/".join([*model.folder.absolute().parts[-3:], "model"]),
    )


def save_card(path: Path, leaderboard: "Leaderboard", section: "ReportSection") -> Path:
    """Write the model card of a leaderboard's chosen model and return its path."""
    text = model_card(leaderboard, section)
    write_atomic(path, lambda file: file.write(text.encode()))
    return path


def _scores(model: ModelRecord, leaderboard: "Leaderboard", notes: Footnotes) -> list[tuple[str, str, str]]:
    """Return the title of each score, its value on the compared split and its value on validation, with their marks."""
    split = leaderboard.split
    val = model.splits.get("val") if split != "val" else None
    rows = []
    for name, metric in model.splits[split].metrics.items():
        on_val = val.metrics.get(name) if val else None
        mark = notes.mark(leaderboard.validation_note(model, name) if on_val or split == "val" else "")
        here = _shown(metric) + (mark if split == "val" else "")
        rows.append((metric_name(name), here, _shown(on_val) + mark if on_val else "–"))
    return rows


def _shown(metric: Metric) -> str:
    return with_interval(metric, escaped)


def _thresholds(model: ModelRecord, result: Any) -> list[tuple[str, str]]:
    if result.task == "multiclass":
        return []
    names = [result.positive] if result.task == "binary" else list(result.classes)
    return [(str(name), f"{own:g}") for name, own in zip(names, own_thresholds(model, len(names)), strict=True)]
