"""An extractor of embeddings: a backbone that is cut at a layer, and a store for its embeddings."""

import inspect
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hybrid.errors import InputError, renamed_parameters, unknown_name
from hybrid.extractors.backbones.layer_table import check_layers, check_least_size, check_options
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
from hybrid.extractors.extraction import extract
from hybrid.extractors.images.decoding import EARLIER_POLICIES
from hybrid.extractors.images.depth import Reading
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import Extraction, Source
from hybrid.extractors.runtimes.base import KerasRuntime, Runtime, choose_batch_size, gpu_is_visible
from hybrid.extractors.runtimes.keras_import import import_keras
from hybrid.extractors.runtimes.openvino import ExportError, OpenVINORuntime, check_precision, export_graph, is_exported
from hybrid.extractors.store.identity import Identity, fingerprint
from hybrid.extractors.store.store import EmbeddingStore, default_cache, open_cache
from hybrid.files import read_sealed, write_sealed
from hybrid.progress import Progress

if TYPE_CHECKING:
    from hybrid.extractors.graph.build import Graph

_FORMER_NAMES = {"seed": "random_state"}
_MAX_GRAPHS = 2
_graphs: "OrderedDict[str, Graph]" = OrderedDict()  # shared by clones; the key is the fingerprint of the parameters


class Extractor:
    """Compute the embeddings of images and store them.

    The parameters are those of its subclass `hybrid.extractors.FeatureExtractor`, a scikit-learn transformer. This
    class does not need scikit-learn, whose import takes longer than looking up thousands of embeddings.
    """

    @renamed_parameters(**_FORMER_NAMES)
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
        source, identity = Source.of(X), self.resolve()
        return self._extract(source, [identity], lambda store_numbers: self._runtime(identity), on_bad, progress)[0]

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

        def runtime(numbers: list[int]) -> Runtime:
            joint = parts[numbers[0]] if len(numbers) == 1 else self._joint_extractor(numbers)
            return joint._runtime(joint.resolve())

        return self._extract(source, identities, runtime, on_bad, progress)

    def each_layer(self) -> list[Self]:
        """Return one extractor for each layer."""
        return [self.but(layers=[layer], fingerprint=None) for layer in self.layer_list]

    def _joint_extractor(self, numbers: list[int]) -> Self:
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
        spec = parse_backbone(self.backbone)
        weights = resolve_weights(self.weights, spec)
        check_options(spec)
        check_least_size(spec, resolve_size(self.size))
        if spec.path is not None:
            from hybrid.extractors.backbones.untrusted import check_keras_file

            check_keras_file(spec.path)
        elif weights not in ("imagenet", "random"):
            from hybrid.extractors.backbones.weights_file import check_weights_file
            from hybrid.extractors.backbones.weights_fit import check_weights_fit

            check_weights_file(Path(weights))
            check_weights_fit(spec, Path(weights))
        check_layers(spec, self.layer_list)

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
        if self.fingerprint is not None and self.fingerprint not in _fingerprints(identity):
            raise InputError(
                f"The backbone {str(self.backbone)!r} gives an extractor with the fingerprint "
                f"{identity.fingerprint[:12]}; expected {self.fingerprint[:12]}. Its weights or the version of Keras "
                f"({version('keras')}) differ from those that it was saved with."
            )
        return identity

    def _cached_identity(self, parameters: dict[str, Any]) -> tuple[Identity, str] | None:
        """Return the recorded identity of these parameters and the doubt about the layer; None if there is none."""
        path = self._record(parameters)
        try:
            if not path.exists():
                return None
            record = read_sealed(path)
            return Identity.from_dict(record["identity"]), str(record.get("doubt", ""))
        except (InputError, KeyError, TypeError):
            return None  # a damaged record is simply written again

    def _determine_identity(self, parameters: dict[str, Any]) -> tuple[Identity, str]:
        graph = self._graph()
        record = {"request": parameters, "identity": graph.identity.to_dict(), "doubt": graph.doubt}
        write_sealed(self._record(parameters), record)
        if PENULTIMATE in self.layer_list:  # a saved model names the layer, and finds the same identity
            named = self.but(layers=list(graph.identity.fields["layers"]))._described_parameters()
            write_sealed(self._record(named), record | {"request": named, "doubt": ""})
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

    def _extract(
        self,
        source: Source,
        identities: list[Identity],
        runtime: Callable[[list[int]], Runtime],
        on_bad: str = "raise",
        progress: Progress | None = None,
    ) -> list[Extraction]:
        check_batch_size(self.batch_size, identities[0].size)
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
        key = fingerprint(self._described_parameters())
        if key not in _graphs:
            self.check_network()
            import_keras()
            from hybrid.extractors.graph.build import build_graph

            spec = parse_backbone(self.backbone)
            size = resolve_size(self.size)
            _graphs[key] = build_graph(
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
            while len(_graphs) > _MAX_GRAPHS:
                _graphs.popitem(last=False)
        _graphs.move_to_end(key)
        return _graphs[key]

    def _runtime(self, identity: Identity) -> Runtime:
        """Return the runtime for the graph: OpenVINO on a CPU, without Keras if the graph was exported before."""
        if self.runtime not in RUNTIMES:
            raise unknown_name("runtime", self.runtime, RUNTIMES)
        if self.runtime == "keras" or (self.runtime == "auto" and gpu_is_visible()):
            return self._keras_runtime(identity)
        folder = self.cache_folder / "graphs" / identity.fingerprint
        try:
            check_precision(identity)
            if not is_exported(folder, identity):
                full = identity.in_precision("float32")  # OpenVINO lowers the precision itself
                export_graph(self.but(precision="float32")._checked_graph(full).model, identity, folder)
            return OpenVINORuntime(folder, identity, self.batch_size)
        except ExportError as error:
            if self.runtime == "openvino":
                raise InputError(
                    f"OpenVINO cannot run {str(self.backbone)!r} ({error}). Use runtime='auto'."
                ) from error
            warnings.warn(f"OpenVINO cannot run {str(self.backbone)!r}, so Keras is used: {error}", stacklevel=2)
            return self._keras_runtime(identity)

    def _keras_runtime(self, identity: Identity) -> KerasRuntime:
        return KerasRuntime(self._checked_graph(identity).model, self.batch_size or choose_batch_size(identity.size))

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


def _fingerprints(identity: Identity) -> list[str]:
    """Return the fingerprint of an identity, and those that it had under earlier decode policies.

    Models and sets of earlier versions are recorded with these. Images of 8 bits are decoded as they were then.
    """
    policies = (identity.fields["decode_policy"], *EARLIER_POLICIES)
    return [fingerprint({**identity.fields, "decode_policy": policy}) for policy in policies]


def current_names(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return an extractor's recorded parameters with their current names. Version 0.1.0 wrote ``seed``."""
    return {_FORMER_NAMES.get(name, name): value for name, value in params.items()}


def recorded_parameters(params: Mapping[str, Any], identity: Identity) -> dict[str, Any]:
    """Return an extractor's recorded parameters with their current names and the layers at which it was cut.

    The layer that ``"penultimate"`` stood for is in the identity: other versions of hybrid may choose another one.
    """
    current = current_names(params)
    given, layers = current.get("layers"), identity.fields.get("layers")
    is_default = PENULTIMATE in ([given] if isinstance(given, str) else given or [])
    return current | {"layers": list(layers)} if is_default and layers else current
