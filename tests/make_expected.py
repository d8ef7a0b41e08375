"""Make minis2s/museum/expected.json, what plain loops compute: ``python -m tests.make_expected``.

For each configuration that a bug of the museum needs, at random and at constant weights: the loss of a ragged batch,
the loss of each of its targets, and what the output layer reads at each target's end.
"""

import json

import numpy as np

from minis2s.checks.invariances import reference_loops
from minis2s.data.vocabulary import BOS
from minis2s.museum.catalogue.bugs import BUGS
from minis2s.museum.checks import (
    EXPECTED,
    SOURCES,
    TARGETS,
    constant_model,
    key_of,
    random_model,
    small,
)


def numbers_of(model):
    """The same numbers as ``checks.numbers_of``, from the equations of the papers."""
    nats, last = [], []
    for source, target in zip(SOURCES, TARGETS):
        nats.append(float(reference_loops.nll(np, model, source, target)))
        memory, end = reference_loops.encode(np, model.encoder, source)
        ys = reference_loops.embedding(np, model.embedding, [BOS, *target])
        outs, _ = reference_loops.decode(np, model.decoder, ys, reference_loops.bridge(np, model.bridge, end), memory)
        last += (outs[-1] if model.norm is None else reference_loops.layer_norm(np, model.norm, outs[-1])).tolist()
    tokens = sum(len(target) + 1 for target in TARGETS)
    return {"loss": [sum(nats) / tokens], "nats": nats, "last": last}


def make_expected():
    """All of it, by ``checks.key_of`` of each configuration."""
    configs = {key_of(config): config for config in [small(), *(small(**bug.config) for bug in BUGS.values())]}
    return {
        key: {"random": numbers_of(random_model(config)), "constant": numbers_of(constant_model(config))}
        for key, config in sorted(configs.items())
    }


def main():
    text = json.dumps(make_expected(), indent=1)
    EXPECTED.write_text(text.replace("\n    ", " ").replace("\n   ]", "]") + "\n")


if __name__ == "__main__":
    main()
