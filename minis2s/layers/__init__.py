"""One layer a file: parameters, forward, backward. Read linear.py first, then loss, embedding, gru, attention."""

from minis2s.layers.attention import AdditiveAttention
from minis2s.layers.embedding import Embedding
from minis2s.layers.gru import GRU
from minis2s.layers.linear import Linear
from minis2s.layers.loss import CrossEntropy
from minis2s.layers.record import (
    cast,
    count,
    from_dict,
    map_arrays,
    on_vector,
    record,
    select,
    to_dict,
    to_vector,
    walk,
    zeros_like,
)

__all__ = [
    "GRU",
    "AdditiveAttention",
    "CrossEntropy",
    "Embedding",
    "Linear",
    "cast",
    "count",
    "from_dict",
    "map_arrays",
    "on_vector",
    "record",
    "select",
    "to_dict",
    "to_vector",
    "walk",
    "zeros_like",
]
