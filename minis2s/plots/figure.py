"""What all figures share: style, colours, and how they become PNG files."""

import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minis2s.errors import InputError, visible
from minis2s.files import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito: distinct for colour-blind readers
BLUE, VERMILION, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
ORANGE, SKY = "#e69f00", "#56b4e9"

LONGEST_LABEL = 40  # characters; a URL or a text without spaces is one word


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple["Figure", np.ndarray]:
    """Return a figure in inches, in this library's style, and its axes as an array (rows, columns)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.ravel():
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def short(text: str) -> str:
    """Return a text as it stands beside an axis or in a legend: not too long, and on one line."""
    return visible(text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…")


def import_matplotlib() -> Any:
    """Import Matplotlib, whatever backend the environment names: a notebook's is missing in other Pythons.

    Ours is Agg, which needs no choice. Where the name is a backend, a notebook finds it chosen as ever.
    """
    named = os.environ.pop("MPLBACKEND", None) if "matplotlib" not in sys.modules else None
    try:
        import matplotlib
    finally:
        if named:
            os.environ["MPLBACKEND"] = named
    if named:
        with suppress(ValueError):  # where it is no backend of this Python
            matplotlib.rcParams["backend"] = named
    return matplotlib


@contextmanager
def plain_style() -> Iterator[None]:
    """Draw in Matplotlib's own style, not that of a matplotlibrc, which may ask for LaTeX; and without warnings."""
    matplotlib = import_matplotlib()
    plain = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as a letter that the font lacks, drawn as a box
        with matplotlib.rc_context(plain):
            yield


def png(figure: "Figure") -> bytes:
    """Return a figure as the bytes of a PNG file; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with plain_style():
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def draw_png(draw: Callable[..., "Figure"], *arguments: Any, **options: Any) -> bytes:
    """Return what ``draw(*arguments, **options)`` draws as the bytes of a PNG file.

    Raises
    ------
    InputError
        If it cannot be drawn, whatever the reason: no figure is worth the end of a run.
    """
    try:
        with plain_style():
            return png(draw(*arguments, **options))
    except Exception as error:
        why = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        raise InputError(f"cannot be drawn ({why})") from None


def write_png(path: str | Path, draw: Callable[..., "Figure"], *arguments: Any, **options: Any) -> None:
    """Write what ``draw(*arguments, **options)`` draws into a PNG file; raise InputError if that cannot be done."""
    try:
        data = draw_png(draw, *arguments, **options)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    write_file(Path(path), lambda file: file.write(data))
