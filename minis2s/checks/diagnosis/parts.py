"""A model mixes the traces of a bug; in one of its layers alone, or in its decoder or encoder, they are clearer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minis2s.checks.cases import CASES, random_weights
from minis2s.checks.diagnosis.context import records
from minis2s.checks.diagnosis.mutants import put, with_methods

JOINTS = ("encoder", "decoder")  # they join other layers of the model, so they are tried as they are


def parts_of(model: Any, inputs: Sequence[Any]) -> list[tuple[str, Any, tuple]]:
    """Return the layers of a model by path, with inputs of the table of cases or, of a joint, those it is given.

    Of several layers of a type only the first is there. The loss belongs to every model. Layers that hold no others
    come first.
    """
    types: dict[type, str] = {}
    for path, part in records(model):
        types.setdefault(type(part), path)
    parts = []
    for name, case in CASES.items():
        layer, hard = case(rng := np.random.default_rng(3))
        path = "the loss" if name.startswith("cross_entropy") else types.get(type(layer), "")
        if path and path not in JOINTS:
            parts.append((path, random_weights(layer, rng), hard))
    given = given_to(model, inputs)
    parts += [(path, part, given[path]) for path, part in records(model) if path in JOINTS]
    return sorted(parts, key=lambda part: len(list(records(part[1]))))


def given_to(model: Any, inputs: Sequence[Any]) -> dict[str, tuple]:
    """Return what each layer's forward is given first while the model runs; a generator becomes a seed."""
    given: dict[str, tuple] = {}
    watched = model
    for path, part in reversed(list(records(model))):
        if path and hasattr(part, "forward"):

            def forward(right: Callable, *arguments: Any, path: str = path) -> Any:
                given.setdefault(path, tuple(1 if isinstance(x, np.random.Generator) else x for x in arguments))
                return right(*arguments)

            watched = put(watched, path, with_methods(dict(records(watched))[path], forward=forward))
    watched.loss(*inputs)
    return given
