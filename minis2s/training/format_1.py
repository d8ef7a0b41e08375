"""What files of format 1 hold otherwise.

Three fields of a configuration had shorter names, and a model without attention was said to be of the model "plain".
An encoder with a single cell held it as ``cell``, not in layers. A GRU's gates lay in the order n, z, r beside x and
z, r, n beside h.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from minis2s.layers.gru import GRU
from minis2s.layers.gru_reset_before import GRUResetBefore
from minis2s.layers.record import on_vector, to_vector

RENAMED = {"feeding": "input_feeding", "tie": "tie_output", "smoothing": "label_smoothing"}
NZR, ZRN = [2, 1, 0], [1, 0, 2]  # to r, z, n
ORDERS = {
    GRU: {"W_x": NZR, "W_h": ZRN, "b_x": NZR, "b_h": ZRN},
    GRUResetBefore: {"W_x": NZR, "W_h": NZR, "b": NZR},
}


def config_now(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with its fields as they are called now."""
    config = {RENAMED.get(name, name): value for name, value in config.items()}
    if config.pop("model", "attention") == "plain":
        config["attention"] = "none"
    return config


def name_now(name: str) -> str:
    """Return the flat name that an array of a model has now."""
    return re.sub(r"^encoder\.cell\.", "encoder.layers.0.cells.0.", name)


def in_order(tree: Any) -> Any:
    """Return the same record with the gates of each cell in the order r, z, n."""
    if type(tree) in ORDERS:
        return replace(tree, **{name: getattr(tree, name)[order] for name, order in ORDERS[type(tree)].items()})
    if isinstance(tree, tuple):
        return tuple(in_order(part) for part in tree)
    if is_dataclass(tree) and not isinstance(tree, type):
        return replace(tree, **{field.name: in_order(getattr(tree, field.name)) for field in fields(tree)})
    return tree


def state_in_order(state: Mapping[str, np.ndarray], model: Any) -> dict[str, np.ndarray]:
    """Return the state of a training of such a model; vectors (n,) of all n parameters get their order."""
    vector, record = on_vector(model)

    def ordered(array: np.ndarray) -> np.ndarray:
        if array.shape != vector.shape:
            return array
        vector[:] = array
        return to_vector(in_order(record)).astype(array.dtype)

    return {name: ordered(array) for name, array in state.items()}
