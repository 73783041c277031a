"""Load a saved model: every file is checked before one is parsed, and nothing is unpickled."""

from pathlib import Path

from sklearn.pipeline import Pipeline

from hybrid.errors import InputError
from hybrid.pipelines.manifest import check_files, read_manifest
from hybrid.pipelines.saving import HEAD, is_booster
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
        Fitted. With extractors it takes images; their networks are built at first use, and refused if their
        fingerprints are not those in the manifest. Without one it takes embeddings.

    Raises
    ------
    InputError
        If a file is missing, changed, not listed, or holds a type that is not trusted; or if the model was made by an
        earlier or later version.
    """
    folder = Path(folder).expanduser().absolute()
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    pipeline = from_bytes((folder / HEAD).read_bytes())
    if not isinstance(pipeline, Pipeline):
        raise InputError(f"Model {folder.name!r} holds a {type(pipeline).__name__}; expected a Pipeline.")
    if boosters := [name for name in manifest["files"] if is_booster(name)]:
        from hybrid.pipelines.booster import put_boosters  # imports XGBoost

        pipeline = put_boosters(pipeline, {name: (folder / name).read_bytes() for name in boosters})
    if not manifest["extractors"]:
        return pipeline
    from hybrid.pipelines.build import side_by_side
    from hybrid.pipelines.network import load_extractor

    extractors = [load_extractor(record, folder) for record in manifest["extractors"]]
    return Pipeline([(manifest["steps"][0]["name"], side_by_side(extractors)), *pipeline.steps])
