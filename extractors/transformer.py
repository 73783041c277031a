"""The feature extractor as a scikit-learn transformer from images to embeddings."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from hybrid.errors import renamed_parameters
from hybrid.extractors.extractor import Extractor
from hybrid.extractors.images.source import Source
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore, LostEmbeddingsError


class FeatureExtractor(TransformerMixin, BaseEstimator, Extractor):
    """Convert images to embeddings with a Keras network that is cut at a layer.

    One graph takes uint8 pixels and includes preprocessing, the cut network and pooling. Every embedding is stored
    under the content of its image and the identity of the graph, so it is computed only once and is never outdated.

    Parameters
    ----------
    backbone : str or Path, default="mobilenet_v2"
        A name that ``hybrid backbones`` lists, with options of its constructor if needed
        (``"mobilenet:alpha=0.25"``), or a ``.keras`` file. Save a Keras model object to such a file first.
    layers : str or sequence of str, default="penultimate"
        The layer to cut at. The outputs of several layers are concatenated. ``"outer/inner"`` is a layer of a nested
        model, and ``"penultimate"`` is the layer before the classification layer, or the output of a network that ends
        in an embedding. Linear outputs are taken for a classifier's logits, with an `UnclearLayerWarning`.
    pooling : {"avg", "max", "both", "flatten", "none"}, default="avg"
        How a feature map is reduced to one row. The output of a layer without spatial dimensions is not changed.
    weights : str or Path, default="auto"
        ``"imagenet"`` (downloaded by Keras), ``"random"`` (seeded) or a weights file. ``"auto"`` is ``"imagenet"`` for
        a pretrained backbone, ``"random"`` for a custom backbone, and the weights of a ``.keras`` file.
    size : int or (int, int), default=None
        Height and width, in pixels, to which images are resized. None is the backbone's default.
    preprocessing : {"auto", "none", "rescale", "tf", "torch", "caffe"}, default="auto"
        How pixels are scaled. ``"auto"`` is the backbone's own preprocessing: that of `keras.applications`, or the
        Rescaling or Normalization layer inside a ``.keras`` file. For a ``.keras`` file without such a layer,
        preprocessing must be given.
    interpolation : {"nearest", "bilinear", "bicubic", "lanczos"}, default="bilinear"
        Interpolation for resizing, with antialiasing except for ``"nearest"``.
    random_state : int, default=0
        Seed of random weights.
    batch_size : int, default=None
        Number of images in a batch. None chooses it by the size of the images. It does not change the embeddings.
    cache : str or Path, default=None
        Folder of the store. None is ``HYBRID_CACHE`` or the user's cache folder.
    fingerprint : str, default=None
        The fingerprint that the extractor's identity must have, as recorded in a saved model. None accepts any.
    runtime : {"auto", "openvino", "keras"}, default="auto"
        The runtime that runs the network. ``"auto"`` is OpenVINO on a CPU, and Keras if a GPU is visible or OpenVINO
        cannot run the network. Their embeddings agree within 1e-4 of the largest absolute value.
    precision : {"float32", "bfloat16", "float16"}, default="float32"
        The precision in which the network computes; its weights and the embeddings are always float32. A lower
        precision is faster if the hardware supports it, and changes embeddings by about 1e-2 of the largest value.
    bit_depth : int, default=None
        Number of bits that pixels use in files with more than 8 bits whose header does not tell, such as 12 for 12-bit
        data in 16-bit PNG files. None is the full depth.
    window : {"file", "full"} or (float, float), default="file"
        The values that become black and white in DICOM files, and in TIFF files whose values have no fixed range:
        the first window of the file, the smallest and largest value of the image, or centre and width as
        ``(40, 400)`` or ``"40,400"``.

    Examples
    --------
    >>> from hybrid.extractors import FeatureExtractor
    >>> FeatureExtractor("resnet50", layers=["conv3_block4_out", "penultimate"]).layer_list
    ['conv3_block4_out', 'penultimate']

    Combine a column of image paths with other columns of a table:

    >>> from sklearn.compose import ColumnTransformer
    >>> from sklearn.preprocessing import StandardScaler
    >>> columns = [("images", FeatureExtractor("resnet50"), "path"), ("age", StandardScaler(), ["age"])]
    >>> table = ColumnTransformer(columns)
    """

    def fit(self, X: Any, y: Any = None) -> "FeatureExtractor":
        """Check the images and the parameters. Nothing is learnt.

        Parameters
        ----------
        X : array-like
            Images, see :meth:`transform`.
        y : None
            Ignored.

        Returns
        -------
        FeatureExtractor
            The extractor itself.

        Raises
        ------
        InputError
            If X does not contain images, or the network cannot be built with these parameters.
        """
        Source.of(X)
        self.resolve()
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the embeddings of images. Only embeddings that are not in the store are computed.

        Parameters
        ----------
        X : array-like
            Paths (str or Path): a list, an array of shape (n,) or (n, 1), a pandas Series or a DataFrame with one
            column. Or pixels, uint8 from 0 to 255, of shape (n, height, width) or (n, height, width, 1 or 3).

        Returns
        -------
        ndarray of float32, (n, width)
            The embeddings. With ``pooling="none"``, the feature maps of shape (n, height, width, channels).

        Raises
        ------
        InputError
            If an image cannot be decoded, or the network cannot be built with these parameters.
        """
        source, identity = Source.of(X), self.resolve()
        try:
            rows = self._rows(source, identity)
        except LostEmbeddingsError:  # a shard was damaged or removed in the meantime, so its rows are computed again
            rows = self._rows(source, identity)
        return rows.reshape(len(rows), *identity.output_shape)

    @renamed_parameters(seed="random_state")
    def set_params(self, **params: Any) -> "FeatureExtractor":
        """Set parameters by name, as scikit-learn's estimators do."""
        return super().set_params(**params)

    def _rows(self, source: Source, identity: Identity) -> np.ndarray:
        [extraction] = self._extract(source, [self], [identity], "raise", None)
        return EmbeddingStore(self.cache_folder, identity).gather(extraction.keys)

    # scikit-learn's mixin for this needs the width as an attribute, which `dir` and a notebook's display would read.
    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns: "featureextractor0", "featureextractor1", …

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str objects, (width,)
        """
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}{number}" for number in range(self.resolve().width)], dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags
