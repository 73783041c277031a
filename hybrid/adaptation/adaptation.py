"""What `adapt` returns: a result that can be drawn and written as a page."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid.adaptation.result import AdaptationResult
from hybrid.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Adaptation(AdaptationResult):
    """The result of :func:`hybrid.adapt`: the scores of both models on the judging images, and the curve.

    Attributes are those of `AdaptationResult`: ``model`` and ``folder`` of the adapted model, ``ancestry`` (its parent,
    the method and the adapting images), ``evaluations`` by ``"adapted"`` and ``"unadapted"``, ``tests`` of their
    differences, ``lines`` (calibration), ``curve``, ``notes`` and ``warnings``.
    """

    def plot_curve(self, metric: str | None = None) -> "Figure":
        """Draw the mean score of each method against the number of labelled images, with the range over the draws.

        Parameters
        ----------
        metric : str, optional
            One of `metrics`. By default the main one.

        Raises
        ------
        InputError
            If there is no curve.
        """
        from hybrid.adaptation.figures import curve_figure  # imports Matplotlib

        if self.curve is None:
            raise InputError("There is no curve: adapt with curve=True.")
        return curve_figure(self.curve, metric or self.metrics[0])

    def to_html(self, path: str | os.PathLike[str]) -> list[Path]:
        """Write the result as one HTML file that needs no network, with its figures and tables beside it.

        Parameters
        ----------
        path : path-like
            Path of the page. A folder beside it, with the same name and ``-files`` at the end, gets the figures and
            tables.

        Returns
        -------
        list of Path
            The page, then the other files.
        """
        from hybrid.adaptation.page import write_page

        return write_page(self, Path(path))
