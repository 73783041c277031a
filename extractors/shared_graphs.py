"""The networks that were built last, which extractors with the same parameters share, such as clones."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hybrid.extractors.backbones.table import BackboneSpec
from hybrid.extractors.runtimes.keras_import import import_keras

if TYPE_CHECKING:
    from hybrid.extractors.graph.build import Graph

_MAX_GRAPHS = 2
graphs: "OrderedDict[str, Graph]" = OrderedDict()


def shared_graph(key: str, check: Callable[[], None], spec: BackboneSpec, **options: Any) -> "Graph":
    """Return a network, which is built unless it is one of those that were used last.

    Parameters
    ----------
    key : str
        Fingerprint of the extractor's parameters.
    check : callable
        Checks the network as far as possible without Keras; called before Keras is imported.
    spec, **options
        What :func:`hybrid.extractors.graph.build.build_graph` takes.
    """
    if key not in graphs:
        check()
        import_keras()
        from hybrid.extractors.graph.build import build_graph

        graphs[key] = build_graph(spec, **options)
        while len(graphs) > _MAX_GRAPHS:
            graphs.popitem(last=False)
    graphs.move_to_end(key)
    return graphs[key]
