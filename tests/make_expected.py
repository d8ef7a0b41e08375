"""Make minis2s/museum/expected.json, what plain loops compute: ``python -m tests.make_expected``.

For each configuration that a bug of the museum needs, at random and at constant weights: the loss of a ragged batch,
the loss of each of its targets, and what the output layer reads at each target's end.
"""

import json

import numpy as np

from minis2s.data.vocabulary import BOS, EOS
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
from tests import family


def numbers_of(model):
    """The same numbers as ``checks.numbers_of``, from the equations of the papers."""
    nats, last = [], []
    for source, target in zip(SOURCES, TARGETS):
        written = [*target, EOS]
        log_p, _ = family.log_probabilities(np, model, source, written)
        nats.append(float(-sum(row[token] for row, token in zip(log_p, written))))
        memory, end = family.encode(np, model.encoder, source)
        ys = [model.embedding.E[i] for i in [BOS, *target]]
        outs, _ = family.decode(np, model.decoder, ys, family.bridge(np, model.bridge, end), memory)
        last += (outs[-1] if model.norm is None else family.layer_norm(np, model.norm, outs[-1])).tolist()
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
