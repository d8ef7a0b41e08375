"""The functions of lesson 05, and the mistakes that its grader knows: a GRU step, and an LSTM's cell state.

Gates in the order r, z, n, as PyTorch has them: W_x (3, E, H), W_h (3, H, H), b_x and b_h (3, 1, H).
"""

import numpy as np


def sigmoid(a):
    """Return 1 / (1 + e^-a)."""
    return 1 / (1 + np.exp(-a))


def mix_forward(n, z, h):
    """Return h' (B, H) of equation (4), and the cache (n, z, h)."""
    return n + z * (h - n), (n, z, h)


def mix_backward(dh_new, cache):
    """Return dn, dz and dh, (B, H) each; this dh is the direct path alone."""
    n, z, h = cache
    return dh_new * (1 - z), dh_new * (h - n), dh_new * z


def mix_slopes(dh_new, cache):
    """Forget to multiply by dh_new."""
    return mix_backward(np.ones_like(dh_new), cache)


def mix_too_far(dh_new, cache):
    """Go on through the tanh of n and the sigmoid of z."""
    n, z, _ = cache
    dn, dz, dh = mix_backward(dh_new, cache)
    return dn * (1 - n * n), dz * z * (1 - z), dh


def candidate_forward(a_n, r, u_n):
    """Return n (B, H) of equation (3), and the cache (r, u_n, n)."""
    n = np.tanh(a_n + r * u_n)
    return n, (r, u_n, n)


def candidate_backward(dn, cache):
    """Return da_n, dr and du_n, (B, H) each."""
    r, u_n, n = cache
    da_n = dn * (1 - n * n)
    return da_n, da_n * u_n, da_n * r


def candidate_of_a_sigmoid(dn, cache):
    """Take the slope of a sigmoid for that of the tanh."""
    return candidate_backward(dn * cache[2] / (1 + cache[2]), cache)


def candidate_too_far(dn, cache):
    """Go on through the sigmoid of r."""
    da_n, dr, du_n = candidate_backward(dn, cache)
    return da_n, dr * cache[0] * (1 - cache[0]), du_n


def gru_step(x, h, W_x, W_h, b_x, b_h):
    """Return h' (B, H) and the cache (x, h, W_x, W_h, r, z, n, u_n)."""
    a, u = x @ W_x + b_x, h @ W_h + b_h  # (3, B, H) r, z, n
    r, z = sigmoid(a[0] + u[0]), sigmoid(a[1] + u[1])
    n = np.tanh(a[2] + r * u[2])
    return n + z * (h - n), (x, h, W_x, W_h, r, z, n, u[2])


def gate_gradients(dh_new, cache):
    """Return da and du, (3, B, H) each, and the direct dh."""
    _, h, _, _, r, z, n, u_n = cache
    dn, dz, dh = mix_backward(dh_new, (n, z, h))
    da_n, dr, du_n = candidate_backward(dn, (r, u_n, n))
    da_r, da_z = dr * r * (1 - r), dz * z * (1 - z)
    return np.stack([da_r, da_z, da_n]), np.stack([da_r, da_z, du_n]), dh


def weight_gradients(da, du, dh, cache):
    """Return dx, dh, dW_x, dW_h, db_x and db_h from the gates' gradients and the direct dh."""
    x, h, W_x, W_h, *_ = cache
    dx = (da @ W_x.swapaxes(1, 2)).sum(0)
    dh = dh + (du @ W_h.swapaxes(1, 2)).sum(0)
    return dx, dh, x.T @ da, h.T @ du, da.sum(1, keepdims=True), du.sum(1, keepdims=True)


def gru_step_backward(dh_new, cache):
    """Return dx, dh, dW_x, dW_h, db_x and db_h."""
    return weight_gradients(*gate_gradients(dh_new, cache), cache)


def candidate_r_everywhere(dn, cache):
    """Multiply by r in da_n, too."""
    da_n, dr, du_n = candidate_backward(dn, cache)
    return da_n * cache[0], dr, du_n


def without_direct_path(dh_new, cache):
    """Leave out dh' z."""
    da, du, dh = gate_gradients(dh_new, cache)
    return weight_gradients(da, du, 0 * dh, cache)


def direct_path_alone(dh_new, cache):
    """Leave out the three gates in dh."""
    dx, _, *others = gru_step_backward(dh_new, cache)
    return dx, gate_gradients(dh_new, cache)[2], *others


def same_on_both_sides(dh_new, cache):
    """Take da for du: r is left out of the candidate's hidden side."""
    da, _, dh = gate_gradients(dh_new, cache)
    return weight_gradients(da, da, dh, cache)


def hidden_side_on_both(dh_new, cache):
    """Take du for da: r is put into the candidate's input side."""
    _, du, dh = gate_gradients(dh_new, cache)
    return weight_gradients(du, du, dh, cache)


def with_slopes(of_r, of_z):
    """Return ``gru_step_backward`` with other slopes of the two sigmoids, made of r and of z."""

    def backward(dh_new, cache):
        *_, r, z, n, _ = cache
        da, du, dh = gate_gradients(dh_new, cache)
        slope = np.stack([of_r(r) / (r * (1 - r)), of_z(z) / (z * (1 - z)), np.ones_like(n)])
        return weight_gradients(da * slope, du * slope, dh, cache)

    return backward


def sigmoid_slope(s):
    """Return the right one."""
    return s * (1 - s)


without_sigmoid = with_slopes(np.ones_like, np.ones_like)


def direct_path_without_z(dh_new, cache):
    """Let all of dh' through to h."""
    da, du, _ = gate_gradients(dh_new, cache)
    return weight_gradients(da, du, dh_new, cache)


def reset_before(dh_new, cache):
    """Take the state times r for what W_h read in the candidate: the other order of (3)."""
    gradients, (da, du, _) = list(gru_step_backward(dh_new, cache)), gate_gradients(dh_new, cache)
    _, h, _, _, r, *_ = cache
    gradients[3] = np.stack([h.T @ du[0], h.T @ du[1], (r * h).T @ da[2]])
    return tuple(gradients)


def not_turned(dh_new, cache):
    """Multiply by W_h where it should be transposed."""
    dx, _, *others = gru_step_backward(dh_new, cache)
    _, du, dh = gate_gradients(dh_new, cache)
    return dx, dh + (du @ cache[3]).sum(0), *others


def without_r_and_z(dh_new, cache):
    """Let only the candidate hand on to h, beside the direct path."""
    dx, _, *others = gru_step_backward(dh_new, cache)
    _, du, dh = gate_gradients(dh_new, cache)
    return dx, dh + du[2] @ cache[3][2].T, *others


def r_and_z_exchanged(dh_new, cache):
    """Stack the gradients of z, r, n."""
    da, du, dh = gate_gradients(dh_new, cache)
    return weight_gradients(da[[1, 0, 2]], du[[1, 0, 2]], dh, cache)


def path_forward(c, f, i, g, o):
    """Return (h', c') of equations (5) and (6), and the cache (f, o, tanh c')."""
    c_new = f * c + i * g
    tanh_c = np.tanh(c_new)
    return (o * tanh_c, c_new), (f, o, tanh_c)


def path_backward(dh_dc_new, cache):
    """Return dc, (B, H)."""
    (dh_new, dc_new), (f, o, tanh_c) = dh_dc_new, cache
    return (dc_new + dh_new * o * (1 - tanh_c**2)) * f


def path_without_square(dh_dc_new, cache):
    """Take 1 - tanh(c') for the slope of the tanh."""
    (dh_new, dc_new), (f, o, tanh_c) = dh_dc_new, cache
    return f * (dc_new + dh_new * o * (1 - tanh_c))


def path_with(make):
    """Return ``path_backward`` with another dc, made of dh', dc', f, o, tanh c' and the slope of the tanh."""
    return lambda new, cache: make(*new, *cache, 1 - cache[2] ** 2)


PATHS_WITHOUT_F = (
    path_with(lambda dh, dc, f, o, tanh_c, slope: dc * f + dh * o * slope),
    path_with(lambda dh, dc, f, o, tanh_c, slope: dc + f * dh * o * slope),
)
PATHS_WITHOUT_SLOPE = (
    path_with(lambda dh, dc, f, o, tanh_c, slope: (dc + dh * o) * f),
    path_with(lambda dh, dc, f, o, tanh_c, slope: (dc + dh * o * tanh_c) * f),
)

rng = np.random.default_rng(5)


def normal(*shape):
    """Return random numbers, none of them special."""
    return rng.normal(size=shape)


def gate(*shape):
    """Return random gates between 0 and 1."""
    return rng.uniform(0.1, 0.9, size=shape)


def step_case(B, E, H):
    """Return inputs of a step, all biases and states random."""
    return normal(B, E), normal(B, H), normal(3, E, H), normal(3, H, H), normal(3, 1, H), normal(3, 1, H)


MIXES = {
    "two sentences, four units": (normal(2, 4), gate(2, 4), normal(2, 4)),
    "one sentence": (normal(1, 3), gate(1, 3), normal(1, 3)),
}
CANDIDATES = {
    "two sentences, four units": (normal(2, 4), gate(2, 4), normal(2, 4)),
    "three sentences, two units": (normal(3, 2), gate(3, 2), normal(3, 2)),
}
STEPS = {"B = 2, E = 5, H = 4": step_case(2, 5, 4), "one sentence, E = H = 3": step_case(1, 3, 3)}
PATHS = {
    "two sentences, four units": (normal(2, 4), gate(2, 4), gate(2, 4), normal(2, 4), gate(2, 4)),
    "three sentences, two units": (normal(3, 2), gate(3, 2), gate(3, 2), normal(3, 2), gate(3, 2)),
}
