"""A configuration is refused in one line that names what to change; what fits together is in test_family.py."""

import pytest

from minis2s.models import Config
from tests.conftest import SIZES


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"hidden": 5, "bidirectional": True}, "hidden is 5.*make it even"),
        ({"encoder_hidden": 5, "bridge": "tanh", "bidirectional": True}, "encoder_hidden is 5.*make it even"),
        ({"attention": "dot", "encoder_hidden": 6, "bridge": "tanh"}, "'dot'.*make them equal, or choose.*general"),
        ({"attention": "scaled_dot", "encoder_hidden": 6, "bridge": "tanh"}, "'scaled_dot'.*make them equal"),
        ({"encoder_hidden": 6}, "encoder_hidden is 6 and hidden 4.*choose bridge tanh, or equal sizes"),
        ({"tie_output": True}, "embedding is 3 and hidden 4; make them equal"),
        ({"attention": "none", "order": "luong"}, "choose an attention, or order bahdanau"),
        ({"input_feeding": True}, "choose order luong with it, or leave it out"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts, says):
    with pytest.raises(ValueError, match=says):
        Config(**SIZES | parts)


WRONG = {
    ("layers", "encoder_hidden", "hidden"): (0, -1, 1.5, "2", True),
    ("cell", "attention", "order", "bridge"): ("x", "", None, 3),
    ("input_feeding", "bidirectional", "layer_norm", "tie_output"): (1, 0, "yes", None),
    ("dropout", "label_smoothing"): (1, -0.1, 1.5, "0", None, True, float("nan")),
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for names, values in WRONG.items() for n in names for v in values])
def test_a_wrong_value_is_named(name, value):
    with pytest.raises(ValueError, match=f"^{name} is {value!r}; "):
        Config(**SIZES | {name: value})
