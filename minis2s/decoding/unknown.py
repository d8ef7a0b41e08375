"""What to write in place of ``<unk>``: the source token with the largest attention weight of that step."""

from collections.abc import Sequence

import numpy as np

from minis2s.data.vocabulary import SPECIAL, UNK


def replace_unknown(tokens: Sequence[str], source: Sequence[str], alphas: np.ndarray | None) -> list[str]:
    """Return a translation with each ``<unk>`` replaced by the source token of the greatest attention weight.

    What a model has no word for is often a name, and a name often stays as it is (Luong et al. 2015, arXiv 1410.8206;
    with attention, Jean et al. 2015, arXiv 1412.2007, who look the source word up in a dictionary first). The tokens
    are the model's units: of pieces of words, one piece is copied, with the `@@` that says whether its word goes on.

    Parameters
    ----------
    tokens : the translation, T tokens
    source : S tokens
    alphas : (≥ T, S + 1) attention weights of the steps that wrote the tokens; the end sign's, the last column, do not
        count

    Raises
    ------
    ValueError
        If there is an ``<unk>`` but no attention.
    """
    unknown = SPECIAL[UNK]
    if unknown not in tokens:
        return list(tokens)
    if alphas is None:
        raise ValueError("without attention there is no telling which source token an <unk> stands for")
    return [
        source[int(alphas[t, : len(source)].argmax())] if token == unknown else token for t, token in enumerate(tokens)
    ]
