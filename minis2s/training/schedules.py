"""How the learning rate changes over a run; each function takes the progress from 0 to 1 and returns a factor."""

import math
from collections.abc import Callable

WARMUP = 0.1  # share of the run in which the warm-up raises the rate


def cosine(progress: float) -> float:
    """Return half a cosine wave from 1 down to 0: late updates settle what early ones found.

    References
    ----------
    Loshchilov & Hutter 2017, arXiv 1608.03983, equation (5), without restarts.
    """
    return 0.5 * (1 + math.cos(math.pi * progress))


def constant(progress: float) -> float:
    """Return 1: the rate never changes."""
    return 1.0


def step(progress: float) -> float:
    """Return 1 for the first half of the run, then a half, a quarter, ...: halved at 0.5, 0.6, 0.7, 0.8 and 0.9.

    References
    ----------
    Luong, Pham & Manning 2015, arXiv 1508.04025, section 4.1: ten epochs, halved every epoch after the fifth;
    Sutskever, Vinyals & Le 2014, arXiv 1409.3215, section 3.4, halve every half epoch after the fifth of 7.5.
    """
    return 0.5 ** max(0, math.floor(10 * progress) - 4)


def inverse_square_root(progress: float) -> float:
    """Return a straight line from 0 up to 1 in the first tenth of the run, then 1 / sqrt(progress / 0.1).

    With p = progress and w = the warm-up's share:  factor = min(p / w, sqrt(w / p)).
    The paper's rule counts updates and takes its peak from the model's size;
    here the peak is the setting ``rate``.

    References
    ----------
    Vaswani et al. 2017, arXiv 1706.03762, section 5.3, equation (3), over its value at the end of the warm-up.
    """
    return progress / WARMUP if progress < WARMUP else math.sqrt(WARMUP / progress)


def factor(schedule: str, update: int, updates: int) -> float:
    """Return the factor of update number ``update``, from 0, of so many.

    The warm-up's first is not 0: as in the paper, it counts from 1.
    """
    return SCHEDULES[schedule]((update + (schedule == "warmup")) / updates)


SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": cosine,
    "constant": constant,
    "step": step,
    "warmup": inverse_square_root,
}
