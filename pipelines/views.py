"""Predict by the mean over an image and its views."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if

from hybrid.classifiers.prior import decide
from hybrid.extractors.images.source import Source
from hybrid.extractors.images.views import Views, ViewSource


class ViewPipeline(Pipeline):
    """A pipeline from images to labels whose predictions are means over an image and its views.

    :func:`load_model` returns one for a model that was evaluated in this way. Slices of it are ordinary Pipelines.

    Parameters
    ----------
    steps, transform_input, memory, verbose
        As in `sklearn.pipeline.Pipeline`; the first step is the extractor, or a FeatureUnion of several.
    views : Views
        The views of each image.
    """

    def __init__(
        self,
        steps: list[tuple[str, Any]],
        *,
        views: Views,
        transform_input: Any = None,
        memory: Any = None,
        verbose: bool = False,
    ):
        super().__init__(steps, transform_input=transform_input, memory=memory, verbose=verbose)
        self.views = views

    def __getitem__(self, ind: Any) -> Any:
        if isinstance(ind, slice):
            return Pipeline(self.steps[ind], memory=self.memory, verbose=self.verbose)
        return super().__getitem__(ind)

    def source(self, X: Any) -> ViewSource:
        """Return images and their views as a source for the extractor."""
        return ViewSource(X, self.views, np.ones(len(Source.of(X)), bool))

    def predict_proba(self, X: Any, **params: Any) -> NDArray[np.float64]:
        """Return the probabilities of images, (n, k), as means over each image and its views."""
        return self._predict(X)[0]

    def predict(self, X: Any, **params: Any) -> NDArray:
        """Return the labels of images, (n,) or (n, k), that follow from the mean probabilities."""
        return self._predict(X)[1]

    def predict_log_proba(self, X: Any, **params: Any) -> NDArray[np.float64]:
        """Return the logarithms of :meth:`predict_proba`."""
        return np.log(self.predict_proba(X))

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None, **params: Any) -> float:
        """Return the accuracy of :meth:`predict`."""
        return float(accuracy_score(y, self.predict(X), sample_weight=sample_weight))

    @available_if(lambda self: False)
    def decision_function(self, X: Any, **params: Any) -> NDArray:
        """Not available, because means over views are defined for probabilities only."""
        raise NotImplementedError

    def blocks(self, X: Any) -> list[NDArray]:
        """Return the embeddings of the images, of their first views, their second views, and so on, each (n, width)."""
        rows = self[0].transform(self.source(X))  # an image, its views, the next image
        blocks = rows.reshape(-1, 1 + self.views.number, rows.shape[1]).transpose(1, 0, 2)
        return [np.ascontiguousarray(block) for block in blocks]

    def _predict(self, X: Any) -> tuple[NDArray, NDArray]:
        return predict_mean(self[1:], self.blocks(X))


def predict_mean(pipeline: Pipeline, blocks: Sequence[NDArray]) -> tuple[NDArray, NDArray]:
    """Return the mean probabilities of images, (n, k), over several rows of each image, and the predicted labels.

    Parameters
    ----------
    pipeline : Pipeline
        A fitted pipeline from embeddings to labels, without a threshold.
    blocks : sequence of ndarray of shape (n, width)
        Embeddings of the images, then of their first views, their second views, and so on.

    Returns
    -------
    proba : ndarray of shape (n, k)
        The mean probabilities.
    labels : ndarray of shape (n,) or (n, k)
        The labels that follow from the mean probabilities by the head's own rule.
    """
    proba, head = np.mean([pipeline.predict_proba(block) for block in blocks], axis=0), pipeline[-1]
    return proba, decide(proba, getattr(head, "prior_ratio_", None), head.classes_, head.multilabel_)
