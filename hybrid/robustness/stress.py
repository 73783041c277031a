"""`stress`: the scores of a saved model on images that are corrupted step by step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.datasets import Dataset
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation import PairedEvaluation, PairedTest
from hybrid.evaluation.metrics import metrics_of
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.external.new_data import NewData, new_data
from hybrid.extractors.images.corruptions import POLICY, CorruptedSource, Corruption, all_corruptions
from hybrid.extractors.images.digests import digest_keys
from hybrid.extractors.store.store import EmbeddingStore
from hybrid.models.find_model import find_model
from hybrid.models.predict import extract_to_store, predict_checked
from hybrid.pipelines.build import extractors_of
from hybrid.pipelines.views import ViewPipeline
from hybrid.progress import Progress
from hybrid.robustness.own_data import OwnData, own_data, record_of
from hybrid.robustness.record import StressedScores, StressRecord, stress_path
from hybrid.wording import number
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import DEFAULT_WORKSPACE, Workspace

CLEAN = "clean"
_FEWEST = 2  # images


def stress(
    model: str | Path,
    dataset: "str | Path | Dataset | None" = None,
    *,
    split: str | None = None,
    class_map: Mapping[str, str | None] | None = None,
    images: int | None = None,
    metric: str | None = None,
    workspace: str | Path = DEFAULT_WORKSPACE,
    on_bad: str = "raise",
    n_boot: int = 2000,
    random_state: int = 0,
    tell: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> StressRecord:
    """Return the scores of a saved model on corrupted images, as ``hybrid stress`` does, and save them.

    Blur, noise, less contrast, JPEG compression and rotation are applied in five strengths each to the pixels that the
    network sees; `hybrid.extractors.images.corruptions` defines them. Embeddings are stored, so that another model
    on the same network, or another run, needs no network.

    Parameters
    ----------
    model : str or Path
        The folder or .zip file of a saved model, or the name of a model in the workspace.
    dataset : str, path or Dataset, optional
        A labelled dataset, as `load_dataset` takes it. By default, the one that the model of the workspace was fitted
        to, whose train images are not used. Of other datasets, images that the model was fitted to are left out as far
        as the workspace knows them.
    split : {"train", "val", "test"}, optional
        The images to use. By default test of the model's own data, and all images of other datasets. A run on test of
        the own data is a look at test, which the history of the workspace records.
    class_map : mapping of str to (str or None), optional
        The model's class for classes of the dataset that have another name, as for `hybrid.external.new_data`.
    images : int, optional
        Use a random sample of at most this many images.
    metric : str, optional
        The main score, whose differences are tested and stated in words. By default the one that orders models: the ROC
        AUC for two classes, accuracy for more, and mean average precision for several labels.
    workspace : str or Path, default="hybrid_runs"
        The workspace in which a model is looked up by its name, and in which the record is saved.
    on_bad : {"raise", "skip"}, default="raise"
        What to do with an image that cannot be decoded.
    n_boot : int, default=2000
        Number of bootstrap draws for intervals and tests.
    random_state : int, default=0
        Seed of the corruptions, the sample and the draws.
    tell : callable, optional
        Called with a sentence on what the run will cost, before it starts.
    progress : callable, optional
        Called with the number of finished images and the total number of images.

    Returns
    -------
    StressRecord
        Scores with intervals for each corruption and strength, and the differences from the unchanged images, tested in
        pairs on the same images and corrected for all tests. It is also written to ``stress/`` in the workspace.

    Raises
    ------
    InputError
        If the model or the dataset cannot be read or do not fit together, the model's own data are not known or have
        changed, test is locked, or too few images are left.
    """
    place = Workspace(workspace)
    path = find_model(str(model), workspace)
    own = own_data(path) if dataset is None else None
    if own is not None:
        own.check_split(split := split or "test")
    given: Any = own.dataset if own is not None else dataset
    data = new_data(path, given, split=split, class_map=class_map, workspace=workspace, on_bad=on_bad)
    metric = _checked_metric(metric, data.task)
    data, notes = _chosen(data, own, path, images, random_state)
    corruptions = all_corruptions(random_state)
    if tell:
        tell(_cost(data, corruptions))
    scores = _predictions(data, corruptions, progress)
    record = _record(data, scores, corruptions, metric, record_of(path), n_boot, random_state)
    record = replace(record, split=split, notes=(*notes, *data.mapping.notes()))
    if own is not None and split == "test":
        own.add_look()
    target = stress_path(place, record.model, record.dataset)
    record.write(target)
    return replace(record, path=target)


def _checked_metric(metric: str | None, task: str) -> str:
    if metric is not None and metric not in metrics_of(task):
        raise unknown_name("metric", metric, metrics_of(task))
    return metric or TASKS[task].ordering


def _chosen(
    data: NewData, own: OwnData | None, path: Path, images: int | None, seed: int
) -> tuple[NewData, tuple[str, ...]]:
    """Return the images to use, and notes on those that are left out."""
    notes = []
    if own is not None:
        own.check_unchanged(data.keys)
    elif (seen := OwnData.fitted_to(path, data.keys)).any():
        data = data.take(~seen)
        notes.append(f"{number(int(seen.sum()), 'image')} that the model was fitted to or chosen on: left out.")
    if images is not None and images < len(data):
        notes.append(f"A random sample of {images} of {len(data)} images.")
        data = data.take(np.sort(np.random.default_rng(seed).choice(len(data), images, replace=False)))
    if len(data) < _FEWEST:
        raise InputError(f"{number(len(data), 'image')} can be used; expected at least {_FEWEST}.")
    return data, tuple(notes)


def _cost(data: NewData, corruptions: list[Corruption]) -> str:
    """Return a sentence on how many images must go through the network."""
    pipeline = data.model.pipeline
    total, missing = len(corruptions) * len(data), 0
    if isinstance(pipeline, ViewPipeline):
        each = 1 + pipeline.views.number
        return f"Up to {total * each:,} images go through the network: {each} views of {total:,} corrupted images."
    for extractor in extractors_of(pipeline[0]):
        store = EmbeddingStore(extractor.cache_folder, extractor.resolve())
        for corruption in corruptions:
            keys = digest_keys([corruption.key(digest) for digest in map(bytes, data.keys)])
            missing += int((~store.contains(keys)).sum())
    start = f"{len(corruptions)} corruptions of {number(len(data), 'image')}:"
    if not missing:
        return f"{start} all embeddings are stored, so no network is needed."
    size = 4 * data.X.shape[1] * missing / len(extractors_of(pipeline[0])) / 1e6
    return f"{start} {number(missing, 'image')} go through the network, and about {max(size, 1):.0f} MB are stored."


@dataclass(frozen=True, eq=False)
class _Predictions:
    """Probabilities (n, k) and predicted labels of the images with one corruption, or unchanged."""

    proba: np.ndarray
    predicted: np.ndarray


def _predictions(data: NewData, corruptions: list[Corruption], progress: Progress | None) -> dict[str, _Predictions]:
    """Return the predictions for the unchanged images and for each corruption, by name."""
    pipeline, paths = data.model.pipeline, data.dataset.X[data.rows]
    found = {CLEAN: _Predictions(data.proba, data.predicted)}
    for position, corruption in enumerate(corruptions):
        source: Any = CorruptedSource(paths, corruption)
        extract_to_store(pipeline, source, progress=_part(progress, position, len(corruptions), len(data)))
        is_mean = isinstance(pipeline, ViewPipeline)
        head, X = (pipeline, source) if is_mean else (pipeline[1:], pipeline[0].transform(source))
        found[_name(corruption)] = _Predictions(*predict_checked(head, X, data.manifest.label_names))
        if progress:
            progress((position + 1) * len(data), len(corruptions) * len(data))
    return found


def _part(progress: Progress | None, position: int, parts: int, n: int) -> Progress | None:
    """Return a callback that reports one of several equal parts; stored embeddings count as done."""
    return progress and (lambda done, to_do: progress(position * n + n - to_do + done, parts * n))


def _name(corruption: Corruption) -> str:
    return f"{corruption.kind} {corruption.strength:g}"


def _record(
    data: NewData,
    predictions: Mapping[str, _Predictions],
    corruptions: list[Corruption],
    metric: str,
    fitted: ModelRecord | None,
    n_boot: int,
    seed: int,
) -> StressRecord:
    """Return the scores and the differences from the unchanged images."""
    multilabel = data.task == "multilabel"
    known = data.known if multilabel else np.ones(len(data.classes), bool)
    paired = PairedEvaluation(
        data.y[:, known] if multilabel else data.y,
        {name: one.proba[:, known] for name, one in predictions.items()},
        data.classes[known].tolist(),
        y_pred={name: one.predicted[:, known] if multilabel else one.predicted for name, one in predictions.items()},
        pos_label=fitted.positive if fitted is not None and data.task == "binary" else None,
        groups=data.groups,
        n_boot=n_boot,
        random_state=seed,
    )
    results = paired.evaluations()
    tests = {test.first: test for test in paired.tests([metric], reference=CLEAN)}
    adjusted = from_strongest({one: tests[_name(one)].p_value for one in corruptions})
    clean = results[CLEAN]
    return StressRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=data.name,
        predictions_sha256=fitted.predictions_sha256 if fitted else "",
        dataset=data.dataset.name,
        task=data.task,
        metric=metric,
        images=len(data),
        groups=clean.n_groups,
        group_name=data.group_name,
        level=clean.level,
        test=next(iter(tests.values())).test,
        seed=seed,
        policy=POLICY,
        clean=dict(clean.metrics),
        scores=tuple(
            _scores(one, results[_name(one)].metrics, tests[_name(one)], adjusted[one]) for one in corruptions
        ),
    )


def from_strongest(p_values: Mapping[Corruption, float | None]) -> dict[Corruption, float | None]:
    """Return p-values that are adjusted for several kinds of corruption in several strengths.

    Of each kind, the strongest corruption is tested first, and a weaker one only if all stronger ones are significant:
    such a sequence that is fixed in advance needs no correction (Maurer, Hothorn and Lehmacher 1995). The level is
    divided by the number of kinds (Bonferroni), so that the probability of any false claim stays within it.

    Parameters
    ----------
    p_values : mapping of Corruption to float or None
        The p-value of each corruption; None where there is no test.

    Returns
    -------
    dict of Corruption to float or None
        The smallest level at which each corruption is significant.
    """
    kinds = dict.fromkeys(corruption.kind for corruption in p_values)
    adjusted: dict[Corruption, float | None] = {}
    for kind in kinds:
        so_far: float | None = 0.0
        strongest_first = reversed([one for one in p_values if one.kind == kind])
        for corruption in strongest_first:
            p = p_values[corruption]
            so_far = None if p is None or so_far is None else max(so_far, min(1.0, p * len(kinds)))
            adjusted[corruption] = so_far
    return {corruption: adjusted[corruption] for corruption in p_values}


def _scores(
    corruption: Corruption, metrics: Mapping[str, Any], test: PairedTest, p_adjusted: float | None
) -> StressedScores:
    return StressedScores(
        corruption.kind,
        float(corruption.strength),
        dict(metrics),
        test.difference,
        test.low,
        test.high,
        p_adjusted,
        p_adjusted is not None and p_adjusted < test.alpha,
    )
