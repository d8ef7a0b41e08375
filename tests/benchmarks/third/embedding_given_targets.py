"""The embeddings that a teacher-forced decoder reads: of each target, the token before it."""

import numpy as np

from minis2s.layers import record

BEGIN = 1


@record
class PreviousTokens:
    table: np.ndarray  # (V, E)

    def forward(self, targets):  # (B, T) int
        previous = np.roll(targets, 1, axis=1)
        previous[:, 0] = BEGIN
        return self.table[previous], (targets, previous)

    def backward(self, dvectors, cache):
        targets, previous = cache
        dtable = np.zeros_like(self.table)
        for sentence in range(len(previous)):
            for step in range(previous.shape[1]):
                dtable[targets[sentence, step]] += dvectors[sentence, step]
        return (PreviousTokens(dtable),)

    @staticmethod
    def case(rng):
        return PreviousTokens(rng.standard_normal((9, 3))), (np.array([[4, 5, 4, 2], [7, 2, 8, 5], [5, 5, 6, 2]]),)
