"""What must not change, whatever the weights: checks for bugs that no gradient check can see.

A wrong mask in the *forward* pass has a perfectly right gradient, of the wrong function. These checks ask for
properties instead, and most of them need no reference. Each is a function of its own:

>>> from minis2s.checks import causality, make_case
>>> model, (batch, _) = make_case("seq2seq_attention")
>>> causality(model, batch).ok
True

batching           padding, other sentences, their order; two calls of backward; untouched inputs
equivalence        causality; search against training; ``reference_loops``, the papers' equations word by word
outputs            what a model makes of a batch
result             what a check answers
"""

import numpy as np

from minis2s.checks.cases import hard_batch
from minis2s.checks.invariances import batching, equivalence
from minis2s.checks.invariances.result import TOLERANCE, Invariance
from minis2s.data.batches import Batch
from minis2s.layers.record import cast
from minis2s.models.seq2seq import Seq2Seq

CHECKS = (
    batching.padding_invariance,
    batching.batch_independence,
    batching.batch_order,
    batching.backward_twice,
    batching.inputs_untouched,
    equivalence.causality,
    equivalence.forced_equals_free,
    equivalence.parity,
)


def invariances(model: Seq2Seq, batch: Batch | None = None, tolerance: float = TOLERANCE) -> list[Invariance]:
    """Check a model on a batch; return one verdict a property.

    Parameters
    ----------
    model : whatever answers loss, backward, encode and decode_step; it is copied to float64
    batch : by default a small ragged one
    """
    model, batch = cast(model, np.float64), batch or hard_batch()
    return [check(model, batch, tolerance) for check in CHECKS]
