"""Replace absolute paths by names, so that a report can be shared without showing the folders of this machine."""

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from hybrid.workspace.workspace import BEST_NETWORK, LAST_NETWORK

_START = r"(?:[A-Za-z]:[\\/]|\\\\|~?/)"
_QUOTED = re.compile(rf"""(["'])({_START}[^"'()\[\]{{}}*?|^$<>\n]*)\1""")
_BARE = re.compile(rf"""(?<![^\s(=,;]){_START}[^\s"'()\[\]{{}}*?|^$<>,;]*[^\s"'()\[\]{{}}*?|^$<>,;.:]""")
_NETWORK_FILES = (BEST_NETWORK, LAST_NETWORK)  # they have the same name in each network's folder


def place_name(value: Any) -> Any:
    r"""Return the file or folder name of an absolute path, and any other value unchanged.

    Examples
    --------
    >>> place_name("/home/me/data/chest_xray"), place_name("mobilenet_v2"), place_name(r"C:\data\x.npz")
    ('chest_xray', 'mobilenet_v2', 'x.npz')
    >>> place_name("/home/me/hybrid_runs/networks/resnet-birds/last.keras")
    'resnet-birds/last.keras'
    """
    if not isinstance(value, str):
        return value
    path = PureWindowsPath(value) if PureWindowsPath(value).drive else PurePosixPath(value)
    if not path.is_absolute() and not value.startswith("~/"):
        return value
    return "/".join(path.parts[-2:]) if path.name in _NETWORK_FILES else path.name or value


def without_places(text: str) -> str:
    """Return a text with each absolute path replaced by an ellipsis and its file or folder name.

    Examples
    --------
    >>> print(without_places("The data at '/home/me/my data/birds.npz' are gone; see https://keras.io/api."))
    The data at '…/birds.npz' are gone; see https://keras.io/api.
    >>> print(without_places("# run with --data /srv/birds --set train.net.epochs=5"))
    # run with --data …/birds --set train.net.epochs=5
    """
    text = _QUOTED.sub(lambda match: f"{match[1]}…/{place_name(match[2])}{match[1]}", text)
    return _BARE.sub(lambda match: f"…/{place_name(match[0])}", text)
