"""The table of cells and of kinds of attention: what a configuration may name."""

from minis2s.layers.additive import AdditiveAttention, CoverageAttention, ReluAttention
from minis2s.layers.attention import Attention
from minis2s.layers.cell import Cell
from minis2s.layers.dot import DotAttention, GeneralAttention, ScaledDotAttention
from minis2s.layers.gru import GRU
from minis2s.layers.gru_reset_before import GRUResetBefore
from minis2s.layers.lstm import LSTM
from minis2s.layers.rnn import RNN

CELLS: dict[str, type[Cell]] = {"gru": GRU, "gru_before": GRUResetBefore, "lstm": LSTM, "rnn": RNN}

ATTENTIONS: dict[str, type[Attention]] = {
    "additive": AdditiveAttention,
    "relu": ReluAttention,
    "coverage": CoverageAttention,
    "dot": DotAttention,
    "scaled_dot": ScaledDotAttention,
    "general": GeneralAttention,
}
