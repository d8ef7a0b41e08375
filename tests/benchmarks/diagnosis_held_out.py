"""Bugs outside the museum, and the same mistakes in files as students write them.

Written without having read how the diagnoses are made or what they can say; nothing here was changed after it was first
measured. What counts as right names the line, the operation or the term in any words. A file in ``third`` stands there
with its mistake; ``OWN`` has the line that belongs there.
"""

from pathlib import Path
from typing import Any, NamedTuple

from minis2s.museum.patching import Bug

LAYERS, MODELS = "minis2s.layers.", "minis2s.models."
FOLDER = Path(__file__).parent / "third"
FOR = r"(in (the )?place of|instead of|rather than|in .* stead|taken for|for|where|should be|exchanged|swapped)"
OTHER = r"(an)?(other|wrong|opposite|different)"
WRONG_CARRY = r"(?<!nothing )(?<!nothing is )(carried|handed) (back|on)\b.*(wrong|error|missing or)"  # true, only where


class Wanted(NamedTuple):
    """The sentences that are right, and those that are true but say only where, which count as vague."""

    right: str
    vague: str = r"(?!)"  # besides what is vague of any bug


def held_out(name: str, where: str, old: str, new: str, right: str, vague: str = r"(?!)", **config: Any) -> tuple:
    """Return a bug and what has to be said of it."""
    bug = Bug(name, None, "backward", where, old, new, "", "", "", "", config=config)
    return bug, Wanted(right, vague)


class Own(NamedTuple):
    """A file of one's own with a mistake in it."""

    file: str  # in FOLDER
    kind: str  # its class
    like: str | None  # the layer of ours that it can be compared with
    right: str  # the line, or lines, that belong there
    wrong: str  # what stands there; once in the file

    def text(self, right: bool = False) -> str:
        """Return the file's text, as it is or with the right line.

        Raises
        ------
        ValueError
            If the wrong line does not stand there exactly once.
        """
        text = (FOLDER / self.file).read_text()
        if text.count(self.wrong) != 1:
            raise ValueError(f"{self.file}: {self.wrong!r} stands there {text.count(self.wrong)} times, not once")
        return text.replace(self.wrong, self.right) if right else text


LIST = (
    held_out(
        "gru_direct_by_one_minus_z",
        LAYERS + "gru:GRU.step_backward_inplace",
        "dh_new * z",
        "dh_new * (1 - z)",
        rf"1 - z {FOR} (just |plain |the )?z\b|z and 1 - z|\bdirect|\b(skip|leak|copy)\b|\bd(h_new|h'|h|') ?[*·]? ?z\b"
        r"|\bz\b.*h' directly",
        WRONG_CARRY,
    ),
    held_out(
        "carried_to_the_last_rows",
        LAYERS + "cell:Cell.backward",
        "dstates[rows][: len(ds)] += ds",
        "dstates[rows][len(dstates[rows]) - len(ds) :] += ds",
        rf"\b{OTHER} (row|sentence|order)|rows?\b.*(shift|order|wrong|exchanged|swapped|permut|aligned|front|"
        r"behind)|sentences?\b.*(exchanged|mixed|swapped|other|one another|longer|shorter|in front)|permut|"
        r"in front|longest|last rows|\blen\(|\balive\b|packed|misaligned",
        rf"{WRONG_CARRY}|unequal lengths|(lengths|sentences) (differ|end)",
    ),
    held_out(
        "gru_before_product_not_transposed",
        LAYERS + "gru_reset_before:GRUResetBefore.step_backward_inplace",
        "da_n @ W_hT[2 * H :]",
        "da_n @ self.W_h[2]",
        r"transpos|(\.T|\^T) (is )?(missing|left out|forgotten)|without (the )?(\.T|\^T)|rows and columns"
        r"|(drh|d\(r ?\*? ?h\)|r \* h|\brh\b|reset state|filtered).*(product|W_h|U_cand|matrix)",
        rf"{WRONG_CARRY}|path.*(r \* h|\brh\b|\br h\b)",
        cell="gru_before",
    ),
    held_out(
        "lstm_forget_slope_of_input",
        LAYERS + "lstm:LSTM.local_gradients",
        "c * f * (1 - f)",
        "c * i * (1 - i)",
        r"\bf ?\*? ?\(1 - f\)|\b(gate f|forget|a_?f|d_?a?f)\b.*(\bi ?\*? ?\(1 - i\)|\b(i|input)\b|slope|sigmoid)",
        r"\b(gate f|forget gate)\b.*(wrong|alone|only)",
        cell="lstm",
    ),
    held_out(
        "lstm_gates_before_memory",
        LAYERS + "lstm:LSTM.step_backward_inplace",
        "dc_new += dc_next  # fork: c' is shown and remembered\n        da_g *= dc_new  # (5), (4)\n"
        "        da_i *= dc_new  # (5), (1)\n        da_f *= dc_new  # (5), (2)",
        "da_g *= dc_new\n        da_i *= dc_new\n        da_f *= dc_new\n        dc_new += dc_next",
        r"^(?=.*(gate|\b[gif]\b))(?=.*(missing|left out|without|before|lack|only|ignor|no part|no path|lost|\bcut\b))"
        r"(?=.*(memory|\bd?c('|_new)?(?!\w)|future|step after|later|next step|carried))"
        r"|too late|order of (the )?(lines|statements)|(from|through|by) h' (alone|only)",
        WRONG_CARRY,
        cell="lstm",
    ),
    held_out(
        "rnn_weights_of_the_state_after",
        LAYERS + "rnn:RNN.gradient",
        "W_h=h.T @ d",
        "W_h=activations[0].T @ d",
        r"h' (is )?(in (the )?place of|instead of|for|where|rather than) (the )?(old )?h\b"
        r"|^(?!.*carried).*(\b(state|output|h)\b.*\b(after|new|next|later|same step)\b|\b(after|new|next|later)\b.*"
        rf"\b(state|output|h)\b)|shift|off by one|one step (too )?(late|early|off|on|ahead)"
        rf"|(?<!error in )\b{OTHER} (time )?step|h_?\(?t\)? {FOR} h_?\(?t ?-",
        r"\b(W_h|U)\b.*(wrong|alone|only)",
        cell="rnn",
    ),
    held_out(
        "additive_tanh_twice",
        LAYERS + "additive:AdditiveAttention.activation_gradient",
        "squared = hidden * hidden",
        "squared = np.tanh(hidden) ** 2",
        r"slope|tanh'|tanh\b.*(twice|again)|1 - (tanh|hidden)|derivative of (the )?tanh|tanh\(hidden\)|tanh\(tanh",
    ),
    held_out(
        "softmax_sum_outside",
        LAYERS + "attention:Attention.attend_backward",
        "alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))",
        "alpha * dalpha - (alpha * dalpha).sum(-1, keepdims=True)",
        r"softmax|Jacobian|parenthes|bracket|sum\b.*(not multiplied|unweighted|without alpha|without p\b)",
        r"padding|padded|masked|where the mask",
        attention="general",
    ),
    held_out(
        "scaled_dot_by_positions",
        LAYERS + "dot:DotAttention.score_backward",
        "dscore * self.scale(cache.query)",
        "dscore * keys.shape[1] ** -0.5",
        r"sqrt|√|square root|\bscal(e|ed|ing)\b|\b(positions|source length|S)\b.*\b(width|H)\b",
        attention="scaled_dot",
    ),
    held_out(
        "coverage_overwrites_context",
        LAYERS + "attention:Attention.attend_backward",
        "dalpha += dcounted",
        "dalpha = dcounted",
        r"^(?!.*\b(keys?|W_k|Wm)\b).*(\+=|overwr|wiped|assign)"
        r"|(context|read)\b.*(alpha|weights?|scores?|softmax)\b.*(lost|left out|missing|\bcut\b|forgotten|dropped|gone)"
        r"|(lost|left out|missing|cut|no path|forgotten|dropped|no gradient)\b.*(context|read)\b.*"
        r"(alpha|weights?|scores?|softmax)\b|coverage (alone|only)|only (from |through |by |of )?(the )?coverage"
        r"|memory @? ?dcontext|dcontext @? ?memory|memory \. dcontext",
        r"last step.*(nothing|no gradient|zero|\b0\b)|(nothing|no gradient|zero|\b0\b).*last step",
        attention="coverage",
    ),
    held_out(
        "smoothing_over_one_less",
        LAYERS + "cross_entropy:CrossEntropy.backward",
        "scale * smoothing / dlogits.shape[-1]",
        "scale * smoothing / (dlogits.shape[-1] - 1)",
        r"smooth|V ?- ?1|\be / ?V|1/V|uniform|number of (classes|tokens|words)|epsilon|mean_k|every other token",
        r"(sums?|rows?)\b.*(not|should).*(\b0\b|zero)|constant.*(added|off|shift)|the same (number|error) in every",
        label_smoothing=0.1,
    ),
    held_out(
        "targets_in_every_row",
        LAYERS + "cross_entropy:CrossEntropy.backward",
        "dlogits[np.arange(target.size), target]",
        "dlogits[:, target]",
        rf"(every|each|{OTHER}) (row|token|sentence)|all rows|\[:, |arange|\bone-?hot|-1 at|subtract.*targets?"
        rf"|targets?\b.*(subtract|row|column|index|every|each|all|{OTHER}|missing)"
        rf"|(columns?|index|all|every|each|{OTHER})\b.*\btargets?\b",
        r"sums?\b.*(not|should).*(\b0\b|zero)",
    ),
    held_out(
        "norm_sign_of_length",
        LAYERS + "layer_norm:LayerNorm.backward",
        "- normal * along",
        "+ normal * along",
        r"normal \*? ?\(?(mean|along|dnormal)|\balong\b|variance|\blength|x_?hat"
        r"|normal\b.*(sign|added|missing|kept|plus)|(sign|added|plus)\b.*\b(normal|deviation)",
        layer_norm=True,
    ),
    held_out(
        "embedding_given_targets",
        MODELS + "seq2seq:Seq2Seq.backward",
        "self.embedding.backward(dy, cache.embedding)",
        "self.embedding.backward(dy, EmbeddingCache(cache.loss.target))",
        rf"\btargets?\b|shift|\b(next|previous|before|after|following|{OTHER}) (token|row|id|word)|permut|"
        rf"{OTHER} (order|ids|index)|rows?\b.*(swapped|exchanged|of (the )?{OTHER})|off by one|wrong (rows|ids|tokens)",
        r"rows? \d+.*(wrong|alone|only)|only (some )?rows",
    ),
    held_out(
        "linear_bias_of_everything",
        LAYERS + "linear:Linear.backward",
        "b=sum_rows(dy)",
        "b=np.full_like(self.b, dy.sum())",
        r"\baxis|\baxes\b|(sum|total|added)\w*\b.*\b(all|every|everything|both|whole|columns?|entries|outputs)\b"
        r"|\b(all|every)\b.*\b(columns?|outputs?|entries|entry|units?)\b.*(sum|added|mixed)|same (number|value|sum)"
        r"|total sum|one number",
        r"\bb: .*(wrong|alone|only)",
    ),
    held_out(
        "last_states_of_other_direction",
        MODELS + "encoder_layer:EncoderLayer.backward",
        "dstates[source.last] += dends[i]",
        "dstates[source.last] += dends[-1 - i]",
        rf"swap|exchang|interchang|each other|{OTHER} (order|half|halves|direction|way|cell)|halves"
        r"|\blast\b.*(direction|half|order)|(direction|half|order).*\blast\b",
        r"direction|last states?|where .* ends?",
        bidirectional=True,
    ),
    held_out(
        "values_of_reversed_steps",
        LAYERS + "attention:AttentionGradients.gradient",
        "alphas.swapaxes(1, 2)",
        "alphas[:, ::-1].swapaxes(1, 2)",
        rf"revers|(?<!error in )\b{OTHER} (order|steps?|times?|way)|order of (the )?(steps|time)|turned|flip|backwards"
        r"|from the end|(steps?|time|alphas?|weights)\b.*(swapped|exchanged|permut|order|mixed|shift)|permut|shift"
        rf"|(alphas?|weights)\b.*\bof (the |an)?({OTHER}|step)",
        r"(context|values?)\b.*\bmemory|memory\b.*(context|value)",
    ),
    held_out(
        "luong_fed_into_state",
        MODELS + "luong:LuongDecoder.backward",
        "dout[rows][: len(dfed)] += dfed",
        "cell.hidden_of(ds)[:] += dfed",
        r"\bd?fed\b|\bfeed|h~|attentional|tilde",
        WRONG_CARRY,
        order="luong",
        attention="general",
        input_feeding=True,
    ),
    held_out(
        "plain_context_mean",
        MODELS + "no_attention:PlainDecoder.backward",
        "batch_sizes).sum(1)",
        "batch_sizes).mean(1)",
        r"\bcontexts?\b|\bmean\b|averag|1/T\b|number of steps|\bvector at every step|every step.*\bvector",
        r"(first state|\bs_?0|\bh_?0|\bvector)\b.*(wrong|error)",
        attention="none",
    ),
    held_out(
        "dropout_scaled_twice",
        LAYERS + "dropout:Dropout.backward",
        "dy * mask",
        "dy * mask / (1 - self.rate)",
        r"\brate\b|1/\(1 - |twice|\bmask|\bkeep\b|\bkept\b|1/0\.[67]\b|\b1\.(42|43|66|67)|10/7|5/3|\bscal(e|ed|ing)\b",
        dropout=0.3,
    ),
)
HELD_OUT: dict[str, tuple[Bug, Wanted]] = {bug.name: (bug, wanted) for bug, wanted in LIST}

OWN: dict[str, Own] = {  # by the name of the bug of the library that is the same mistake
    "gru_direct_by_one_minus_z": Own(
        "gru_direct_by_one_minus_z.py", "GatedUnit", None, "carried = dh * z\n", "carried = dh * (1 - z)\n"
    ),
    "carried_to_the_last_rows": Own(
        "carried_to_the_last_rows.py",
        "PackedGRU",
        "gru",
        "g[: len(back)] += back",
        "g[len(g) - len(back) :] += back",
    ),
    "gru_before_product_not_transposed": Own(
        "gru_before_product_not_transposed.py",
        "ChoStep",
        None,
        "dfiltered = dpre_cand @ self.U_cand.T\n",
        "dfiltered = dpre_cand @ self.U_cand\n",
    ),
    "lstm_forget_slope_of_input": Own(
        "lstm_forget_slope_of_input.py",
        "CourseLSTM",
        None,
        "df = dnext_c * prev_c * f * (1 - f)",
        "df = dnext_c * prev_c * i * (1 - i)",
    ),
    "lstm_gates_before_memory": Own(
        "lstm_gates_before_memory.py",
        "InPlaceLSTM",
        "lstm",
        "            dcell += dc\n            d[:3] *= dcell\n",
        "            d[:3] *= dcell\n            dcell += dc\n",
    ),
    "rnn_weights_of_the_state_after": Own(
        "rnn_weights_of_the_state_after.py", "Elman", None, "dU += hs[t].T @ da", "dU += hs[t + 1].T @ da"
    ),
    "additive_tanh_twice": Own(
        "additive_tanh_twice.py", "Additive", "attention", "slope = 1 - hidden**2", "slope = 1 - np.tanh(hidden) ** 2"
    ),
    "softmax_sum_outside": Own(
        "softmax_sum_outside.py",
        "Bilinear",
        "attention_general",
        "dscore = p * (dp - (p * dp).sum(-1, keepdims=True))",
        "dscore = p * dp - (p * dp).sum(-1, keepdims=True)",
    ),
    "scaled_dot_by_positions": Own(
        "scaled_dot_by_positions.py",
        "ScaledDot",
        "attention_scaled_dot",
        "dlogits /= np.sqrt(query.shape[1])",
        "dlogits /= np.sqrt(memory.shape[1])",
    ),
    "coverage_overwrites_context": Own(
        "coverage_overwrites_context.py", "CoverageReader", None, "dalpha += dseen", "dalpha = dseen"
    ),
    "smoothing_over_one_less": Own(
        "smoothing_over_one_less.py",
        "SmoothedLoss",
        "cross_entropy_smoothed",
        "q = np.full((N, V), self.smoothing / V)",
        "q = np.full((N, V), self.smoothing / (V - 1))",
    ),
    "targets_in_every_row": Own(
        "targets_in_every_row.py",
        "TokenLoss",
        "cross_entropy",
        "dscores[np.arange(len(labels)), labels] -= 1",
        "dscores[:, labels] -= 1",
    ),
    "norm_sign_of_length": Own(
        "norm_sign_of_length.py",
        "Normalise",
        "layer_norm",
        "(dx_hat - mean - x_hat * along) / std",
        "(dx_hat - mean + x_hat * along) / std",
    ),
    "embedding_given_targets": Own(
        "embedding_given_targets.py",
        "PreviousTokens",
        None,
        "dtable[previous[sentence, step]] += dvectors[sentence, step]",
        "dtable[targets[sentence, step]] += dvectors[sentence, step]",
    ),
    "linear_bias_of_everything": Own(
        "linear_bias_of_everything.py", "Affine", "linear", "db += np.sum(dout, axis=0)", "db += np.sum(dout)"
    ),
    "last_states_of_other_direction": Own(
        "last_states_of_other_direction.py",
        "BothWays",
        None,
        "dlast_right, dlast_left = np.split(dlast, 2, axis=-1)",
        "dlast_left, dlast_right = np.split(dlast, 2, axis=-1)",
    ),
    "values_of_reversed_steps": Own(
        "values_of_reversed_steps.py",
        "LookThenStep",
        None,
        'np.einsum("tbs,tbm->bsm", np.stack(alphas), np.stack(dcontexts[::-1]))',
        'np.einsum("tbs,tbm->bsm", np.stack(alphas), np.stack(dcontexts))',
    ),
    "luong_fed_into_state": Own(
        "luong_fed_into_state.py", "InputFeeding", None, "            dout += dfed\n", "            dh += dfed\n"
    ),
    "plain_context_mean": Own(
        "plain_context_mean.py",
        "OneVector",
        None,
        "dvector = dstate + np.sum(dcontexts, axis=0)",
        "dvector = dstate + np.mean(dcontexts, axis=0)",
    ),
    "dropout_scaled_twice": Own(
        "dropout_scaled_twice.py",
        "InvertedDropout",
        "dropout",
        "return InvertedDropout(self.rate), dy * mask\n",
        "return InvertedDropout(self.rate), dy * mask / keep\n",
    ),
}
