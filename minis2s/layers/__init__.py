"""One layer a file: parameters, forward, backward.

Read linear.py first, then cross_entropy, embedding, gru with cell, additive with attention.
"""

from minis2s.layers.additive import AdditiveAttention, CoverageAttention, ReluAttention
from minis2s.layers.cross_entropy import CrossEntropy
from minis2s.layers.dot import DotAttention, GeneralAttention, ScaledDotAttention
from minis2s.layers.dropout import Dropout
from minis2s.layers.embedding import Embedding
from minis2s.layers.gru import GRU
from minis2s.layers.gru_reset_before import GRUResetBefore
from minis2s.layers.layer_norm import LayerNorm
from minis2s.layers.linear import Linear
from minis2s.layers.lstm import LSTM
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
from minis2s.layers.registry import ATTENTIONS, CELLS
from minis2s.layers.rnn import RNN

__all__ = [
    "ATTENTIONS",
    "CELLS",
    "GRU",
    "LSTM",
    "RNN",
    "AdditiveAttention",
    "CoverageAttention",
    "CrossEntropy",
    "DotAttention",
    "Dropout",
    "Embedding",
    "GRUResetBefore",
    "GeneralAttention",
    "LayerNorm",
    "Linear",
    "ReluAttention",
    "ScaledDotAttention",
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
