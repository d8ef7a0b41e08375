"""What an attention's gradient would be with one of the usual slips in the derivative of its softmax."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minis2s.checks.derivatives import Trial, as_tuple, float_inputs
from minis2s.layers.activations import softmax
from minis2s.layers.record import walk

Slip = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # dscore from alpha, its gradient, alpha without mask

SLIPS: dict[str, Slip] = {
    "a softmax's Jacobian without the sum: dscore = alpha dalpha": lambda alpha, d, _: alpha * d,
    "a softmax's Jacobian of its diagonal only: dscore = alpha (1 - alpha) dalpha": lambda alpha, d, _: (
        alpha * (1 - alpha) * d
    ),
    "a softmax that is left out in backward: dscore = dalpha": lambda alpha, d, _: d,
    "a mask that is missing in backward: alpha taken over the padding, too": lambda _, d, everywhere: (
        everywhere * (d - (everywhere * d).sum(-1, keepdims=True))
    ),
}


def softmax_slips(trial: Trial) -> dict[str, dict[str, np.ndarray]]:
    """Return, for each slip, the gradients it gives, by array: those of our layer with that one line changed."""
    layer, inputs = trial.layer, trial.inputs
    kind: Any = type(layer)
    results = {}
    for cause, slip in SLIPS.items():

        class Slipped(kind):
            def attend_backward(
                self, dcontext: Any, keys: Any, memory: Any, cache: Any, dalpha: Any = None, slip: Slip = slip
            ) -> Any:
                d = (memory @ dcontext[..., None])[..., 0]
                everywhere = softmax(self.score(cache.query, keys, cache.coverage)[0])
                return self.score_backward(slip(cache.alpha, d, everywhere), keys, cache)

        twin = Slipped(*(array for _, array in walk(layer)))
        _, cache = twin.forward(*inputs)
        gradient, *dinputs = as_tuple(twin.backward(trial.cotangent[0], cache))
        found = dict(walk(gradient)) | dict(zip(float_inputs("", layer, inputs), dinputs))
        results[cause] = {name: array.real for name, array in found.items()}
    touched = [name for name in found if not same_in_all([result[name] for result in results.values()])]
    return {cause: {name: result[name] for name in touched} for cause, result in results.items()}


def same_in_all(arrays: list[np.ndarray]) -> bool:
    """Whether the slips make no difference to an array: then it says nothing about them."""
    return all(np.allclose(array, arrays[0], rtol=1e-8, atol=0) for array in arrays)
