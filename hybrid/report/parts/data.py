"""The parts of the report on the images: the data, the worst mistakes, the map of the embeddings, training."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid import plots
from hybrid.datasets.parts.groups import groups_of_splits
from hybrid.datasets.quality.label_columns import ADVICE, label_columns
from hybrid.errors import InputError
from hybrid.report.elements import figures, tables
from hybrid.report.elements.embedding import project_to_2d, sample_rows
from hybrid.report.elements.inputs import ReportInputs
from hybrid.report.elements.pictures import CHANGED, Picture, Pictures
from hybrid.report.elements.words import listed, plural
from hybrid.report.parts import cases
from hybrid.report.parts.answer import SPLITS
from hybrid.report.parts.part import Part
from hybrid.workspace.private_paths import place_name

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard
    from hybrid.embeddings.embedding_set import EmbeddingSet

_SAMPLES = 3
_MOST_CLASSES_SAMPLED = 30
_FEWEST_ON_MAP = 5


@dataclass(frozen=True)
class ShownCase:
    """An image of the page, with its picture and the lines of text beside it."""

    id: str
    picture: Picture
    lines: tuple[cases.Line, ...] = ()


def _shown_case(pictures: Pictures, id_: str, lines: tuple[cases.Line, ...] = ()) -> ShownCase:
    return ShownCase(place_name(id_), pictures(id_), lines)


def _changed(shown: Iterable[ShownCase]) -> list[str]:
    """Return a sentence on the images that have changed since the models saw them; [] if there are none."""
    changed = {case.id for case in shown if case.picture.missing == CHANGED}
    if not changed:
        return []
    have = "has" if len(changed) == 1 else "have"
    return [
        f"{plural(len(changed), 'image')} shown here {have} changed since the features were extracted; the page says "
        f"“{CHANGED}” in place of the picture."
    ]


def data(leaderboard: "Leaderboard", report_inputs: ReportInputs, pictures: Pictures) -> Part:
    """Return the number of images of each class in each split, and sample images."""
    saved = leaderboard.saved[0]
    labels = [str(label) for label in saved.classes.tolist()]
    truth = saved.y.astype(bool) if saved.y.ndim == 2 else saved.y[:, None] == saved.classes[None, :]
    splits = [split for split in ("train", "val", "test") if (saved.split == split).any()]
    counts = {s: dict(zip(labels, truth[saved.split == s].sum(axis=0).tolist(), strict=True)) for s in splits}
    totals = [int((saved.split == s).sum()) for s in splits]
    samples = [
        (
            label,
            [_shown_case(pictures, id_) for id_ in _spread(saved.ids[truth[:, k] & (saved.split == "train")])],
        )
        for k, label in enumerate(labels[:_MOST_CLASSES_SAMPLED])
    ]
    shown = any(case.picture.uri for _, row in samples for case in row)
    lead = list(report_inputs.dataset_record.notes if report_inputs.dataset_record else ())
    lead += [*_groups_of_splits(report_inputs), *_predicting_columns(report_inputs)]
    if not shown:
        lead.append(f"There are no pictures: {report_inputs.missing or 'none of the images can be shown.'}")
    lead += _changed(case for _, row in samples for case in row)
    table = tables.count_table(counts, totals, saved.y.ndim == 2)
    return Part("data", "Data", lead, [table], content={"samples": samples if shown else []})


def _groups_of_splits(report_inputs: ReportInputs) -> list[str]:
    """Return a sentence on the groups of each split; [] if the dataset has no groups or is no longer known."""
    sets = report_inputs.sets.values()
    known = (
        groups_of_splits(one.groups, one.split, one.record.dataset.group_name) for one in sets if one.groups is not None
    )
    return list(islice(known, 1))


def _predicting_columns(report_inputs: ReportInputs) -> list[str]:
    """Return sentences on the columns that predict the label, such as a hospital with mostly sick patients."""
    for one in report_inputs.sets.values():
        columns = label_columns(one.columns, one.y, one.classes, one.groups, one.keys)
        if found := [column.sentence() for column in columns if column.predicts]:
            return [*found, ADVICE]
    return []


def _spread(ids: np.ndarray) -> list[str]:
    """Return a few ids, spread evenly over all; the same ones on each call."""
    rows = np.unique(np.linspace(0, len(ids) - 1, _SAMPLES).astype(int))
    return ids[rows].tolist() if len(ids) else []


def mistakes(leaderboard: "Leaderboard", pictures: Pictures, shown: int) -> Part:
    """Return the worst mistakes of the chosen model, and the images on which the models disagree most."""
    name, parts = leaderboard.names[shown], leaderboard.predictions
    worst = cases.worst_mistakes(parts[shown])
    disputed = cases.most_disputed(parts, leaderboard.labels)
    wrong = int(_wrong(leaderboard, shown).sum())
    those = "is the one" if len(worst) == 1 else f"are the {len(worst)}"
    blocks: list[dict[str, Any]] = [
        {
            "title": "The worst mistakes",
            "words": f"{name} gets {wrong:,} of {plural(len(parts[shown]), f'{SPLITS[leaderboard.split]} image')} wrong"
            + (f"; here {those} whose true label it gave the lowest probability." if worst else "."),
            "cases": [_shown_case(pictures, case.id, case.lines) for case in worst],
        }
    ]
    if len(parts) > 1:
        blocks.append(
            {
                "title": "The most disputed",
                "words": "The models disagree most about these images; their labels may be worth a second look."
                if disputed
                else f"All models predict the same for every {SPLITS[leaderboard.split]} image.",
                "cases": [_shown_case(pictures, case.id, case.lines) for case in disputed],
            }
        )
    lead = [f"There are no pictures: {pictures.missing}"] if pictures.missing and (worst or disputed) else []
    lead += _changed(case for block in blocks for case in block["cases"])
    return Part("mistakes", "Mistakes", lead, content={"blocks": blocks})


def embedding_map(leaderboard: "Leaderboard", report_inputs: ReportInputs, shown: int, seed: int) -> Part | None:
    """Return the chosen model's features in two dimensions; None if there are too few images."""
    part = leaderboard.predictions[shown]
    rows = sample_rows(np.arange(len(part)), seed=seed)
    if len(rows) < _FEWEST_ON_MAP:
        return None
    sets = report_inputs.sets_of(leaderboard.models[shown]) or list(report_inputs.sets.values())[:1]
    if not sets:
        gone = "The map cannot be drawn: the embedding set is no longer in the workspace."
        return Part("map", "Map of the embeddings", [gone])
    try:
        X = np.concatenate([features_of(embedding_set, part.ids[rows]) for embedding_set in sets], axis=1)
    except InputError as error:
        return Part("map", "Map of the embeddings", [f"The map cannot be drawn: {error}"])
    points, method = project_to_2d(X, seed)
    codes, names = _map_classes(part.take(rows))
    wrong = _wrong(leaderboard, shown)[rows]
    drawn = plural(len(rows), f"{SPLITS[leaderboard.split]} image")
    words = f"Each point is one of {drawn}; images with similar embeddings lie close together ({method})."
    drawings = [
        figures.Drawing(
            "map-classes", "By class", words + f" Classes: {listed(names, 10)}.", plots.class_map(points, codes, names)
        ),
        figures.Drawing(
            "map-errors",
            f"By error of {leaderboard.labels[shown]}",
            words + f" Crosses mark the misclassified images ({wrong.sum()}).",
            plots.error_map(points, wrong),
        ),
    ]
    which = f"The map uses the embeddings of {listed([embedding_set.name for embedding_set in sets])}."
    return Part("map", "Map of the embeddings", [f"{words} {which}"], drawings=drawings)


def features_of(embedding_set: "EmbeddingSet", ids: np.ndarray) -> np.ndarray:
    """Return the embeddings of images in the order of `ids`."""
    order = np.argsort(embedding_set.ids, kind="stable")
    positions = np.searchsorted(embedding_set.ids, ids, sorter=order)
    rows = order[np.minimum(positions, len(order) - 1)]
    if not np.array_equal(embedding_set.ids[rows], ids):
        raise InputError(f"the embedding set {embedding_set.name!r} no longer holds the compared images.")
    return replace(embedding_set, keys=embedding_set.keys[rows]).embeddings()


def _map_classes(part: Any) -> tuple[np.ndarray, list[str]]:
    """Return the class number of each image, and the class names.

    Of more than ten classes, only the nine most frequent are named; images of the others get -1.
    """
    if part.y.ndim == 2:
        labels = np.array([" + ".join(map(str, part.classes[row])) or "none" for row in part.y.astype(bool)])
    else:
        labels = part.y.astype(str)
    names, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    kept = np.sort(np.argsort(-counts, kind="stable")[: 10 if len(names) <= 10 else 9])
    code_of = np.full(len(names), -1)
    code_of[kept] = np.arange(len(kept))
    return code_of[codes], [str(names[k]) for k in kept]


def _wrong(leaderboard: "Leaderboard", shown: int) -> np.ndarray:
    part = leaderboard.predictions[shown]
    return (part.y != part.predicted).any(axis=1) if part.y.ndim == 2 else part.y != part.predicted


def training(report_inputs: ReportInputs) -> Part | None:
    """Return the learning curves of the trained networks; None if no network was trained."""
    if not report_inputs.trainings:
        return None
    drawings = [
        figures.training_drawing(f"training-{number}", name, record)
        for number, (name, record) in enumerate(report_inputs.trainings.items(), start=1)
    ]
    combined = figures.trainings_drawing(report_inputs.trainings)
    first = [combined] if combined else drawings
    content = {"first": first, "each": drawings if combined else []}
    return Part("training", "Training of the networks", drawings=[*([combined] if combined else []), *drawings],
                content=content)  # fmt: skip
