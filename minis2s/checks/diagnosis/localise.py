"""A model mixes the traces of a bug; in one of its layers alone, or in its decoder or encoder, they are clearer."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minis2s.checks.cases import ALIVE, mask_of
from minis2s.checks.diagnosis.mutants import records
from minis2s.data.batches import Batch
from minis2s.layers import CrossEntropy, Dropout, Embedding, LayerNorm, Linear
from minis2s.layers.attention import Attention
from minis2s.layers.cell import Cell
from minis2s.layers.record import walk
from minis2s.models.bridge import Bridge

B, S, V, WIDTH = 4, 5, 7, 4
VAGUE = ("wrong only at", "a trace of", "alone it is right", "none of the usual causes")  # the vaguest last


def inputs_of(part: Any, rng: np.random.Generator) -> tuple | None:
    """Return hard inputs for a layer of a model; None where we know of none."""
    arrays = dict(walk(part))
    if isinstance(part, Cell):
        return rng.standard_normal((sum(ALIVE), part.W_x.shape[1])), rng.standard_normal((B, part.state_size)), ALIVE
    if isinstance(part, Attention):
        weights = [arrays[key].shape[0] for key in ("W_q", "W_k") if key in arrays] or list(
            arrays["W"].shape if "W" in arrays else (WIDTH, WIDTH)
        )
        query, memory = rng.standard_normal((B, weights[0])), rng.standard_normal((B, S, weights[1]))
        coverage = [rng.random((B, S))] if part.uses_coverage else []
        return query, memory, mask_of([3, 5, 1, 4], S), *coverage
    if isinstance(part, Embedding):
        top = len(part.E) - 1
        return (np.minimum([4, 1, 4, 4, 2, 1], top),)
    if isinstance(part, (Linear, Bridge)):
        W = part.W if isinstance(part, Linear) else part.linear.W
        return (rng.standard_normal((S, len(W))),)
    if isinstance(part, LayerNorm):
        return (rng.standard_normal((S, next(iter(arrays.values())).shape[-1])),)
    if isinstance(part, Dropout):
        return rng.standard_normal((S, WIDTH)), 1
    if isinstance(part, CrossEntropy):
        return rng.standard_normal((B, S, V)), rng.integers(V, size=(B, S)), mask_of([3, 5, 1, 4], S)
    return None


def wrong_alone(model: Any, inputs: Sequence[Any], method: str) -> Iterator[tuple[str, str]]:
    """Return each layer of a model that is wrong alone, by its path, and what is said of it first.

    Where no layer is wrong, the fault may lie where the decoder or the encoder joins them: then these are checked.
    """
    rate = getattr(getattr(model, "config", None), "dropout", 0)
    smoothing = getattr(getattr(model, "config", None), "label_smoothing", 0.0)
    unnamed = [("the loss", CrossEntropy(smoothing)), *[("the dropout", Dropout(rate))] * bool(rate)]
    rng, seen = np.random.default_rng(3), set()
    for path, part in [*records(model), *unnamed]:
        if type(part) not in seen and (given := inputs_of(part, rng)) is not None:
            if said := said_of(path, part, given, method):
                seen.add(type(part))
                yield path, said
    for path, part, given in [] if seen else joints(model, inputs, rng):
        if said := said_of(path, part, given, method):
            yield path, said


def joints(model: Any, inputs: Sequence[Any], rng: np.random.Generator) -> Iterator[tuple[str, Any, tuple]]:
    """Return the decoder and the encoder of a model, with hard inputs of the model's own batch."""
    batch = next((part for part in inputs if isinstance(part, Batch)), None)
    if batch is None or not all(hasattr(model, name) for name in ("config", "decoder", "encoder")):
        return
    rows, B = (len(side) for side in (batch.target.rows, batch.source.ids))
    shapes = [(rows, model.config.embedding), (B, model.decoder.cell.state_size)]  # y, s0, memory
    shapes.append((*batch.source.ids.shape, model.config.memory))
    yield "decoder", model.decoder, (*map(rng.standard_normal, shapes), batch.source.mask, batch.target.batch_sizes)
    h0 = rng.standard_normal(model.encoder.initial_state(B, float).shape)
    yield "encoder", model.encoder, (batch.source, h0, 1)


def said_of(path: str, part: Any, inputs: tuple, method: str) -> str:
    """Return the most telling sentence on a part that is wrong alone; nothing on one that is right."""
    from minis2s.checks.gradcheck import gradcheck  # which diagnoses with this

    try:
        report = gradcheck(part, *inputs, method=method, name=path)
    except ValueError as error:
        return str(error)
    return min((sentences[0] for sentences in report.diagnoses.values()), key=vagueness, default="")


def vagueness(sentence: str) -> int:
    """Return how little a sentence says: 0 for a cause of its own."""
    return next((i for i, words in enumerate(VAGUE, 1) if words in sentence), 0)
