"""Load a saved model: every file is checked before one is parsed, and nothing is unpickled."""

from pathlib import Path

from sklearn.pipeline import Pipeline

from hybrid.errors import InputError
from hybrid.pipelines.manifest import check_files, read_manifest
from hybrid.pipelines.saving import BOOSTER, HEAD
from hybrid.pipelines.trusted import from_bytes


def load_model(folder: str | Path) -> Pipeline:
    """Load the pipeline that :func:`save_model` saved.

    Parameters
    ----------
    folder : str or Path
        The model's folder.

    Returns
    -------
    Pipeline
        Fitted. With an extractor it takes images; its network is built at first use, and refused if its
        fingerprint is not the one in the manifest. Without one it takes embeddings.

    Raises
    ------
    InputError
        If a file is missing, changed, not listed, or holds a type that is not trusted; or if the model was made by a
        later version.
    """
    folder = Path(folder).expanduser().absolute()
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    pipeline = from_bytes((folder / HEAD).read_bytes())
    if not isinstance(pipeline, Pipeline):
        raise InputError(f"Model {folder.name!r} holds a {type(pipeline).__name__}; expected a Pipeline.")
    if BOOSTER in manifest["files"]:
        from hybrid.pipelines.booster import put_booster  # imports XGBoost

        put_booster(pipeline[-1], (folder / BOOSTER).read_bytes())
    if manifest["extractor"] is None:
        return pipeline
    from hybrid.pipelines.network import load_extractor

    name = manifest["steps"][0]["name"]
    return Pipeline([(name, load_extractor(manifest["extractor"], folder)), *pipeline.steps])
