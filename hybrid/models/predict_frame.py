"""`predict`: predict images with a saved model and return a DataFrame."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid.models.find_model import find_model
from hybrid.models.predict import find_images, predict_images
from hybrid.wording import first_few
from hybrid.workspace.workspace import DEFAULT_WORKSPACE

if TYPE_CHECKING:
    import pandas as pd


def predict(
    model: str | Path,
    images: str | Path | Iterable[str | Path],
    *,
    coverage: float | None = None,
    per_class: bool = False,
    workspace: str | Path = DEFAULT_WORKSPACE,
    on_bad: str = "raise",
) -> "pd.DataFrame":
    """Return the labels and probabilities that a saved model predicts for images, as ``hybrid predict`` does.

    Parameters
    ----------
    model : str or Path
        The folder or .zip file of a saved model, or the name of a model in the workspace.
    images : str, Path or iterable of them
        Image files, and folders that are searched for image files.
    coverage : float, optional
        Probability, such as 0.9, with which the prediction set of a new image contains its true class. By default no
        sets are made.
    per_class : bool, default=False
        Whether the coverage holds for the images of each class by itself, which needs more images that calibrate it.
    workspace : str or Path, default="hybrid_runs"
        The workspace in which a model is looked up by its name.
    on_bad : {"raise", "skip"}, default="raise"
        What to do with an image that cannot be decoded. A warning lists skipped images.

    Returns
    -------
    DataFrame
        One row for each image, in the order given: ``image``, ``predicted`` and one ``p_CLASS`` for each class. If the
        model keeps a reference, ``typicality``, the share of held-out training images that are as far away from the
        others, and ``unfamiliar``, whether that is so few that the image is unlike them; a warning names such images.
        With a coverage, ``set`` with a list of classes, or for several labels ``set_LABEL`` with the values 0 and 1
        that are possible.

    Raises
    ------
    InputError
        If there is no such model or image, the model was changed after it was saved or has no extractor, or an image
        cannot be decoded; or if the model was calibrated with too few images for the coverage.

    Examples
    --------
    >>> from PIL import Image
    >>> from hybrid import FeatureExtractor, make_pipeline, save_model
    >>> for number in range(8):
    ...     Image.new("L", (16, 16), 20 + 100 * (number % 2)).save(f"{number}.png")
    >>> paths = [f"{number}.png" for number in range(8)]
    >>> extractor = FeatureExtractor("convnet_small", size=16)
    >>> pipeline = make_pipeline(extractor, "softmax").fit(paths, ["dark", "light"] * 4)
    >>> predict(save_model(pipeline, "my_model"), paths[:2])["predicted"].tolist()
    ['dark', 'light']
    """
    import pandas as pd

    paths = [images] if isinstance(images, str | Path) else images
    predictions = predict_images(
        find_model(str(model), workspace),
        find_images([str(path) for path in paths]),
        coverage=coverage,
        per_class=per_class,
        on_bad=on_bad,
    )
    if predictions.skipped:
        warnings.warn(f"Images were skipped: {first_few(predictions.skipped)}.", stacklevel=2)
    if "unfamiliar" in predictions.columns and predictions.unfamiliar:
        warnings.warn(predictions.unfamiliar, stacklevel=2)
    return pd.DataFrame(predictions.rows, columns=predictions.columns)
