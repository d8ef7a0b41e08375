"""Sums and paths that backward counts in part, as twins of forward: see ``mutants``.

One step's gradient in place of the sum over the steps, a gate that is not counted, the last states of some sentences.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from minis2s.checks.diagnosis.mutants import bent, detached, with_methods
from minis2s.data.batches import PackedBatch
from minis2s.layers import Embedding, Linear
from minis2s.layers.attention import Attention
from minis2s.layers.cell import Cell
from minis2s.models.no_attention import PlainDecoder
from minis2s.models.output import TiedOutput

Bend = Callable[[Any], Any]  # a record to its twin


def lose_own_outputs(part: Any) -> Any:
    """Let a state's output count at each sentence's last step only; at the others the next step's gradient is all."""

    def forward(right: Callable, *inputs: Any) -> tuple:
        out, cache = right(*inputs)
        batch_sizes = [*cache.batch_sizes, 0]
        goes_on = np.concatenate([np.arange(size) < later for size, later in pairwise(batch_sizes)])
        return np.where(goes_on[:, None], detached(out), out), cache

    return with_methods(part, forward=forward)


def first_read(part: Any, which: int) -> Any:
    """Let an argument of ``read`` have its derivative at the first step only; 1: the keys, 2: the memory as values."""
    steps = [0]

    def keys(right: Callable, memory: np.ndarray) -> np.ndarray:
        steps[0] = 0
        return right(memory)

    def attend(right: Callable, *arguments: Any) -> tuple:
        steps[0] += 1
        return right(*(detached(x) if i == which and steps[0] > 1 else x for i, x in enumerate(arguments)))

    return with_methods(part, keys=keys, attend=attend)


def next_coverage(part: Any) -> Any:
    """Let each step's weights count in the coverage of the next step only."""
    before: list[np.ndarray] = []

    def keys(right: Callable, memory: np.ndarray) -> np.ndarray:
        before.clear()
        return right(memory)

    def attend(right: Callable, q: Any, keys: Any, memory: Any, mask: Any, c: np.ndarray) -> tuple:
        context, cache = right(q, keys, memory, mask, bent(c, before[-1][: len(c)]) if before else c)
        before.append(cache.alpha)
        return context, cache

    return with_methods(part, keys=keys, attend=attend)


def cut_other_input(part: Any, lost: list[int]) -> Any:
    """Cut the way from a decoder's cell back into what joins the embedding (a context, or what is fed), in some gates.

    The weights keep their gradient.
    """
    known: dict[str, Any] = {}
    name, source = ("attention", "attend") if not getattr(part, "input_feeding", False) else ("combine", "forward")

    def source_of(right: Callable, *arguments: Any) -> tuple:
        out = right(*arguments)
        known["other"] = detached(np.tanh(out[0]) if name == "combine" else out[0])
        return out

    def project(right: Callable, x: np.ndarray) -> np.ndarray:
        gates = right(x)
        known.update(a=gates.copy(), start=0, W=part.cell.W_x[:, x.shape[-1] :], other=None)
        return gates

    def step(right: Callable, gates: np.ndarray, s: np.ndarray) -> np.ndarray:
        rows = slice(known["start"], known["start"] + len(s))
        known["start"] = rows.stop
        if known["other"] is not None:
            for gate in lost:
                gates[gate] = known["a"][gate, rows] + known["other"][: len(s)] @ known["W"][gate]
        return right(gates, s)

    cell = with_methods(part.cell, project=project, step_inplace=step)
    return replace(part, cell=cell, **{name: with_methods(getattr(part, name), **{source: source_of})})


def other_inputs(part: Any, where: str) -> Iterator[tuple[str, Bend]]:
    """Return the twins whose other input is cut in all gates, in one, and in all but one."""
    what = "what is fed to the next step" if getattr(part, "input_feeding", False) else "the context"
    G = len(part.cell.W_x)
    yield f"no path from the cell into {what}{where}", partial(cut_other_input, lost=list(range(G)))
    for gate, name in enumerate(part.cell.activation_names[:G]) if G > 1 else ():
        others = [other for other in range(G) if other != gate]
        yield f"{what} counted in gate {name} alone{where}, not in the others", partial(cut_other_input, lost=others)
        if G > 2:
            yield f"{what} not counted in gate {name}{where}", partial(cut_other_input, lost=[gate])


def cut_input(part: Cell, lost: list[int]) -> Any:
    """Cut the way from some of a cell's gates back into its input (a decoder's: the embedding)."""

    def project(right: Callable, x: np.ndarray) -> np.ndarray:
        gates, still = right(x), right(detached(x))
        gates[lost] = still[lost]
        return gates

    return with_methods(part, project=project)


def inputs(part: Cell, where: str) -> Iterator[tuple[str, Bend]]:
    """Return the twins whose input is cut in all gates, in one, and in all but one."""
    G = len(part.W_x)
    yield f"no path from the cell into its input{where}", partial(cut_input, lost=list(range(G)))
    for gate, name in enumerate(part.activation_names[:G]) if G > 1 else ():
        others = [other for other in range(G) if other != gate]
        yield f"the input counted in gate {name} alone{where}, not in the others", partial(cut_input, lost=others)
        if G > 2:
            yield f"the input not counted in gate {name}{where}", partial(cut_input, lost=[gate])


def cut_columns(part: Linear, columns: slice) -> Any:
    """Cut the way from a linear map back into some of its inputs."""

    def forward(right: Callable, x: np.ndarray) -> tuple:
        x = x.copy()
        x[:, columns] = x[:, columns].real
        return right(x)

    return with_methods(part, forward=forward)


def cut_context(part: Any) -> Any:
    """Cut the way from a plain decoder's context back into its first state."""

    def forward(right: Callable, x: np.ndarray, *rest: Any) -> tuple:
        x = x.copy()
        x[:, -part.cell.hidden :] = x[:, -part.cell.hidden :].real
        return right(x, *rest)

    return replace(part, cell=with_methods(part.cell, forward=forward))


def cut_last_of_short(part: Any) -> Any:
    """Cut the way into the last states of the sentences that end early."""

    def forward(right: Callable, source: PackedBatch, *rest: Any) -> tuple:
        (memory, last), cache = right(source, *rest)
        lengths = source.mask.sum(1)
        return (memory, np.where((lengths < lengths.max())[:, None], detached(last), last)), cache

    return with_methods(part, forward=forward)


def last_of_all_layers(part: Any) -> Any:
    """Hand the last state's gradient to every layer of an encoder with one direction, not to the top one alone."""
    states: list[np.ndarray] = []

    def cell_forward(right: Callable, *arguments: Any) -> tuple:
        states.append((out := right(*arguments))[0])
        return out

    def forward(right: Callable, source: PackedBatch, *rest: Any) -> tuple:
        states.clear()
        (memory, last), cache = right(source, *rest)
        return (memory, bent(last, sum(ss[source.last] for ss in states))), cache

    layers = tuple(
        replace(layer, cells=tuple(with_methods(cell, forward=cell_forward) for cell in layer.cells))
        for layer in part.layers
    )
    return with_methods(replace(part, layers=layers), forward=forward)


def cut_look_up(part: Any) -> Any:
    """Cut the way into a tied embedding by its looked up rows; the output layer's stays."""
    output = with_methods(part.output, forward=lambda right, x, E: right(x, part.embedding.E))
    return replace(part, output=output, embedding=Embedding(detached(part.embedding.E)))


def combined(columns: slice) -> Bend:
    """Return what cuts the way from a decoder's combining layer into some of its inputs."""
    return lambda part: replace(part, combine=cut_columns(part.combine, columns))


def bends_of(path: str, part: Any) -> Iterator[tuple[str, Bend]]:
    """Return the twins that a record of a model allows, by what they say."""
    where = f" in {path}" if path else ""
    is_decoder = isinstance(getattr(part, "attention", None), Attention) and isinstance(part.cell, Cell)
    if isinstance(part, Cell) or is_decoder:
        lost = "each step's own output is lost, but for a sentence's last"
        yield f"= over time where += is needed{where}: {lost}", lose_own_outputs
    if isinstance(part, Cell):
        yield from inputs(part, where)
    if is_decoder and hasattr(part, "combine"):
        H = part.cell.hidden
        yield f"no path from the attentional state h~ into the state{where}", combined(slice(-H, None))
        yield f"no path from the attentional state h~ into the context{where}", combined(slice(0, -H))
    if isinstance(part, PlainDecoder):
        yield f"no path from the context of each step into the first state{where}", cut_context
    if is_decoder and (getattr(part, "input_feeding", False) or not hasattr(part, "combine")):
        yield from other_inputs(part, where)
    if isinstance(part, Attention):
        for which, name in ((1, "keys"), (2, "values")):
            said = f"the gradient of the {name} from the first step alone{where}: = over the steps where += is needed"
            yield said, partial(first_read, which=which)
        if part.uses_coverage:
            said = f"the gradient of the coverage from the next step alone{where}: = over the steps where += is needed"
            yield said, next_coverage
    if hasattr(part, "initial_state"):
        said = "no path from the last state into the encoder for sentences shorter than the longest: they end early"
        yield said, cut_last_of_short
        layers = getattr(part, "layers", ())
        if len(layers) > 1 and all(len(layer.cells) == 1 for layer in layers):
            yield "the last state's gradient handed to every layer, not to the top one alone", last_of_all_layers
    if hasattr(part, "embedding") and isinstance(getattr(part, "output", None), TiedOutput):
        yield "no path from the looked up rows into the tied embedding: = where += is needed", cut_look_up
