"""`adapt`: adapt a saved model to a new site, judge it on the other images of this site, and save it."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hybrid.adaptation.adaptation import Adaptation
from hybrid.adaptation.automatic import adapt_automatically
from hybrid.adaptation.curve import DRAWS, AdaptingCurve, adapting_curve
from hybrid.adaptation.draws import check_number, draw_images, sizes_up_to
from hybrid.adaptation.judge import judge, metrics_shown
from hybrid.adaptation.methods import AUTO, METHODS, NONE, Parent, SiteImages, adapt_with
from hybrid.adaptation.origin import Origin, origin_of, unseen
from hybrid.adaptation.save import save_adapted
from hybrid.datasets import Dataset
from hybrid.datasets.parts.split import SPLITS
from hybrid.errors import InputError, unknown_name
from hybrid.external import NewData, new_data
from hybrid.pipelines.aim import Aim
from hybrid.pipelines.saved.adapted_from import AdaptedFrom
from hybrid.progress import Progress
from hybrid.wording import joined, number
from hybrid.workspace.workspace import DEFAULT_WORKSPACE, Workspace, check_name, slug


def adapt(
    model: str | Path,
    dataset: str | Path | Dataset,
    *,
    images: int | None = None,
    split: str | Sequence[str] | None = None,
    method: str = AUTO,
    aim: str | None = None,
    metric: str | None = None,
    class_map: Mapping[str, str | None] | None = None,
    curve: bool = True,
    draws: int = DRAWS,
    name: str | None = None,
    random_state: int = 0,
    workspace: str | Path = DEFAULT_WORKSPACE,
    on_bad: str = "raise",
    progress: Progress | None = None,
    curve_progress: Progress | None = None,
) -> Adaptation:
    """Adapt a saved model to a new site with some labelled images, judge it on the others, and save it.

    The model is adapted to `images` images that are drawn at random, or to those of a split, and judged on the other
    images. Groups, such as patients, and copies of an image are never in both parts. Images that the model has seen
    before, in training, validation or test, are left out. Where ``"auto"`` chooses no change, nothing is saved.

    Parameters
    ----------
    model : str or Path
        The folder or .zip file of a saved model, or the name of a model in the workspace.
    dataset : str, path or Dataset
        Labelled images of the new site, as `load_dataset` takes them.
    images : int, optional
        Number of images to adapt to, at least 10 and at most half of them.
    split : str or sequence of str, optional
        The split, or the splits, to adapt to, in place of `images`: ``"train"``, ``"val"`` or ``"test"``. The model is
        judged on the others.
    method : {"auto", "threshold", "intercept", "calibration", "refit"}, default="auto"
        ``"threshold"`` chooses a new threshold. ``"intercept"`` and ``"calibration"`` give the probabilities a new
        intercept, or a new intercept and slope. ``"refit"`` fits the head again, to old and new images together. With
        ``"auto"``, a cross-validation within the adapting images chooses among these, except for the threshold, and no
        change.
    aim : str, optional
        What thresholds are chosen for, such as ``"recall=0.95"``, as in `adjust`. By default the aim of the model. If
        it has none, the threshold follows from the class weights, and ``"threshold"`` aims at balanced accuracy with
        balanced class weights, and at accuracy without.
    metric : str, optional
        The score that the curve and the sentences are about. By default balanced accuracy, or the macro average of F1
        for several labels.
    class_map : mapping of str to (str or None), optional
        The model's class for classes of the dataset that have another name; None for classes to leave out.
    curve : bool, default=True
        Whether to draw the curve of scores against the number of labelled images, with every method.
    draws : int, default=10
        Number of draws of the curve.
    name : str, optional
        Name of the adapted model. By default the name of the model, ``adapted``, and that of the dataset.
    random_state : int, default=0
        Seed of the draws and of all folds.
    workspace : str or Path, default="hybrid_runs"
        Where the model is looked up by its name, and the adapted model is saved.
    on_bad : {"raise", "skip"}, default="raise"
        What to do with an image that cannot be decoded.
    progress, curve_progress : callable, optional
        Called with the number of finished images, or of finished steps of the curve, and their total number.

    Returns
    -------
    Adaptation
        The scores of both models on the judging images, the tests of their differences, the curve, and the name of the
        saved model.

    Raises
    ------
    InputError
        If the model or the dataset cannot be read, the images do not suffice, the method does not suit the model, or
        its training images, which a refit needs, are not there.

    Warns
    -----
    UserWarning
        If images are left out because the model has seen them, or could not be decoded; or if it is not known whether
        the model has seen them, because it is not in a workspace.

    Examples
    --------
    >>> from hybrid import FeatureExtractor, make_pipeline, save_model
    >>> images = np.repeat(np.arange(40, 240, 2, dtype=np.uint8), 256).reshape(100, 16, 16)
    >>> labels = ["dark"] * 50 + ["light"] * 50
    >>> pipeline = make_pipeline(FeatureExtractor("convnet_small", size=16), "softmax").fit(images, labels)
    >>> model = save_model(pipeline, "here")
    >>> there = Dataset.from_arrays(images // 2 + 20, labels)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     result = adapt(model, there, images=20, method="intercept", curve=False)
    >>> result.model, result.judging
    ('here-adapted-arrays', 80)
    """
    if (images is None) == (split is None):
        raise InputError("Give either a number of images to adapt to, or a split, and not both.")
    if aim is not None:
        Aim.parse(aim)
    place = Workspace(workspace)
    data = new_data(model, dataset, class_map=class_map, workspace=workspace, on_bad=on_bad, progress=progress)
    _check(data)
    origin = origin_of(data)
    kept, notes = _kept(data, origin)
    data = data.take(kept)
    positive = origin.record.positive if origin.record else data.classes.tolist()[-1]
    parent = Parent(
        data.head,
        data.task,
        origin.old(),
        no_old=origin.missing,
        aim=aim,
        positive=positive if data.task == "binary" else None,
        random_state=random_state,
    )
    parent.check(method)
    metrics = metrics_shown(data.task, metric)
    site = SiteImages(data.X, data.y, data.groups, data.proba, data.predicted)
    splits = _splits(split)
    adapting, judging = _parts(data, images, splits, random_state)
    part, others = site.take(adapting), site.take(judging)
    adapted = adapt_automatically(parent, part) if method == AUTO else adapt_with(method, parent, part)
    judged = judge(adapted, others, data.classes.tolist(), parent.positive, metrics, random_state)
    drawn = None
    if curve:
        drawn = _curve(parent, site, adapting, judging, bool(splits), metrics, draws, random_state, curve_progress)
    ancestry = AdaptedFrom(
        parent=data.name,
        parent_sha256=origin.sha256,
        method=adapted.method,
        data=data.dataset.name,
        images=len(adapting),
        digests=tuple(sorted(data.keys[row].tobytes().hex() for row in adapting)),
        share=adapted.share,
        split="+".join(splits) or None,
        seed=random_state,
        groups=None if part.groups is None else len(np.unique(part.groups)),
        group_name=data.group_name,
    )
    saved = None
    if adapted.method != NONE:
        saved = save_adapted(adapted, data, origin, ancestry, check_name(name) if name else _name(data), place)
    return Adaptation(
        model=saved.name if saved else None,
        folder=saved.folder if saved else None,
        ancestry=ancestry,
        asked=method,
        available=len(site),
        judging=len(others),
        judging_groups=None if others.groups is None else len(np.unique(others.groups)),
        metrics=metrics,
        evaluations=judged.evaluations,
        tests=tuple(replace(test, group_name=data.group_name) for test in judged.tests),
        lines=judged.lines,
        curve=drawn,
        unavailable=parent.unavailable,
        notes=(*adapted.notes, *(saved.notes if saved else ())),
        warnings=tuple(notes),
    )


def _check(data: NewData) -> None:
    """Raise `InputError` if a model cannot be adapted to a dataset at all."""
    if data.manifest.views is not None:
        raise InputError(
            "The predictions of this model are means over the views of each image. Adapting such means is not "
            "supported: adapt a model whose set was extracted without views, or with --views-of train."
        )
    if data.mapping.missing and (data.task == "multilabel" or data.known.sum() < 2):
        raise InputError(
            f"{data.dataset.name} lacks {joined(list(data.mapping.missing))}: adapting a model needs images with and "
            "without each of its labels."
            if data.task == "multilabel"
            else f"{data.dataset.name} has images of one class only: adapting a model needs at least two."
        )


def _kept(data: NewData, origin: Origin) -> tuple[NDArray[np.bool_], list[str]]:
    """Return which images are new to the model, and warnings, which are also issued."""
    kept, left_out = unseen(data, origin)
    notes = [*data.mapping.notes(), *([left_out] if left_out else [])]
    if data.skipped:
        notes.append(
            f"{number(len(data.skipped), 'image')} could not be decoded and {_were(len(data.skipped))} skipped."
        )
    if not origin.seen:
        notes.append(
            f"Whether {data.name} has seen some of these images is not known, because {origin.missing}. Make sure that "
            "it was not trained, validated or tested on them."
        )
    for text in notes:
        warnings.warn(text, stacklevel=3)
    return kept, notes


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _splits(given: str | Sequence[str] | None) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(dict.fromkeys(given or ()))
    for name in names:
        if name not in SPLITS:
            raise unknown_name("split", name, SPLITS)
    return names


def _parts(
    data: NewData, images: int | None, splits: tuple[str, ...], random_state: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of the adapting images, and those of the images to judge on."""
    if images is not None:
        check_number(images, len(data))
        drawn = draw_images(data.y, data.groups, images, random_state)
        return drawn.order, drawn.judging
    inside = np.isin(data.dataset.split[data.rows], splits)
    others = ~inside
    if data.groups is not None:
        others &= ~np.isin(data.groups, data.groups[inside])
    for rows, what in ((inside, f"in the split {joined(splits)}"), (others, "in the other splits, to judge it on")):
        if rows.sum() < 10:
            raise InputError(
                f"{data.dataset.name} has {number(int(rows.sum()), 'image')} that {data.name} has not seen {what}; "
                "expected at least 10."
            )
    return np.flatnonzero(inside), np.flatnonzero(others)


def _curve(
    parent: Parent,
    site: SiteImages,
    adapting: NDArray[np.intp],
    judging: NDArray[np.intp],
    of_split: bool,
    metrics: tuple[str, ...],
    draws: int,
    random_state: int,
    progress: Progress | None,
) -> AdaptingCurve:
    pool = site.take(adapting) if of_split else site
    most = len(pool) if of_split else len(pool) // 2
    return adapting_curve(
        parent,
        pool,
        sizes_up_to(most, also=len(adapting)),
        metrics,
        judging=site.take(judging) if of_split else None,
        methods=[*(name for name in METHODS if name not in parent.unavailable), AUTO],
        draws=draws,
        random_state=random_state,
        progress=progress,
    )


def _name(data: NewData) -> str:
    return slug(data.name, "adapted", data.dataset.name)
