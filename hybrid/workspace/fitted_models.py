"""The metrics of fitted models, read back from their folders."""

import json
import os
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.evaluation.result import Evaluation

SCHEMA = 1


def load_results(models: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Read the metrics of all fitted models.

    Parameters
    ----------
    models : path
        Folder of the workspace that holds one folder a model. Folders without a metrics.json, and those
        whose names begin with a dot (models half written), are no models.

    Returns
    -------
    list of dict
        Each model's metrics.json, its splits as :class:`~hybrid.evaluation.Evaluation`, by folder's name; ``folder``
        is where it was read from.

    Raises
    ------
    InputError
        If there is no fitted model, or a metrics.json is damaged or of another schema.
    """
    folder = Path(models)
    paths = sorted(path for path in folder.glob("*/metrics.json") if not path.parent.name.startswith("."))
    if not paths:
        raise InputError(f"There are no fitted models in {folder}. Fit one first, for example: hybrid fit svm")
    return [_load(path) for path in paths]


def _load(path: Path) -> dict[str, Any]:
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        if saved["schema"] != SCHEMA:
            raise InputError(
                f"{path} has schema {saved['schema']}; this version reads schema {SCHEMA}. Fit the model again."
            )
        splits = {name: Evaluation.from_dict(entry) for name, entry in saved["splits"].items()}
        needed = {name: saved[name] for name in ("model", "dataset", "dataset_fingerprint")}
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged ({type(error).__name__}: {error}). Fit the model again, or delete its folder."
        ) from error
    return saved | needed | {"splits": splits, "folder": str(path.parent)}
