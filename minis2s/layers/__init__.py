"""One layer a file: parameters, forward, backward. Start with linear.py, then loss.py, embedding.py, gru.py, attention.py."""

from .attention import AdditiveAttention
from .embedding import Embedding
from .gru import GRU
from .linear import Linear
from .loss import CrossEntropy
from .record import cast, count, from_dict, map_arrays, on_vector, record, select, to_dict, to_vector, walk, zeros_like

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
