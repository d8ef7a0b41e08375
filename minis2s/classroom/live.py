"""Figures in a notebook: shown with a description, and stepped through with a slider where there is one.

IPython and ipywidgets come with jupyter, and are asked for only here; without them, figures are drawn and not shown.
"""

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from minis2s import plots
from minis2s.classroom.lesson import is_built

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def show(figure: "Figure", description: str) -> None:
    """Show a figure under the cell; its description stands in for it where pictures cannot be seen.

    description : one sentence: what is drawn, and what is to be seen in it
    """
    png = plots.png(figure)
    if notebook():
        from IPython.display import display

        bundle = {"image/png": base64.b64encode(png).decode(), "text/plain": f"[figure] {description}"}
        display(bundle, metadata={"image/png": {"alt": description}}, raw=True)


def steps(
    draw: Callable[["Axes", int], Any],
    count: int,
    description: str,
    shown: Sequence[int] | None = None,
    size: tuple[float, float] = (4.2, 3.4),
    columns: int = 4,
    label: str = "step",
    bar: str = "",
) -> None:
    """Show a drawing that depends on a step: with a slider in a live notebook, else as small multiples.

    Parameters
    ----------
    draw : draws step i on the axes it is given, title and labels included
    count : how many steps there are, 0 to count - 1
    description : one sentence, as for ``show``
    shown : the steps drawn as small multiples; by default up to two rows of them, evenly spaced
    size : of one drawing, in inches
    columns : how many stand side by side
    label : of the slider
    bar : the label of a colour bar, if the drawings are maps that share one scale
    """
    if shown is None:
        most = min(count, 2 * columns)
        shown = sorted({round(i * (count - 1) / max(most - 1, 1)) for i in range(most)})
    if not is_built() and notebook() and (widgets := ipywidgets()):

        def redraw(step: int) -> None:
            figure, ((ax,),) = plots.new_figure(*size)
            draw(ax, step)
            if bar:
                figure.colorbar(ax.images[0], label=bar)
            show(figure, f"{description} {label} {step}")

        slider = widgets.IntSlider(value=shown[-1], min=0, max=count - 1, description=label, continuous_update=False)
        widgets.interact(redraw, step=slider)
        return
    columns = min(columns, len(shown))
    rows = -(-len(shown) // columns)
    scale = min(1.0, 12 / (columns * size[0]))  # not wider than a page
    figure, axes = plots.new_figure(columns * size[0] * scale, rows * size[1] * scale, rows, columns)
    for ax, step in zip(axes.ravel(), shown):
        draw(ax, step)
    for ax in axes.ravel()[len(shown) :]:
        ax.set_axis_off()
    if bar:
        figure.colorbar(axes.flat[0].images[0], ax=axes, label=bar, shrink=0.8)
    show(figure, description)


def notebook() -> bool:
    """Return whether this runs in a notebook's kernel."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def ipywidgets() -> Any:
    """Return ipywidgets, or None where it is not installed."""
    try:
        import ipywidgets
    except ImportError:
        return None
    return ipywidgets
