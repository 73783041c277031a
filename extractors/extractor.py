"""An extractor of embeddings: a backbone that is cut at a layer, and a store for its embeddings."""

import inspect
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hybrid.errors import InputError, renamed_parameters, unknown_name
from hybrid.extractors.backbones.check_network import check_network
from hybrid.extractors.backbones.options import PENULTIMATE, RUNTIMES
from hybrid.extractors.backbones.parameters import (
    RandomWeightsWarning,
    UnclearLayerWarning,
    check_batch_size,
    describe_parameters,
    resolve_size,
    resolve_weights,
)
from hybrid.extractors.backbones.table import parse_backbone
from hybrid.extractors.cluster.client import current_client
from hybrid.extractors.extraction import extract
from hybrid.extractors.images.depth import Reading
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import Extraction, Source
from hybrid.extractors.recorded_parameters import FORMER_NAMES, accepted_fingerprints
from hybrid.extractors.runtimes.base import Runtime
from hybrid.extractors.runtimes.choose import choose_runtime
from hybrid.extractors.shared_graphs import shared_graph
from hybrid.extractors.store.identity import Identity, fingerprint
from hybrid.extractors.store.identity_record import read_identity, write_identity
from hybrid.extractors.store.store import EmbeddingStore, default_cache, open_cache
from hybrid.progress import Progress

if TYPE_CHECKING:
    from hybrid.extractors.graph.build import Graph


class Extractor:
    """Compute the embeddings of images and store them.

    The parameters are those of its subclass `hybrid.extractors.FeatureExtractor`, a scikit-learn transformer. This
    class does not need scikit-learn, whose import takes longer than looking up thousands of embeddings.
    """

    @renamed_parameters(**FORMER_NAMES)
    def __init__(
        self,
        backbone: str | Path = "mobilenet_v2",
        layers: str | Sequence[str] = PENULTIMATE,
        pooling: str = "avg",
        weights: str | Path = "auto",
        size: int | tuple[int, int] | None = None,
        preprocessing: str = "auto",
        interpolation: str = "bilinear",
        random_state: int = 0,
        batch_size: int | None = None,
        cache: str | Path | None = None,
        fingerprint: str | None = None,
        runtime: str = "auto",
        precision: str = "float32",
        bit_depth: int | None = None,
        window: str | tuple[float, float] = "file",
    ):
        self.backbone = backbone
        self.layers = layers
        self.pooling = pooling
        self.weights = weights
        self.size = size
        self.preprocessing = preprocessing
        self.interpolation = interpolation
        self.random_state = random_state
        self.batch_size = batch_size
        self.cache = cache
        self.fingerprint = fingerprint
        self.runtime = runtime
        self.precision = precision
        self.bit_depth = bit_depth
        self.window = window

    @property
    def seed(self) -> int:
        """The former name of `random_state`."""
        warnings.warn("The attribute 'seed' is called 'random_state' now.", FutureWarning, stacklevel=2)
        return self.random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, as scikit-learn's estimators do."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def but(self, **changed: Any) -> Self:
        """Return an extractor with the same parameters, except those given."""
        return type(self)(**self.get_params() | changed)

    def extract(self, X: Any, *, on_bad: str = "raise", progress: Progress | None = None) -> Extraction:
        """Store the embeddings of images without returning them, so that memory use does not grow with their number.

        Parameters
        ----------
        X : array-like or Source
            Images, see :meth:`hybrid.FeatureExtractor.transform`.
        on_bad : {"raise", "skip"}, default="raise"
            What to do with an image that cannot be read or decoded.
        progress : callable, optional
            Called with (number of images done, number of images in total). By default progress is not reported.

        Returns
        -------
        Extraction
            Digests, counts and skipped images.

        Raises
        ------
        BadImageError
            If an image cannot be read or decoded and `on_bad` is ``"raise"``.
        InputError
            If the network cannot be built with these parameters, or the store cannot be read or written.
        """
        return self._extract(Source.of(X), [self], [self.resolve()], on_bad, progress)[0]

    def extract_each(self, X: Any, *, on_bad: str = "raise", progress: Progress | None = None) -> list[Extraction]:
        """Store the embeddings of each layer as those of a separate extractor for this layer.

        Each image is decoded once and goes through the network once, up to the last layer that lacks its embedding.

        Parameters
        ----------
        X, on_bad, progress
            As for :meth:`extract`.

        Returns
        -------
        list of Extraction
            The results, one for each extractor of :meth:`each_layer`.

        Raises
        ------
        InputError
            As for :meth:`extract`, or if a layer is named twice.
        """
        source, parts = Source.of(X), self.each_layer()
        identities = [part.resolve() for part in parts]
        _refuse_duplicate_layers(self.layer_list, identities)
        return self._extract(source, parts, identities, on_bad, progress)

    def each_layer(self) -> list[Self]:
        """Return one extractor for each layer."""
        return [self.but(layers=[layer], fingerprint=None) for layer in self.layer_list]

    def _joint_extractor(self, numbers: Sequence[int]) -> Self:
        """Return the extractor whose embeddings are those of several layers, concatenated."""
        pooling = "flatten" if self.pooling == "none" else self.pooling  # the same values, but in one row
        return self.but(layers=[self.layer_list[number] for number in numbers], pooling=pooling, fingerprint=None)

    def check(self) -> None:
        """Check the parameters and the network, as :meth:`check_network` does, unless the identity is known already.

        Raises
        ------
        InputError
            If a parameter has no valid value, or a file does not exist, is damaged, or is of another kind.
        """
        if self._cached_identity(self._described_parameters()) is None:
            self.check_network()

    def check_network(self) -> None:
        """Check the network, its layers and its weights as far as possible without Keras, whose import takes seconds.

        Raises
        ------
        InputError
            If the network has no such option or layer or does not take images of this size, or if the file of the
            network or of its weights does not exist, is damaged, or is of another kind.
        """
        check_network(self.backbone, self.weights, self.size, self.layer_list)

    def resolve(self) -> Identity:
        """Return the extractor's identity. Keras is imported only if the cache does not know the identity yet.

        Raises
        ------
        InputError
            If the network cannot be built, loaded or cut with these parameters, or the identity does not have the
            expected `fingerprint`.
        """
        parameters = self._described_parameters()
        identity, doubt = self._cached_identity(parameters) or self._determine_identity(parameters)
        if parameters["weights"] == "random":
            warnings.warn(
                f"{parameters['backbone']} has RANDOM weights (seed {self.random_state}): its features are those of an "
                "untrained network.",
                RandomWeightsWarning,
                stacklevel=2,
            )
        if doubt and self.fingerprint is None:
            warnings.warn(doubt, UnclearLayerWarning, stacklevel=2)
        if self.fingerprint is not None and self.fingerprint not in accepted_fingerprints(identity):
            raise InputError(
                f"The backbone {str(self.backbone)!r} gives an extractor with the fingerprint "
                f"{identity.fingerprint[:12]}; expected {self.fingerprint[:12]}. Its weights or the version of Keras "
                f"({version('keras')}) differ from those that it was saved with."
            )
        return identity

    def _cached_identity(self, parameters: dict[str, Any]) -> tuple[Identity, str] | None:
        """Return the recorded identity of these parameters and the doubt about the layer; None if there is none."""
        return read_identity(self._record(parameters))

    def _determine_identity(self, parameters: dict[str, Any]) -> tuple[Identity, str]:
        graph = self._graph()
        write_identity(self._record(parameters), parameters, graph.identity, graph.doubt)
        if PENULTIMATE in self.layer_list:  # a saved model names the layer, and finds the same identity
            named = self.but(layers=list(graph.identity.fields["layers"]))._described_parameters()
            write_identity(self._record(named), named, graph.identity, "")
        return graph.identity, graph.doubt

    def _record(self, parameters: dict[str, Any]) -> Path:
        return self.cache_folder / "extractors" / f"{fingerprint(parameters)}.json"

    @property
    def cache_folder(self) -> Path:
        """Folder of the store."""
        return open_cache(self.cache) if self.cache is not None else default_cache()

    @property
    def reading(self) -> Reading:
        """How pixels with more than 8 bits are read."""
        return Reading.of(self.bit_depth, self.window)

    @property
    def layer_list(self) -> list[str]:
        """The layers as a list."""
        return [self.layers] if isinstance(self.layers, str) else list(self.layers)

    def load_runtime(
        self, parts: Sequence["Extractor"], identities: Sequence[Identity], numbers: Sequence[int]
    ) -> Runtime:
        """Return the runtime that computes the embeddings of some parts of this extractor, side by side.

        Parameters
        ----------
        parts : sequence of Extractor
            This extractor alone, or those of :meth:`each_layer`.
        identities : sequence of Identity
            The identity of each part.
        numbers : sequence of int
            The numbers of some of the parts.
        """
        if len(numbers) == 1:
            return parts[numbers[0]]._runtime(identities[numbers[0]])
        joint = self._joint_extractor(numbers)
        return joint._runtime(joint.resolve())

    def _extract(
        self,
        source: Source,
        parts: Sequence["Extractor"],
        identities: Sequence[Identity],
        on_bad: str,
        progress: Progress | None,
    ) -> list[Extraction]:
        """Return the result for each part, from the workers of a Dask cluster if a client is connected to one."""
        check_batch_size(self.batch_size, identities[0].size)
        stores = [EmbeddingStore(self.cache_folder, identity) for identity in identities]
        client = current_client()
        if client and source.paths is None:
            warnings.warn(
                "The images are an array in memory, so they are extracted by this process: the workers of a cluster "
                "read image files.",
                stacklevel=3,
            )
        elif client:
            from hybrid.extractors.cluster.distribute import distribute

            return distribute(client, self, source, stores, on_bad, progress)
        return self.extract_here(source, identities, partial(self.load_runtime, parts, identities), on_bad, progress)

    def extract_here(
        self,
        source: Source,
        identities: Sequence[Identity],
        runtime: Callable[[list[int]], Runtime],
        on_bad: str,
        progress: Progress | None = None,
    ) -> list[Extraction]:
        """Return the result for each identity, computed by this process; see `hybrid.extractors.extraction.extract`."""
        stores = [EmbeddingStore(self.cache_folder, identity) for identity in identities]
        return extract(source, stores, FileDigests(), runtime, on_bad=on_bad, progress=progress)

    def _described_parameters(self) -> dict[str, Any]:
        return describe_parameters(
            self.backbone,
            self.layer_list,
            self.pooling,
            self.weights,
            self.size,
            self.preprocessing,
            self.interpolation,
            self.reading,
            self.random_state,
            self.precision,
        )

    def _graph(self) -> "Graph":
        spec, size = parse_backbone(self.backbone), resolve_size(self.size)
        return shared_graph(
            fingerprint(self._described_parameters()),
            self.check_network,
            spec,
            weights=resolve_weights(self.weights, spec),
            layers=self.layer_list,
            pooling=self.pooling,
            preprocessing=self.preprocessing,
            size=(size[0], size[1]) if size else None,
            interpolation=self.interpolation,
            reading=self.reading,
            seed=self.random_state,
            precision=self.precision,
        )

    def _runtime(self, identity: Identity) -> Runtime:
        """Return the runtime for the graph."""
        if self.runtime not in RUNTIMES:
            raise unknown_name("runtime", self.runtime, RUNTIMES)
        return choose_runtime(
            self.runtime, identity, self._model, backbone=self.backbone, cache=self.cache_folder,
            batch_size=self.batch_size,
        )  # fmt: skip

    def _model(self, identity: Identity) -> Any:
        """Return the network of an identity, whose precision may differ from that of the extractor."""
        return self.but(precision=identity.fields["precision"])._checked_graph(identity).model

    def _checked_graph(self, identity: Identity) -> "Graph":
        graph = self._graph()
        if graph.identity != identity:
            raise InputError(
                f"The backbone {str(self.backbone)!r} has changed since it was first used (fingerprint "
                f"{identity.fingerprint[:12]}, now {graph.identity.fingerprint[:12]}): its weights were replaced "
                f"under the same name. Remove {str(self.cache_folder / 'extractors')!r} to use the new weights."
            )
        return graph


def _refuse_duplicate_layers(layers: list[str], identities: list[Identity]) -> None:
    for number, identity in enumerate(identities):
        first = identities.index(identity)
        if first < number:
            raise InputError(f"{layers[first]!r} and {layers[number]!r} are the same layer; name each layer once.")
