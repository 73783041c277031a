"""Names that the shell offers when the Tab key is pressed. They are looked up quickly: nothing imports Keras."""

import os
from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from hybrid.workspace.workspace import BEST_NETWORK, DEFAULT_WORKSPACE, METRICS

_DATASETS = ("cells", "cells:hospitals", "cells:labels", "cells:north", "cells:south", "cells:types", "digits")


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer files and folders."""
    return [CompletionItem(incomplete, type="file")]


def datasets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer built-in datasets, files and folders."""
    return [*_beginning(_DATASETS, incomplete), *files(ctx, param, incomplete)]


def models(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the fitted models of the workspace."""
    return _beginning((path.parent.name for path in _workspace(ctx).glob(f"models/[!.]*/{METRICS}")), incomplete)


def models_or_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the fitted models of the workspace, or files and folders if the word begins none of them."""
    return models(ctx, param, incomplete) or files(ctx, param, incomplete)


def sets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the embedding sets of the workspace."""
    return _beginning((path.stem for path in _workspace(ctx).glob("sets/[!.]*.json")), incomplete)


def backbones(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the listed networks and those trained in the workspace, or files if the word begins none of them."""
    from hybrid.extractors.backbones.table import BACKBONES

    trained = map(str, _workspace(ctx).glob(f"networks/[!.]*/{BEST_NETWORK}"))
    return _beginning([*BACKBONES, *trained], incomplete) or files(ctx, param, incomplete)


def heads(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the heads."""
    from hybrid.classifiers import HEADS

    return _beginning([*HEADS, "ensemble"], incomplete)


def metrics(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the metrics."""
    from hybrid.evaluation.metrics import METRICS as known

    return _beginning(known, incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]


def _workspace(ctx: click.Context) -> Path:
    given = ctx.params.get("workspace") or os.environ.get("HYBRID_WORKSPACE") or DEFAULT_WORKSPACE
    return Path(given).expanduser()
