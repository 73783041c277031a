"""Run and print the cross-validation of `hybrid compare --cv`."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hybrid.cli.output import format_metric, loud_warnings, print_footnotes, print_notes, print_table, progress_bar
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.wording import Footnotes
from hybrid.workspace.workspace import Workspace

if TYPE_CHECKING:
    from hybrid.comparison.cross_validation_result import CrossValidation

_COLUMNS = 4  # further scores, besides the one by which models are sorted
_MAX_PAIRS = 10  # pairs that can be told apart, at most so many of which are printed


def run_cross_validation(
    place: Workspace,
    cv: str | None,
    seed: int,
    metric: str | None,
    models: Sequence[str],
    domains: str | None = None,
) -> list["CrossValidation"]:
    """Cross-validate the named models of a workspace, or all if none is named, with a progress bar."""
    from hybrid.comparison.cross_validate import cross_validate_models
    from hybrid.pipelines.folds import parse_folds

    folds, repeats = parse_folds(cv or "5")
    with progress_bar("cross-validation") as progress, loud_warnings():
        return cross_validate_models(
            place,
            folds=folds,
            repeats=repeats,
            seed=seed,
            metric=metric,
            domains=domains,
            models=models or None,
            progress=progress,
        )


def show_cross_validation(result: "CrossValidation", label: Callable[[str], str] = str) -> None:
    """Print mean, interval and spread of each model's scores, and the pairs of models that can be told apart.

    `label` returns the short name of a model.
    """
    others = [name for name in TASKS[result.task].terminal if name != result.metric][:_COLUMNS]
    notes = Footnotes()
    rows = [
        [
            f"{label(row['model'])} *" if row["flattered"] else label(row["model"]),
            format_metric(mean, notes=notes),
            _figure(row["sd_folds"]),
            _figure(row["sd_seeds"]),
            f"{row['seconds']:.1f}",
            *(_figure(row[name]) for name in others),
        ]
        for row, mean in zip(result.rows, result.means, strict=True)
    ]
    title = (
        f"{result.dataset}, {result.division} of train and validation: "
        f"{result.images_of_groups}, best {result.metric} first, with mean and 95% interval"
    )
    columns = ["model", result.metric, "SD of folds", "SD of seeds", "wall-clock s", *others]
    print_table(title, columns, rows, optional=len(others))
    print_footnotes(notes)
    if result.domains:
        _print_domains(result, label)
    distinguishable = [pair for pair in result.pairs if pair.distinguishable]
    sentences = [pair.sentence() for pair in distinguishable[:_MAX_PAIRS]]
    rest = len(result.pairs) - len(distinguishable)
    if rest:
        sentences.append(f"{rest} of {len(result.pairs)} pairs cannot be told apart")
    footnote = ["*: too optimistic, see below."] if any(row["flattered"] for row in result.rows) else []
    print_notes([*footnote, *(f"{text}." for text in sentences), *result.notes])


def _print_domains(result: "CrossValidation", label: Callable[[str], str]) -> None:
    """Print the score of each model on each domain that was left out."""
    rows = [
        [
            label(model.name),
            *(_figure(None if value != value else value) for value in model.scores[result.metric].ravel()),
        ]
        for model in result.models
    ]
    columns = [f"{name} ({n})" for name, n in zip(result.domains, result.domain_images, strict=True)]
    title = f"{result.metric} on each {result.domain} that was left out, with its number of images"
    print_table(title, ["model", *columns], rows)


def _figure(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}"
