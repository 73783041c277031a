"""Put an extractor, a scaler, a PCA and a head together into one scikit-learn Pipeline."""

from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from hybrid.classifiers import make_head
from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor


def make_pipeline(
    extractor: FeatureExtractor | str | Path,
    head: str | BaseEstimator,
    *,
    scale: bool = True,
    pca: int | float | None = None,
    **head_params: Any,
) -> Pipeline:
    """Return an unfitted Pipeline from images to labels.

    Its steps are named ``extractor``, ``scaler``, ``pca`` and ``head``, so that a grid over
    ``extractor__layers`` and ``head__C`` says what it means.

    Parameters
    ----------
    extractor : FeatureExtractor, str or Path
        The extractor; or a backbone, by its name or ``.keras`` file, cut at its penultimate layer.
    head : str or estimator
        A name in `hybrid.classifiers.HEADS`, or a scikit-learn classifier.
    scale : bool, default=True
        Whether to standardise each column of the embeddings; the heads' defaults expect it.
    pca : int or float, default=None
        Number of principal components, or the share of the variance (0 to 1) that they keep; None for no PCA.
    **head_params
        Parameters of the head, where it is given by name.

    Returns
    -------
    Pipeline
        It takes images as `FeatureExtractor` does: paths (n,), or uint8 pixels (n, height, width[, channels]).

    Raises
    ------
    InputError
        If the extractor gives feature maps, a name is unknown, or `pca` is out of range.

    Examples
    --------
    >>> make_pipeline("resnet50", "svm", C=0.01).named_steps["head"]
    LinearSVM(C=0.01)
    """
    pipeline = make_head_pipeline(head, scale=scale, pca=pca, **head_params)
    return Pipeline([("extractor", _extractor(extractor)), *pipeline.steps])


def make_head_pipeline(
    head: str | BaseEstimator, *, scale: bool = True, pca: int | float | None = None, **head_params: Any
) -> Pipeline:
    """Return an unfitted Pipeline from embeddings to labels.

    Parameters
    ----------
    head, scale, pca, **head_params
        As in :func:`make_pipeline`.

    Returns
    -------
    Pipeline
        It takes embeddings, float32 (n, width); its steps are ``scaler``, ``pca`` and ``head``.

    Examples
    --------
    >>> list(make_head_pipeline("softmax", pca=0.95).named_steps)
    ['scaler', 'pca', 'head']
    """
    steps: list[tuple[str, Any]] = []
    if scale:
        steps.append(("scaler", StandardScaler()))
    if pca is not None:
        steps.append(("pca", _pca(pca)))
    return Pipeline([*steps, ("head", _head(head, head_params))])


def _extractor(given: FeatureExtractor | str | Path) -> FeatureExtractor:
    if isinstance(given, (str, Path)):
        return FeatureExtractor(given)
    if not isinstance(given, FeatureExtractor):
        raise InputError(
            f"The extractor is a {type(given).__name__}; expected a FeatureExtractor, or a backbone by its name or "
            ".keras file."
        )
    if given.pooling == "none":
        raise InputError(
            "The extractor has pooling='none', which gives feature maps; a head needs one row an image: "
            "choose pooling='avg', 'max', 'both' or 'flatten'."
        )
    return given


def _pca(given: int | float) -> PCA:
    whole = isinstance(given, int) and not isinstance(given, bool) and given >= 1
    if not whole and not (isinstance(given, float) and 0 < given < 1):
        raise InputError(
            f"pca={given!r} was given; expected a number of components (1 or more), or a share of the variance "
            "between 0 and 1, such as 0.95."
        )
    return PCA(given, random_state=0)


def _head(given: str | BaseEstimator, params: dict[str, Any]) -> BaseEstimator:
    if isinstance(given, str):
        return make_head(given, **params)
    if isinstance(given, type) or not hasattr(given, "fit") or not hasattr(given, "predict"):
        raise InputError(f"The head is {given!r}; expected a head's name or a scikit-learn classifier, such as 'svm'.")
    if params:
        raise InputError(
            f"Head parameters ({', '.join(sorted(params))}) were given beside a ready {type(given).__name__}: "
            "set them there, or give the head by name."
        )
    return given
