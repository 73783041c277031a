"""Build a scikit-learn Pipeline from an extractor, a scaler, a PCA and a head."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler

from hybrid.classifiers import make_head
from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.backbones.table import not_a_backbone

ExtractorLike = FeatureExtractor | str | Path


def make_pipeline(
    extractor: ExtractorLike | Sequence[ExtractorLike],
    *steps: str | BaseEstimator,
    head: str | BaseEstimator | None = None,
    scale: bool = True,
    pca: int | float | None = None,
    **head_params: Any,
) -> Pipeline:
    """Return an unfitted Pipeline from images to labels.

    Its steps are named ``extractor``, ``scaler``, ``pca`` and ``head``, which the parameters of a grid
    refer to, such as ``extractor__layers`` and ``head__C``. Additional steps are placed before the head and named
    after their classes, as in :func:`sklearn.pipeline.make_pipeline`.

    Parameters
    ----------
    extractor : FeatureExtractor, str, Path, or a sequence of them
        The extractor, or the name or ``.keras`` file of a backbone, which is then cut at its penultimate layer. The
        embeddings of several extractors are concatenated: the step is then a FeatureUnion, and parameters of an
        extractor are named after its backbone, such as ``extractor__resnet50__layers``.
    *steps : str or estimator
        Any number of scikit-learn transformers, such as ``SelectKBest(k=100)``, and finally the head: a name in
        `hybrid.classifiers.HEADS`, or a scikit-learn classifier.
    head : str or estimator, optional
        The head, if it is not the last of `steps`.
    scale : bool, default=True
        Whether to standardise each column of the embeddings, which the default parameters of the heads expect.
    pca : int or float, default=None
        Number of principal components, or the share of the variance (0 to 1) to keep. If None, there is no PCA.
    **head_params
        Parameters of the head, if it is given by name.

    Returns
    -------
    Pipeline
        It takes images like `FeatureExtractor`: paths (n,), or uint8 pixels (n, height, width[, channels]).

    Raises
    ------
    InputError
        If the extractor returns feature maps, a name is unknown, a step is not a transformer, or `pca` is out of
        range.

    Examples
    --------
    >>> make_pipeline("resnet50", "svm", C=0.01).named_steps["head"]
    LinearSVM(C=0.01)
    >>> from sklearn.preprocessing import Normalizer
    >>> list(make_pipeline("resnet50", Normalizer(), "svm", scale=False).named_steps)
    ['extractor', 'normalizer', 'head']
    >>> both = make_pipeline(["resnet50", "mobilenet:alpha=0.25"], "softmax")
    >>> [name for name, _ in both.named_steps["extractor"].transformer_list]
    ['resnet50', 'mobilenet:alpha=0.25']
    """
    pipeline = make_head_pipeline(*steps, head=head, scale=scale, pca=pca, **head_params)
    given: Sequence[Any] = extractor if isinstance(extractor, (list, tuple)) else [extractor]
    extractors = [_extractor(item) for item in given]
    return Pipeline([("extractor", side_by_side(extractors)), *pipeline.steps])


def side_by_side(extractors: Sequence[FeatureExtractor]) -> FeatureExtractor | FeatureUnion:
    """Return one transformer that concatenates the embeddings of all extractors.

    Raises
    ------
    InputError
        If no extractor is given.
    """
    if not extractors:
        raise InputError("No extractor was given; expected at least one.")
    if len(extractors) == 1:
        return extractors[0]
    names: list[str] = []
    for extractor in extractors:
        path = Path(str(extractor.backbone))
        base = (path.stem if path.suffix == ".keras" else str(path)).replace("__", "_")
        names.append(_unused_name(base, names))
    return FeatureUnion(list(zip(names, extractors, strict=True)))


def extractors_of(step: Any) -> list[FeatureExtractor]:
    """Return the extractors of a pipeline's step in the order of their columns; [] if it is another kind of step.

    Examples
    --------
    >>> pipeline = make_pipeline("resnet50", "svm")
    >>> len(extractors_of(pipeline[0])), extractors_of(pipeline[-1])
    (1, [])
    """
    if isinstance(step, FeatureExtractor):
        return [step]
    parts = [part for _, part in step.transformer_list] if isinstance(step, FeatureUnion) else []
    plain = all(isinstance(part, FeatureExtractor) for part in parts) and not getattr(step, "transformer_weights", None)
    return parts if plain else []


def make_head_pipeline(
    *steps: str | BaseEstimator,
    head: str | BaseEstimator | None = None,
    scale: bool = True,
    pca: int | float | None = None,
    **head_params: Any,
) -> Pipeline:
    """Return an unfitted Pipeline from embeddings to labels.

    Parameters
    ----------
    *steps, head, scale, pca, **head_params
        As in :func:`make_pipeline`.

    Returns
    -------
    Pipeline
        It takes embeddings, float32 (n, width). Its steps are ``scaler``, ``pca``, the additional steps and ``head``.

    Examples
    --------
    >>> list(make_head_pipeline("softmax", pca=0.95).named_steps)
    ['scaler', 'pca', 'head']
    """
    transformers = list(steps)
    if head is None:
        if not transformers:
            raise InputError("No head was given; expected a head's name or a scikit-learn classifier, such as 'svm'.")
        head = transformers.pop()
    named: list[tuple[str, Any]] = []
    if scale:
        named.append(("scaler", StandardScaler()))
    if pca is not None:
        named.append(("pca", _pca(pca)))
    for step in transformers:
        named.append((_unused_name(_transformer_name(step), ["extractor", "head", *(name for name, _ in named)]), step))
    return Pipeline([*named, ("head", _head(head, head_params))])


def _extractor(given: ExtractorLike) -> FeatureExtractor:
    if isinstance(given, (str, Path)):
        return FeatureExtractor(given)
    if not isinstance(given, FeatureExtractor):
        raise not_a_backbone("extractor", given)
    if given.pooling == "none":
        raise InputError(
            "The extractor has pooling='none', which returns feature maps, but a head needs one row per image: "
            "choose pooling='avg', 'max', 'both' or 'flatten'."
        )
    return given


def _transformer_name(given: Any) -> str:
    """Return the name that scikit-learn would give a step; raise `InputError` if it is not a transformer."""
    if isinstance(given, (str, type)) or not hasattr(given, "fit") or not hasattr(given, "transform"):
        raise InputError(
            f"The step {given!r} was given before the head; expected a scikit-learn transformer, such as Normalizer()."
        )
    return type(given).__name__.lower()


def _unused_name(base: str, used: Sequence[str]) -> str:
    """Return a name, with a number appended if it is already used."""
    name, number = base, 2
    while name in used:
        name, number = f"{base}-{number}", number + 1
    return name


def _pca(given: int | float) -> PCA:
    is_count = isinstance(given, int) and not isinstance(given, bool) and given >= 1
    if not is_count and not (isinstance(given, float) and 0 < given < 1):
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
            f"Head parameters ({', '.join(sorted(params))}) were given together with a {type(given).__name__}: "
            "set them there, or give the head by name."
        )
    return given
