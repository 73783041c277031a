"""The feature extractor: a scikit-learn transformer from images to embeddings."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from hybrid.errors import renamed_parameters
from hybrid.extractors.extractor import Extractor
from hybrid.extractors.images.source import Source
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore, LostEmbeddingsError


class FeatureExtractor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, Extractor):
    """Turn images into embeddings with a Keras network cut at a layer.

    Preprocessing, cut and pooling are inside one graph that takes uint8 pixels, and every embedding is kept in a
    store under the image's content and the graph's identity, so it is computed once and is never stale.

    Parameters
    ----------
    backbone : str or Path, default="mobilenet_v2"
        A name that ``hybrid backbones`` lists, with options of its constructor if need be
        (``"mobilenet:alpha=0.25"``), or a ``.keras`` file.
    layers : str or sequence of str, default="penultimate"
        Where to cut; several are concatenated. ``"outer/inner"`` names a layer of a nested model, and
        ``"penultimate"`` what feeds the classification layer.
    pooling : {"avg", "max", "both", "flatten", "none"}, default="avg"
        What makes one row of a feature map; a layer that gives a row already is left as it is.
    weights : str or Path, default="auto"
        ``"imagenet"`` (downloaded by Keras), ``"random"`` (seeded) or a weights file. ``"auto"`` is ``"imagenet"`` for
        a pretrained backbone, a ``.keras`` file's own, and ``"random"`` for a custom backbone.
    size : int or (int, int), default=None
        Height and width, in pixels, that images are resized to; None for the backbone's own.
    preprocessing : {"auto", "none", "rescale", "tf", "torch", "caffe"}, default="auto"
        How pixels are scaled. ``"auto"`` is the backbone's own: that of `keras.applications`, or the Rescaling or
        Normalization layer inside a ``.keras`` file (without one, the scaling must be named).
    interpolation : {"nearest", "bilinear", "bicubic", "lanczos"}, default="bilinear"
        Of resizing, antialiased.
    random_state : int, default=0
        Seed of random weights.
    batch_size : int, default=None
        Images a batch; None to choose by the size. It does not change the embeddings.
    cache : str or Path, default=None
        Folder of the store; None for ``HYBRID_CACHE`` or the user's cache folder.
    fingerprint : str, default=None
        The fingerprint that the extractor's identity must have, as a saved model states it; None for any.
    runtime : {"auto", "openvino", "keras"}, default="auto"
        What runs the network: OpenVINO on a CPU, Keras where a GPU is visible or OpenVINO cannot take the network.
        The embeddings are the same to 1e-4 of their scale.
    precision : {"float32", "bfloat16", "float16"}, default="float32"
        What the network computes in; its weights and the embeddings are float32 in any case. Lower precision is
        quicker where the hardware has it, and gives other embeddings: about 1e-2 of their scale away.

    Examples
    --------
    >>> from hybrid.extractors import FeatureExtractor
    >>> FeatureExtractor("resnet50", layers=["conv3_block4_out", "penultimate"]).layer_list
    ['conv3_block4_out', 'penultimate']

    Use the paths in one column of a table beside its other columns:

    >>> from sklearn.compose import ColumnTransformer
    >>> from sklearn.preprocessing import StandardScaler
    >>> columns = [("images", FeatureExtractor("resnet50"), "path"), ("age", StandardScaler(), ["age"])]
    >>> table = ColumnTransformer(columns)
    """

    def fit(self, X: Any, y: Any = None) -> "FeatureExtractor":
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : array-like
            Images, see :meth:`transform`.
        y : ignored

        Returns
        -------
        FeatureExtractor
        """
        Source.of(X)
        self.resolve()
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the embeddings of images; those in the store are not computed again.

        Parameters
        ----------
        X : array-like
            Paths (str or Path): a list, an array of shape (n,) or (n, 1), a pandas Series or a DataFrame with one
            column. Or pixels, uint8 from 0 to 255, of shape (n, height, width) or (n, height, width, 1 or 3).

        Returns
        -------
        ndarray of float32, (n, width)
            With ``pooling="none"``: (n, height, width, channels) of the layer.

        Raises
        ------
        InputError
            If an image cannot be decoded, or the network cannot be built as asked.
        """
        source, identity = Source.of(X), self.resolve()
        try:
            rows = self._rows(source, identity)
        except LostEmbeddingsError:  # a shard was damaged or removed since it was looked for: computed once more
            rows = self._rows(source, identity)
        return rows.reshape(len(rows), *identity.output_shape)

    @renamed_parameters(seed="random_state")
    def set_params(self, **params: Any) -> "FeatureExtractor":
        """Set parameters by name, as scikit-learn's estimators do."""
        return super().set_params(**params)

    def _rows(self, source: Source, identity: Identity) -> np.ndarray:
        [done] = self._extract(source, [identity], lambda wanted: self._runtime(identity))
        return EmbeddingStore(self.cache_folder, identity).gather(done.keys)

    @property
    def _n_features_out(self) -> int:
        return self.resolve().width

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags
