"""The loss of a padded batch: softmax and negative log-likelihood of its real tokens."""

import numpy as np

from minis2s.layers import record


@record
class TokenLoss:
    smoothing: float = 0.0

    def forward(self, logits, target, mask):  # (B, T, V), (B, T), (B, T)
        scores = logits[mask]
        labels = target[mask]
        scores = scores - scores.real.max(axis=1, keepdims=True)
        exp_scores = np.exp(scores)
        probs = exp_scores / exp_scores.sum(axis=1, keepdims=True)
        correct = probs[np.arange(len(labels)), labels]
        loss = -np.log(correct).mean()
        return loss, (probs, labels, mask)

    def backward(self, dloss, cache):
        probs, labels, mask = cache
        dscores = probs.copy()
        dscores[:, labels] -= 1
        dscores *= dloss / len(labels)
        dlogits = np.zeros((*mask.shape, probs.shape[1]))
        dlogits[mask] = dscores
        return TokenLoss(), dlogits

    @staticmethod
    def case(rng):
        mask = np.arange(5) < np.array([3, 5, 1, 4])[:, None]
        return TokenLoss(), (rng.standard_normal((4, 5, 16)), rng.integers(16, size=(4, 5)), mask)
