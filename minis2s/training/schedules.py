"""How the learning rate changes over a run; each function takes the progress from 0 to 1 and returns a factor."""

import math


def cosine(progress: float) -> float:
    """Return half a cosine wave from 1 down to 0: late updates settle what early ones found.

    References
    ----------
    Loshchilov & Hutter 2017, arXiv 1608.03983, equation (5), without restarts.
    """
    return 0.5 * (1 + math.cos(math.pi * progress))
