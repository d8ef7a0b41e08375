"""The functions of lesson 07, and the mistakes that its grader knows: additive attention, forward and backward.

B sentences of S places; a query has H numbers, a place of the memory M, the hidden layer A.
"""

from collections.abc import Callable

import numpy as np

from minis2s.layers.activations import softmax


def masked_alpha(score: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the shares of real tokens, (B, S), from scores (B, S)."""
    return softmax(np.where(mask, score, -np.inf))


def score_forward(
    query: np.ndarray, memory: np.ndarray, W_q: np.ndarray, W_k: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, tuple]:
    """Return the scores (B, S), equations (1) and (2) of the lesson."""
    hidden = np.tanh((query @ W_q)[:, None] + memory @ W_k)
    return hidden @ v, (query, memory, W_q, W_k, v, hidden)


def score_backward(dscore: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Reverse ``score_forward``; dscore is (B, S)."""
    *_, v, hidden = cache
    return inside_backward(dscore, dscore[..., None] * v * (1 - hidden * hidden), cache)


def inside_backward(dscore: np.ndarray, dinside: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Return the gradients, from that of what stands inside the tanh, (B, S, A)."""
    query, memory, W_q, W_k, _, hidden = cache
    dq = dinside.sum(1)
    dW_k = np.einsum("bsm,bsa->ma", memory, dinside)
    return dq @ W_q.T, dinside @ W_k.T, query.T @ dq, dW_k, np.einsum("bs,bsa->a", dscore, hidden)


def look_forward(score: np.ndarray, memory: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Return the context (B, M), equations (3) and (4) of the lesson."""
    alpha = masked_alpha(score, mask)
    return (alpha[..., None] * memory).sum(1), (alpha, memory)


def look_backward(dcontext: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Reverse ``look_forward``; dcontext is (B, M)."""
    alpha, dalpha = cache[0], dalpha_of(dcontext, cache)
    dscore = alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))
    return dscore, alpha[..., None] * dcontext[:, None]


def dalpha_of(dcontext: np.ndarray, cache: tuple) -> np.ndarray:
    """Return the gradient of the shares, (B, S)."""
    return (cache[1] * dcontext[:, None]).sum(-1)


def attention_forward(
    query: np.ndarray, memory: np.ndarray, mask: np.ndarray, W_q: np.ndarray, W_k: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, tuple]:
    """Return the context (B, M), equations (1) to (4) of the lesson."""
    score, score_cache = score_forward(query, memory, W_q, W_k, v)
    context, look_cache = look_forward(score, memory, mask)
    return context, (score_cache, look_cache)


def attention_backward(dcontext: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Reverse ``attention_forward``; dcontext is (B, M)."""
    dscore, dvalues = look_backward(dcontext, cache[1])
    dquery, dkeys, *weights = score_backward(dscore, cache[0])
    return dquery, dkeys + dvalues, *weights


def with_dmemory(make: Callable) -> Callable:
    """Return ``attention_backward`` with another dmemory, made of the values' part and the keys' part."""

    def backward(dcontext: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
        dscore, dvalues = look_backward(dcontext, cache[1])
        dquery, dkeys, *weights = score_backward(dscore, cache[0])
        return dquery, make(dvalues, dkeys), *weights

    return backward


def score_with(dinside: Callable) -> Callable:
    """Return ``score_backward`` with another gradient inside the tanh: of dscore (B, S, 1), v and hidden."""
    return lambda dscore, cache: inside_backward(dscore, dinside(dscore[..., None], cache[4], cache[5]), cache)


def look_with(dscore: Callable) -> Callable:
    """Return ``look_backward`` with another dscore, made of alpha and dalpha."""
    return lambda dcontext, cache: (dscore(cache[0], dalpha_of(dcontext, cache)), look_backward(dcontext, cache)[1])


def small_after(score: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the shares of all places (B, S), those of the padding then taken away."""
    return softmax(score) * mask


def dmemory_with(weight: Callable) -> Callable:
    """Return ``look_backward`` with another dmemory: dcontext times other weights, made of alpha and dscore."""

    def backward(dcontext: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
        dscore, _ = look_backward(dcontext, cache)
        return dscore, weight(cache[0], dscore)[..., None] * dcontext[:, None]

    return backward


def handed_on(make: Callable) -> Callable:
    """Return ``attention_backward`` where the scores get something else than dscore, made of alpha and dalpha."""

    def backward(dcontext: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
        dvalues = look_backward(dcontext, cache[1])[1]
        dquery, dkeys, *weights = score_backward(make(cache[1][0], dalpha_of(dcontext, cache[1])), cache[0])
        return dquery, dkeys + dvalues, *weights

    return backward


def through_the_slope(dscore: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Return ``score_backward`` of dscore (B, S) with a dv that went through the tanh."""
    *others, _ = score_backward(dscore, cache)
    hidden = cache[5]
    return *others, (dscore[..., None] * hidden * (1 - hidden * hidden)).sum((0, 1))


def product_of_sums(dscore: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Return ``score_backward`` of dscore (B, S) with a dW_k that multiplies sums of memory and of dinside."""
    _, memory, _, _, v, hidden = cache
    dquery, dmemory, dW_q, _, dv = score_backward(dscore, cache)
    dinside = dscore[..., None] * v * (1 - hidden * hidden)
    return dquery, dmemory, dW_q, memory.sum(1).T @ dinside.sum(1), dv


NOT_INFINITE = (  # right as long as scores are small, and so the first to be looked for
    lambda score, mask: softmax(np.where(mask, score, -100.0)),
    lambda score, mask: softmax(score - 100.0 * ~mask),
)
TURNED_ROUND = (  # a number in the place of infinity, at the real tokens
    lambda score, mask: softmax(score - 1e9 * mask),
    lambda score, mask: softmax(np.where(mask, -1e9, score)),
)

rng = np.random.default_rng(7)


def mask_of(*lengths: int) -> np.ndarray:
    """Return (B, S), True at real tokens."""
    return np.arange(max(lengths)) < np.array(lengths)[:, None]


def scores(mask: np.ndarray, real: float, padding: float) -> tuple[np.ndarray, np.ndarray]:
    """Return scores near one number at the real tokens of mask (B, S), near another on the padding, and the mask."""
    return rng.normal(size=mask.shape) + np.where(mask, real, padding), mask


def inputs(mask: np.ndarray, H: int, M: int, A: int) -> dict[str, np.ndarray]:
    """Return query and memory, on the padding of mask (B, S), too; weights, scores and the mask."""
    B, S = mask.shape
    sizes = {"query": (B, H), "memory": (B, S, M), "W_q": (H, A), "W_k": (M, A), "v": (A,), "score": (B, S)}
    return {name: rng.normal(size=size) for name, size in sizes.items()} | {"mask": mask}


RAGGED = "3 sentences of 4, 2 and 1 tokens, padded to 4"
CASES = {RAGGED: inputs(mask_of(4, 2, 1), 2, 3, 5), "2 sentences of 3 and 5 tokens": inputs(mask_of(3, 5), 4, 2, 3)}
SCORES = {
    RAGGED: scores(mask_of(4, 2, 1), 0, 0),
    "the padding has the largest scores, by 1,000": scores(mask_of(1, 5, 3, 2), 0, 1000),
    "scores of -5,000, and 5 on the padding": scores(mask_of(1, 2, 3), -5000, 5),
    "scores of -10,000,000,000": scores(mask_of(3, 1), -1e10, 5),
}


def cases(*names: str) -> dict[str, tuple]:
    """Return the named inputs of each case, in this order."""
    return {case: tuple(given[name] for name in names) for case, given in CASES.items()}
