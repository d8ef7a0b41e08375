"""Softmax and cross-entropy, together: their gradients cancel into one subtraction."""

from typing import NamedTuple

import numpy as np

from minis2s.layers.record import record


class CrossEntropyCache(NamedTuple):
    e: np.ndarray  # (N, V) e^(logits - their largest); softmax is e / total
    total: np.ndarray  # (N, 1)
    target: np.ndarray  # (N,) int
    mask: np.ndarray | None
    smoothing: float


@record
class CrossEntropy:
    """Negative log-likelihood of the target tokens, in nats per real target token.

    p    = softmax(logits)                     (1)
    loss = - (1 / N) sum_i log p_i[target_i]   (2) over the N real tokens

    With label smoothing e, the wanted probability is 1 - e for the target plus e / V for every token, so that no logit
    grows without bound:

    loss = - (1 / N) sum_i ((1 - e) log p_i[target_i] + e mean_k log p_i[k])   (3)

    It has no parameters; it is a record so that it is called and checked like every other layer.

    References
    ----------
    Label smoothing: Szegedy et al. 2016, arXiv 1512.00567, section 7.
    """

    smoothing: float = 0.0

    def forward(
        self, logits: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None
    ) -> tuple[float, CrossEntropyCache]:
        """Return the loss, a plain number.

        Parameters
        ----------
        logits : (N, V) packed or (B, T, V) padded, float
        target : (N,) or (B, T) int
        mask : (B, T) bool, True = real token. Packed rows are all real and need none.

        Raises
        ------
        ValueError
            If no token is real.
        """
        if mask is not None:
            logits, target = logits[mask], target[mask]  # only real tokens count: (N, V), (N,)
        if not target.size:
            raise ValueError("the loss of no real token is not defined")
        shifted = logits - logits.real.max(-1, keepdims=True)
        picked = shifted[np.arange(target.size), target]  # (N,)
        mean = shifted.mean(-1) if self.smoothing else 0.0
        e = np.exp(shifted, out=shifted)
        total = e @ np.ones((e.shape[-1], 1), e.dtype)  # a product with ones is faster than e.sum(-1)
        if self.smoothing:
            picked = (1 - self.smoothing) * picked + self.smoothing * mean  # (3)
        loss = (np.log(total[:, 0]) - picked).sum() / target.size  # (1), (2)
        return loss.item(), CrossEntropyCache(e, total, target, mask, self.smoothing)

    def backward(self, dloss: float, cache: CrossEntropyCache) -> tuple["CrossEntropy", np.ndarray]:
        """Reverse forward: return the (empty) gradient and dlogits, in the shape of logits.

        dlogits = (p - wanted) dloss / N, where wanted is onehot(target), smoothed as in (3)
        """
        e, total, target, mask, smoothing = cache
        scale = float(dloss) / target.size  # (2)
        dlogits = e * (scale / total)  # (1), (2)
        dlogits[np.arange(target.size), target] -= scale * (1 - smoothing)
        if smoothing:
            dlogits -= scale * smoothing / dlogits.shape[-1]  # (3)
        if mask is not None:
            padded = np.zeros((*mask.shape, e.shape[-1]), e.dtype)
            padded[mask] = dlogits  # padding gets exactly 0
            dlogits = padded
        return CrossEntropy(smoothing), dlogits
