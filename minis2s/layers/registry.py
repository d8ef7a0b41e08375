"""The table of cells and of kinds of attention: what a configuration may name."""

from minis2s.layers.additive import AdditiveAttention, CoverageAttention, ReluAttention
from minis2s.layers.dot import DotAttention, GeneralAttention, ScaledDotAttention
from minis2s.layers.gru import GRU
from minis2s.layers.gru_reset_before import GRUResetBefore
from minis2s.layers.lstm import LSTM
from minis2s.layers.rnn import RNN

CELLS = {"gru": GRU, "gru_before": GRUResetBefore, "lstm": LSTM, "rnn": RNN}

ATTENTIONS = {
    "additive": AdditiveAttention,
    "relu": ReluAttention,
    "coverage": CoverageAttention,
    "dot": DotAttention,
    "scaled_dot": ScaledDotAttention,
    "general": GeneralAttention,
}
