"""First values of the weights, each with its source. All return float64; a model is cast afterwards."""

import numpy as np


def glorot_uniform(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return uniform values in ±sqrt(6 / (inputs + outputs)): activations and gradients keep their variance.

    The last two axes are (inputs, outputs); axes before them, such as the gates, each get a matrix of their own.

    References
    ----------
    Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", equation (16).
    """
    bound = (6 / (shape[-2] + shape[-1])) ** 0.5
    return rng.uniform(-bound, bound, shape)


def orthogonal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return square matrices that turn a vector without stretching it, so that repeated products keep its norm.

    References
    ----------
    Saxe, McClelland & Ganguli 2014, arXiv 1312.6120; the sign correction makes the distribution uniform
    (Mezzadri 2007, arXiv math-ph/0609050).
    """
    q, r = np.linalg.qr(rng.standard_normal(shape))
    return q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]


def small_normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return normal values of standard deviation 0.1, for embeddings.

    References
    ----------
    Bahdanau, Cho & Bengio 2015, arXiv 1409.0473, appendix B.1, draw small Gaussians too (0.01); 1, which
    ``torch.nn.Embedding`` takes, lets a small model learn its training sentences by heart before their rule.
    """
    return 0.1 * rng.standard_normal(shape)
