"""Weights cross to PyTorch and back: the same outputs and gradients there and here, the same cell after the return."""

import numpy as np
import pytest

from minis2s.layers import CELLS, GRUResetBefore, cast, walk
from minis2s.layers.pytorch import from_pytorch, to_pytorch
from tests.conftest import arrays_in, assert_close, assert_same_arrays, randomized

KINDS = ["rnn", "gru", "lstm"]
LENGTHS = [5, 3, 3, 1]
ALIVE = [4, 3, 3, 1, 1]  # sentences of LENGTHS with a first token, a second ...
D, H = 3, 5


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e .[torch]")


def make_cells(rng, kind: str, layers: int, directions: int) -> list[list]:
    widths = [D] + [directions * H] * (layers - 1)
    return [[randomized(rng, CELLS[kind].init(rng, width, H)) for _ in range(directions)] for width in widths]


def module_of(torch, kind: str, layers: int, directions: int):
    """Return PyTorch's module, with random numbers in both biases."""
    torch.manual_seed(3)
    kinds = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
    return kinds[kind](D, H, num_layers=layers, bidirectional=directions == 2).double()


def reversal() -> np.ndarray:
    """Return the packed rows in the order in which every sentence is read from its end."""
    start = np.cumsum([0, *ALIVE])
    return np.array([start[LENGTHS[b] - 1 - t] + b for t, now in enumerate(ALIVE) for b in range(now)])


def run(cells, x, s0):
    """Return the top layer's outputs (N, directions H), last states, one a cell, and the caches."""
    last_rows = np.cumsum([0, *ALIVE])[np.array(LENGTHS) - 1] + np.arange(len(LENGTHS))
    last, caches = [], []
    for layer in cells:
        outputs = []
        for cell, rows in zip(layer, [slice(None), reversal()]):
            ss, cache = cell.forward(x[rows], s0[len(last)], ALIVE)
            outputs.append(cell.hidden_of(ss)[rows])
            last.append(ss[last_rows])
            caches.append(cache)
        x = np.concatenate(outputs, -1)
    return x, np.stack(last), caches


def run_backward(cells, doutput, caches):
    """Reverse run for its outputs: return the gradients like cells, dx and ds0."""
    gradients, ds0, caches = [], [], list(caches)
    for layer in reversed(cells):
        layer_caches, caches = caches[-len(layer) :], caches[: -len(layer)]
        dx, ours, starts = 0, [], []
        for i, (cell, cache, rows) in enumerate(zip(layer, layer_caches, [slice(None), reversal()])):
            dstates = cell.state_gradient(doutput[:, i * H : (i + 1) * H][rows])
            gradient, dx_i, start = cell.backward(dstates, cache)
            dx = dx + dx_i[rows]
            ours.append(gradient)
            starts.append(start)
        gradients.insert(0, ours)
        ds0[:0] = starts
        doutput = dx
    return gradients, doutput, np.stack(ds0)


def run_pytorch(torch, kind, module, x, s0):
    """Return PyTorch's outputs and last states, and its leaves x and states (h, or h and c)."""
    x = torch.tensor(x, requires_grad=True)
    parts = [torch.tensor(np.ascontiguousarray(s0[..., i : i + H])).requires_grad_() for i in range(0, s0.shape[-1], H)]
    packed = torch.nn.utils.rnn.PackedSequence(x, torch.tensor(ALIVE))
    output, last = module(packed, tuple(parts) if kind == "lstm" else parts[0])
    last = torch.cat(last, -1) if kind == "lstm" else last
    return output.data, last.detach().numpy(), x, parts


def inputs(rng, kind, layers, directions):
    states = rng.normal(size=(layers * directions, len(LENGTHS), CELLS[kind].states_per_hidden * H))
    return rng.normal(size=(sum(ALIVE), D)), states


def exchanged(cells) -> dict[str, np.ndarray]:
    """Return all cells' arrays by PyTorch's names."""
    pairs = [(i, backward, cell) for i, layer in enumerate(cells) for backward, cell in enumerate(layer)]
    return {name: a for i, backward, cell in pairs for name, a in to_pytorch(cell, i, bool(backward)).items()}


def taken(kind, arrays, layers, directions) -> list[list]:
    return [[from_pytorch(kind, arrays, i, bool(backward)) for backward in range(directions)] for i in range(layers)]


@pytest.mark.parametrize("layers, directions", [(1, 1), (2, 2), (3, 1)])
@pytest.mark.parametrize("kind", KINDS)
def test_our_weights_in_pytorch(rng, torch, kind, layers, directions):
    """Outputs, last states and every gradient, with load_state_dict strict about names and shapes."""
    cells, module = make_cells(rng, kind, layers, directions), module_of(torch, kind, layers, directions)
    module.load_state_dict({name: torch.from_numpy(array) for name, array in exchanged(cells).items()})
    x, s0 = inputs(rng, kind, layers, directions)
    output, last, caches = run(cells, x, s0)
    want, want_last, x_torch, s_torch = run_pytorch(torch, kind, module, x, s0)
    assert_close(output, want.detach().numpy(), 1e-12, "output")
    assert_close(last, want_last, 1e-12, "last states")

    doutput = rng.normal(size=output.shape)
    want.backward(torch.from_numpy(doutput))
    gradients, dx, ds0 = run_backward(cells, doutput, caches)
    got, autograd = exchanged(gradients), {name: p.grad.numpy() for name, p in module.named_parameters()}
    assert set(got) == set(autograd)
    for name in got:
        ours = name if kind == "gru" else name.replace("bias_hh", "bias_ih")  # db is the gradient of each of the sum
        assert_close(got[ours], autograd[name], 1e-10, name)
    assert_close(dx, x_torch.grad.numpy(), 1e-10, "dx")
    assert_close(ds0, np.concatenate([part.grad.numpy() for part in s_torch], -1), 1e-10, "ds0")


@pytest.mark.parametrize("layers, directions", [(1, 1), (2, 2), (3, 1)])
@pytest.mark.parametrize("kind", KINDS)
def test_pytorchs_weights_in_ours(rng, torch, kind, layers, directions):
    module = module_of(torch, kind, layers, directions)
    assert all(abs(p).max() > 0.1 for p in module.parameters())  # both biases count
    cells = taken(kind, module.state_dict(), layers, directions)
    x, s0 = inputs(rng, kind, layers, directions)
    output, last, caches = run(cells, x, s0)
    want, want_last, *_ = run_pytorch(torch, kind, module, x, s0)
    assert_close(output, want.detach().numpy(), 1e-12, "output")
    assert_close(last, want_last, 1e-12, "last states")

    doutput = rng.normal(size=output.shape)
    want.backward(torch.from_numpy(doutput))
    gradients, _, _ = run_backward(cells, doutput, caches)
    autograd = {name: p.grad.numpy() for name, p in module.named_parameters()}
    if kind != "gru":  # or the two biases' gradients, db each, would come back as 2 db
        autograd = {name: g if "bias_hh" not in name else np.zeros_like(g) for name, g in autograd.items()}
    assert_same_arrays(gradients, taken(kind, autograd, layers, directions), 1e-10)


# Without PyTorch


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back_is_the_same_cell(rng, kind, dtype):
    cell = cast(make_cells(rng, kind, 1, 1)[0][0], dtype)
    arrays = to_pytorch(cell, 2, backward=True)
    back = from_pytorch(kind, arrays, 2, backward=True)
    assert type(back) is type(cell)
    for (name, got), (_, want) in zip(walk(back), walk(cell)):
        assert (got.dtype, got.shape, got.tobytes()) == (want.dtype, want.shape, want.tobytes()), name
    fresh, old = [*arrays_in(back), *arrays.values()], arrays_in(cell)
    assert all(array.flags.c_contiguous for array in fresh)
    for i, array in enumerate(fresh):
        assert not any(np.shares_memory(array, other) for other in fresh[:i] + old)


@pytest.mark.parametrize("kind, rows", [("rnn", ["h"]), ("gru", "rzn"), ("lstm", "ifgo")])
def test_the_rows_are_those_of_pytorchs_manual(rng, kind, rows):
    """By the gates' names in the equations of ``torch.nn.GRU`` and ``LSTM``, so it holds where PyTorch is missing."""
    ours = {"rnn": ("h", "h"), "gru": ("rzn", "rzn"), "lstm": ("gifo", "gifo")}[kind]  # of W_x, W_h in each cell
    cell = make_cells(rng, kind, 1, 1)[0][0]
    arrays = to_pytorch(cell)
    assert list(arrays) == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    for k, gate in enumerate(rows):
        block, (in_x, in_h) = slice(k * H, (k + 1) * H), (order.index(gate) for order in ours)
        np.testing.assert_array_equal(arrays["weight_ih_l0"][block], cell.W_x[in_x].T)
        np.testing.assert_array_equal(arrays["weight_hh_l0"][block], cell.W_h[in_h].T)
        b_x, b_h = (cell.b_x[in_x, 0], cell.b_h[in_h, 0]) if kind == "gru" else (cell.b[in_x, 0], np.zeros(H))
        np.testing.assert_array_equal(arrays["bias_ih_l0"][block], b_x)
        np.testing.assert_array_equal(arrays["bias_hh_l0"][block], b_h)


def test_names_of_layers_and_directions(rng):
    cell = make_cells(rng, "gru", 1, 1)[0][0]
    assert list(to_pytorch(cell, 1, backward=True))[0::3] == ["weight_ih_l1_reverse", "bias_hh_l1_reverse"]
    assert list(to_pytorch(cell, 12))[1:3] == ["weight_hh_l12", "bias_ih_l12"]


def test_lists_of_numbers_will_do(rng):
    cell = make_cells(rng, "lstm", 1, 1)[0][0]
    lists = {name: array.tolist() for name, array in to_pytorch(cell).items()}
    assert_same_arrays(from_pytorch("lstm", lists), cell, 0)


def test_what_has_no_counterpart_is_refused(rng):
    cell, arrays = GRUResetBefore.init(rng, D, H), to_pytorch(CELLS["gru"].init(rng, D, H))
    for refused in (lambda: to_pytorch(cell), lambda: from_pytorch("gru_before", arrays)):
        with pytest.raises(ValueError, match=r"^GRUResetBefore has no counterpart in PyTorch, [^\n]*$"):
            refused()
    with pytest.raises(ValueError, match=r"^'relu' has no counterpart in PyTorch; choose one of rnn, gru, lstm$"):
        from_pytorch("relu", arrays)
    for refused in (lambda: to_pytorch(CELLS["gru"].init(rng, D, H), -1), lambda: from_pytorch("gru", arrays, -1)):
        with pytest.raises(ValueError, match=r"^layer is -1; layers count from 0$"):
            refused()


WRONG = [
    ({"bias_hh_l0": None}, r"^no bias_hh_l0 among the arrays; [^\n]*$"),
    ({"weight_ih_l0": (15, 3)}, r"^weight_ih_l0 is float64 \(15, 3\); lstm with 5 units needs floats \(20, 3\)$"),
    ({"weight_ih_l0": (20,)}, r"^weight_ih_l0 is float64 \(20,\); [^\n]*$"),
    ({"weight_hh_l0": (20, 2)}, r"; lstm with 2 units needs floats \(8, 3\)$"),  # proj_size=2
    ({"weight_hh_l0": ()}, r"; lstm with 0 units needs floats \(0, 3\)$"),
    ({"bias_ih_l0": (20, 1)}, r"^bias_ih_l0 is float64 \(20, 1\); lstm with 5 units needs floats \(20,\)$"),
    ({"bias_hh_l0": (1,)}, r"^bias_hh_l0 is float64 \(1,\); [^\n]*$"),  # would broadcast in the sum
]


@pytest.mark.parametrize("changes, message", WRONG)
def test_wrong_names_and_shapes_are_refused(rng, changes, message):
    arrays = to_pytorch(CELLS["lstm"].init(rng, D, H))
    arrays.update({name: shape if shape is None else np.zeros(shape) for name, shape in changes.items()})
    arrays = {name: array for name, array in arrays.items() if array is not None}
    with pytest.raises(ValueError, match=message) as caught:
        from_pytorch("lstm", arrays)
    assert "\n" not in str(caught.value)


def test_another_layer_another_kind_and_integers_are_refused(rng):
    arrays = to_pytorch(CELLS["gru"].init(rng, D, H))
    with pytest.raises(ValueError, match=r"^no weight_ih_l1, weight_hh_l1, bias_ih_l1, bias_hh_l1 among"):
        from_pytorch("gru", arrays, 1)
    with pytest.raises(ValueError, match=r"^no weight_ih_l0_reverse, "):
        from_pytorch("gru", arrays, backward=True)
    with pytest.raises(ValueError, match=r"^weight_ih_l0 is float64 \(15, 3\); lstm"):
        from_pytorch("lstm", arrays)
    with pytest.raises(ValueError, match=r"^bias_ih_l0 is int64 \(15,\); gru with 5 units needs floats"):
        from_pytorch("gru", arrays | {"bias_ih_l0": np.zeros(15, int)})
