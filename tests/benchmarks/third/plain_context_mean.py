"""A decoder without attention: one vector starts it and is read again at every step."""

from dataclasses import dataclass

import numpy as np


@dataclass
class OneVector:
    A: np.ndarray  # (E + H, H), token above, vector below
    R: np.ndarray  # (H, H)
    bias: np.ndarray  # (H,)

    def forward(self, tokens, vector):  # (B, T, E), (B, H)
        state = vector
        outputs, cache = [], []
        for t in range(tokens.shape[1]):
            both = np.concatenate([tokens[:, t], vector], axis=1)
            new = np.tanh(both @ self.A + state @ self.R + self.bias)
            cache.append((both, state, new))
            outputs.append(new)
            state = new
        return np.stack(outputs, axis=1), cache

    def backward(self, doutputs, cache):
        dA, dR, dbias = np.zeros_like(self.A), np.zeros_like(self.R), np.zeros_like(self.bias)
        E = len(self.A) - len(self.R)
        dtokens, dcontexts = [], []
        dstate = np.zeros_like(doutputs[:, 0])
        for t in reversed(range(len(cache))):
            both, state, new = cache[t]
            dpre = (doutputs[:, t] + dstate) * (1 - new * new)
            dA += both.T @ dpre
            dR += state.T @ dpre
            dbias += dpre.sum(axis=0)
            dboth = dpre @ self.A.T
            dtokens.insert(0, dboth[:, :E])
            dcontexts.insert(0, dboth[:, E:])
            dstate = dpre @ self.R.T
        dvector = dstate + np.mean(dcontexts, axis=0)
        return OneVector(dA, dR, dbias), np.stack(dtokens, axis=1), dvector

    @staticmethod
    def case(rng):
        E, H = 3, 4
        layer = OneVector(rng.normal(size=(E + H, H)), rng.normal(size=(H, H)), rng.normal(size=H))
        return layer, (rng.normal(size=(2, 5, E)), rng.normal(size=(2, H)))
