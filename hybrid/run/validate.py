"""`validate`: measure saved models on other datasets."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.comparison.find_usefulness import Prevalence
from hybrid.datasets import Dataset, load_dataset
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.holm import holm_steps
from hybrid.external.measure import measure
from hybrid.external.result import ExternalResult
from hybrid.external.shift import Compared
from hybrid.files import write_csv_records, write_json, write_output
from hybrid.progress import Progress
from hybrid.run.test_looks import add_external_look
from hybrid.wording import one_form
from hybrid.workspace.records import as_json
from hybrid.workspace.workspace import DEFAULT_WORKSPACE, Workspace

if TYPE_CHECKING:
    import pandas as pd

Model = str | os.PathLike[str]
Data = str | os.PathLike[str] | Dataset
SCORES = "scores.csv"
SUMMARY = "summary"


@dataclass(frozen=True, eq=False, repr=False)
class Validation:
    """Scores of saved models on other datasets. :func:`hybrid.validate` returns it; a notebook shows its tables.

    Attributes
    ----------
    results : tuple of ExternalResult
        One for each model and dataset: all datasets of the first model, then those of the second.
    notes : tuple of str
        Remarks, such as on a look at test that could not be recorded.

    Examples
    --------
    >>> import hybrid
    >>> images = np.random.default_rng(0).integers(0, 128, (60, 16, 16), np.uint8)
    >>> images[30:] += 60
    >>> data = hybrid.Dataset.from_arrays(images, ["dark"] * 30 + ["light"] * 30)
    >>> random = {"random": hybrid.FeatureExtractor("convnet_small", size=16)}
    >>> _ = hybrid.compare(data, random, ["softmax"], workspace="hybrid_runs")
    >>> brighter = hybrid.Dataset.from_arrays(images + np.uint8(60), data.y, name="brighter")
    >>> validation = hybrid.validate("softmax-random", brighter)
    >>> validation.results[0].evaluation.n
    60
    """

    results: tuple[ExternalResult, ...]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[ExternalResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of :meth:`table` as JSON values."""
        tests = [result.difference(result.metric) for result in self.results]
        steps = holm_steps([None if test is None else test.p_value for test in tests], 0.05)
        found = []
        for result, test, step in zip(self.results, tests, steps, strict=True):
            score = result.evaluation.metrics[result.metric]
            found.append(
                {
                    "model": result.model,
                    "dataset": result.dataset,
                    "images": result.evaluation.n,
                    "groups": result.evaluation.n_groups,
                    "metric": result.metric,
                    "value": score.value,
                    "low": score.low,
                    "high": score.high,
                    "internal_split": result.own.split,
                    "internal": test and test.second,
                    "difference": test and test.difference,
                    "difference_low": test and test.low,
                    "difference_high": test and test.high,
                    "p_value": test and test.p_value,
                    "p_adjusted": None if step is None else step[0],
                }
            )
        return found

    def table(self) -> "pd.DataFrame":
        """Return one row for each model and dataset: the main score, the internal one, and their difference.

        ``p_adjusted`` has Holm's correction for the number of rows. `ExternalResult.table` has all scores of one row.

        Returns
        -------
        DataFrame
        """
        import pandas as pd

        return pd.DataFrame(self.rows())

    def to_dict(self) -> dict[str, Any]:
        """Return the results as JSON values: the table, and the record of each model and dataset."""
        return {
            "table": self.rows(),
            "results": [as_json(result.record()) | _subgroups(result) for result in self.results],
            "notes": list(self.notes),
        }

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write `to_dict()` to a JSON file and return its path."""
        write_json(Path(path), self.to_dict(), write_output)
        return Path(path)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the rows of the table to a CSV file and return its path. Undefined values are empty fields."""
        write_csv_records(Path(path), self.rows(), write=write_output)
        return Path(path)

    def save(self, workspace: str | os.PathLike[str] = DEFAULT_WORKSPACE) -> list[Path]:
        """Save the results in a workspace, each in ``external/MODEL/DATASET``: record, predictions, scores and report.

        Of several models or datasets, ``external/summary.html``, ``.json`` and ``.csv`` have all of them in one table.

        Parameters
        ----------
        workspace : path, default="hybrid_runs"

        Returns
        -------
        list of Path
            The report of each model and dataset, then the page on all of them, then the other files.
        """
        from hybrid.report.external import write_external_report

        place = Workspace(Path(workspace))
        reports, others = [], []
        for result in self.results:
            folder = result.folder_in(place)
            others += result.save_record(folder)
            write_csv_records(folder / SCORES, result.rows())
            report, *files = write_external_report(result, folder / "report.html")
            reports.append(report)
            others += [folder / SCORES, *files]
        if len(self.results) > 1:
            page, *files = self._write_summary(place.external / f"{SUMMARY}.html", reports)
            tables = [self.to_json(page.with_suffix(".json")), self.to_csv(page.with_suffix(".csv"))]
            return [*reports, page, *others, *tables, *files]
        return [*reports, *others]

    def to_html(self, path: str | os.PathLike[str]) -> list[Path]:
        """Write all models and datasets in one table as one HTML file that works offline.

        A folder beside it has its figure and tables. The report of each model and dataset is written by :meth:`save`.

        Returns
        -------
        list of Path
            The HTML file, then the other files.
        """
        return self._write_summary(Path(path), ())

    def _write_summary(self, path: Path, reports: Sequence[Path]) -> list[Path]:
        from hybrid.report.external_summary import write_external_summary
        from hybrid.report.parts.external_pairs import Pairs

        adjusted = [row["p_adjusted"] for row in self.rows()]
        return write_external_summary(Pairs(self.results, adjusted, self.notes), path, reports)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.results))

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{escape(str(result))}</p>" for result in self.results)
        return words + self.table().to_html(index=False)


def validate(
    model: Model | Sequence[Model],
    dataset: Data | Sequence[Data],
    *,
    split: str | None = None,
    class_map: Mapping[str, str | None] | None = None,
    metric: str | None = None,
    pos_label: Any = None,
    level: float = 0.95,
    hide_test: bool = False,
    keep_known: bool = False,
    subgroups: str | Sequence[str] = (),
    shift: bool = True,
    prevalence: Prevalence = None,
    workspace: str | os.PathLike[str] = DEFAULT_WORKSPACE,
    on_bad: str = "raise",
    by: str = "hybrid.validate",
    progress: Progress | None = None,
) -> Validation:
    """Measure saved models on other labelled datasets (external validation).

    All scores have intervals and are compared with those on the model's own test images, which are other images: the
    differences have intervals and tests for different images (:func:`~hybrid.evaluation.unpaired_tests`). The model's
    own threshold is used. Images that are also among those the model was made with are left out. With embeddings in the
    store, Keras is not imported.

    Parameters
    ----------
    model : str, path or sequence of them
        The name of a model in the workspace, or the folder or .zip file of a saved model. Models outside a workspace
        hold no internal scores, so that there are no differences.
    dataset : str, path, Dataset or sequence of them
        As for :func:`hybrid.load_dataset`. It may lack classes, and no split is drawn.
    split : {"train", "val", "test"}, optional
        The images of the datasets to measure on. By default all of them.
    class_map : mapping of str to (str or None), optional
        The model's class for classes of the datasets that have another name; None for classes whose images are left
        out. Classes with the same name need not be given; others are never guessed.
    metric : str, optional
        The metric of the main result. By default ROC AUC, and its mean over the classes for more than two.
    pos_label : object, optional
        The positive class of a binary task. By default that of the model.
    level : float, default=0.95
        Coverage of the intervals.
    hide_test : bool, default=False
        Whether to compare with the model's validation images, so that its test scores are not shown.
    keep_known : bool, default=False
        Whether to keep images that are also among those the model was made with.
    subgroups : str or sequence of str, default=()
        Columns of the datasets that divide the images into subgroups, which are scored as well: ``"sex"``,
        ``"age:50,70"`` or ``"sex+view"``, as for :func:`hybrid.evaluation.by_subgroup`.
    shift : bool, default=True
        Whether to test if the images are like those that the model learnt from, as :func:`hybrid.dataset_shift` does.
        The embeddings of its training and validation images must still be in the store.
    prevalence : float or mapping of str to float, optional
        The share of the positive class where the model would be used, or of each named class or label: the predictive
        values there are then given as well, as in :func:`hybrid.evaluation.predictive_values`.
    workspace : path, default="hybrid_runs"
        The workspace in which models are looked up by their names.
    on_bad : {"raise", "skip"}, default="raise"
        What to do with an image that cannot be decoded.
    by : str, default="hybrid.validate"
        The command or function that shows the scores, for the history of the workspace.
    progress : callable, optional
        Called with the number of finished images and the total number of images.

    Returns
    -------
    Validation

    Raises
    ------
    InputError
        If a model or a dataset cannot be read, a class of a dataset cannot be mapped, no image is left, or an option
        does not fit the task.

    Notes
    -----
    A comparison with the model's own test images is a look at test, which is added to the history of its workspace. If
    the workspace locks test, its validation images are compared instead.

    Examples
    --------
    >>> import hybrid
    >>> images = np.random.default_rng(0).integers(0, 128, (60, 16, 16), np.uint8)
    >>> images[30:] += 60
    >>> data = hybrid.Dataset.from_arrays(images, ["dark"] * 30 + ["light"] * 30)
    >>> random = {"random": hybrid.FeatureExtractor("convnet_small", size=16)}
    >>> _ = hybrid.compare(data, random, ["softmax"], workspace="hybrid_runs")
    >>> brighter = hybrid.Dataset.from_arrays(images + np.uint8(60), ["Dark"] * 30 + ["Light"] * 30, name="brighter")
    >>> validation = hybrid.validate("softmax-random", brighter, class_map={"Dark": "dark", "Light": "light"})
    >>> list(validation.table()["dataset"])
    ['brighter']
    """
    models = [model] if isinstance(model, str | os.PathLike) else list(model)
    given = [dataset] if isinstance(dataset, str | os.PathLike | Dataset) else list(dataset)
    if not models or not given:
        raise InputError("No model or no dataset was given; expected at least one of each.")
    datasets = [load_dataset(one, to_fit=False, on_bad=on_bad) for one in given]
    maps = _maps(class_map or {}, datasets)
    compared: list[Compared] = [{} for _ in datasets]  # models of the same embeddings share the tests of shift
    results = [
        measure(
            os.fspath(one),
            data,
            split=split,
            class_map=class_map_of,
            metric=metric,
            pos_label=pos_label,
            level=level,
            hide_test=hide_test,
            keep_known=keep_known,
            subgroups=(subgroups,) if isinstance(subgroups, str) else tuple(subgroups),
            shift=shift,
            prevalence=prevalence,
            workspace=os.fspath(workspace),
            on_bad=on_bad,
            progress=progress,
            compared=compared_before,
        )
        for one in models
        for data, class_map_of, compared_before in zip(datasets, maps, compared, strict=True)
    ]
    return Validation(tuple(results), add_external_look(results, by))


def _subgroups(result: ExternalResult) -> dict[str, Any]:
    return {} if result.subgroups is None else {"subgroups": result.subgroups.to_dict()}


def _maps(given: Mapping[str, str | None], datasets: Sequence[Dataset]) -> list[dict[str, str | None]]:
    """Return the map of classes for each dataset: the entries whose classes it has."""
    names = [{one_form(str(label)) for label in data.classes.tolist()} for data in datasets]
    for name in given:
        if not any(one_form(name) in known for known in names):
            raise unknown_name("class of the dataset", name, {label for known in names for label in known})
    return [{name: target for name, target in given.items() if one_form(name) in known} for known in names]
