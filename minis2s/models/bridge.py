"""From the encoder's last state to the decoder's first."""

from typing import NamedTuple

import numpy as np

from minis2s.layers.linear import Linear
from minis2s.layers.record import record


class BridgeCache(NamedTuple):
    last: np.ndarray  # (B, C of the encoder)
    s0: np.ndarray  # (B, C of the decoder)


@record
class Bridge:
    """s_0 = tanh(last W + b).  (1)  Needed where the widths differ; elsewhere the state can also be copied.

    It maps the whole state, so an LSTM's c_0 lies between -1 and 1, too.

    References
    ----------
    Bahdanau, Cho & Bengio 2015, arXiv 1409.0473, appendix A.2.2, where last is the backward cell's state alone and
    there is no bias.
    """

    linear: Linear

    @classmethod
    def init(cls, rng: np.random.Generator, inputs: int, outputs: int) -> "Bridge":
        """Glorot weights, zero bias."""
        return cls(Linear.init(rng, inputs, outputs))

    def forward(self, last: np.ndarray) -> tuple[np.ndarray, BridgeCache]:
        """Map last (B, C of the encoder) to s_0 (B, C of the decoder)."""
        s0 = np.tanh(self.linear.forward(last)[0])  # (1)
        return s0, BridgeCache(last, s0)

    def backward(self, ds0: np.ndarray, cache: BridgeCache) -> tuple["Bridge", np.ndarray]:
        """Reverse forward: from ds0 (B, C) return the gradient and dlast (B, C of the encoder)."""
        d_linear, dlast = self.linear.backward(ds0 * (1 - cache.s0 * cache.s0), cache.last)  # (1)
        return Bridge(d_linear), dlast
