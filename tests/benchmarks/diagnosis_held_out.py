"""Bugs outside the museum, each one line of a backward pass: do the diagnoses know more than what they grew up with?

They and what counts as right were written before any of their diagnoses was read, and the diagnoses are not tuned on
them: what was measured first is in docs/bugs/diagnosis.md.
"""

from typing import Any

from minis2s.museum.patching import Bug
from tests.benchmarks.diagnosis_museum import Wanted

LAYERS, MODELS = "minis2s.layers.", "minis2s.models."


def held_out(name: str, where: str, old: str, new: str, right: str, vague: str = r"(?!)", **config: Any) -> tuple:
    """Return a bug and what has to be said of it."""
    bug = Bug(name, None, "backward", where, old, new, "", "", "", "", config=config)
    return bug, Wanted(right, vague)


LIST = (
    held_out(
        "lstm_input_slope_missing",
        LAYERS + "lstm:LSTM.local_gradients",
        "g * i * (1 - i)",
        "g",
        r"gate i.*i \(1 - i\) missing",
        cell="lstm",
    ),
    held_out(
        "lstm_output_gate_of_old_c",
        LAYERS + "lstm:LSTM.local_gradients",
        "tanh_c * o * (1 - o)",
        "c * o * (1 - o)",
        r"gate o.*\bc in place of tanh_c",
        cell="lstm",
    ),
    held_out(
        "lstm_memory_without_forget",
        LAYERS + "lstm:LSTM.step_backward_inplace",
        "d[4] * activations[2]",
        "d[4]",
        r"\bf missing",
        cell="lstm",
    ),
    held_out(
        "rnn_not_transposed", LAYERS + "rnn:RNN.step_backward_inplace", "@ W_hT", "@ W_hT.T", r"transpos", cell="rnn"
    ),
    held_out(
        "gru_before_reset_product_cut",
        LAYERS + "gru_reset_before:GRUResetBefore.step_backward_inplace",
        "dh += dh_r",
        "pass",
        r"r h\b|r \* h|\brh\b",
        cell="gru_before",
    ),
    held_out(
        "gru_before_z_sign",
        LAYERS + "gru_reset_before:GRUResetBefore.local_gradients",
        "(h - n) * z",
        "(n - h) * z",
        r"gate z.*(factor of -1|wrong sign)",
        cell="gru_before",
    ),
    held_out(
        "gru_before_half_a_slope",
        LAYERS + "gru_reset_before:GRUResetBefore.local_gradients",
        "h * r * (1 - r)",
        "h * r",
        r"gate r.*1 - r missing",
        cell="gru_before",
    ),
    held_out("bias_mean", LAYERS + "linear:Linear.backward", "b=sum_rows(dy)", "b=dy.mean(0)", r"\bb: .*1/N"),
    held_out(
        "begin_sign_taken_for_padding",
        LAYERS + "embedding:Embedding.backward",
        "dE.reshape(self.E.shape)",
        "dE.reshape(self.E.shape) * (np.arange(len(self.E)) != 1)[:, None]",
        r"(row|token) 1\b",
    ),
    held_out(
        "values_from_one_step",
        LAYERS + "attention:AttentionGradients.gradient",
        "alphas.swapaxes(1, 2) @ unpack(self.dcontexts, self.batch_sizes)",
        "alphas[:, :1].swapaxes(1, 2) @ unpack(self.dcontexts, self.batch_sizes)[:, :1]",
        r"(context|values?).*(t = 0|one step|first step|later steps)",
    ),
    held_out(
        "additive_slope_missing",
        LAYERS + "additive:AdditiveAttention.score_backward",
        "dkeys = self.activation_gradient(hidden)",
        "dkeys = np.ones_like(hidden)",
        r"(tanh'|slope|1 - hidden\^2).*missing|slope of 1|slope is 1",
    ),
    held_out(
        "v_missing_for_the_query",
        LAYERS + "additive:AdditiveAttention.score_backward",
        "[:, 0] * self.v",
        "[:, 0]",
        r"(W_q|query).*\bv missing",
    ),
    held_out(
        "v_from_weights",
        LAYERS + "additive:AdditiveAttention.score_backward",
        "dv = dscore.ravel()",
        "dv = cache.alpha.ravel()",
        r"\bv: .*alpha in place",
    ),
    held_out(
        "coverage_by_v",
        LAYERS + "additive:CoverageAttention.score_backward",
        "dkeys @ (self.v * self.w)",
        "dkeys @ self.v**2",
        r"\bv in place of w",
        attention="coverage",
    ),
    held_out(
        "scaled_twice",
        LAYERS + "dot:DotAttention.score_backward",
        "dscore * self.scale(cache.query)",
        "dscore * self.scale(cache.query) ** 2",
        r"1/sqrt\(4\)",
        attention="scaled_dot",
    ),
    held_out(
        "norm_length_kept",
        LAYERS + "layer_norm:LayerNorm.backward",
        " - normal * along",
        "",
        r"normal mean|length|variance",
        layer_norm=True,
    ),
    held_out(
        "norm_gain_missing",
        LAYERS + "layer_norm:LayerNorm.backward",
        "dnormal = dy * self.g",
        "dnormal = dy",
        r"\bg missing|gain",
        layer_norm=True,
    ),
    held_out(
        "norm_deviation_squared",
        LAYERS + "layer_norm:LayerNorm.backward",
        "normal * along) / deviation",
        "normal * along) / deviation**2",
        r"deviation",
        layer_norm=True,
    ),
    held_out(
        "smoothing_forgotten",
        LAYERS + "cross_entropy:CrossEntropy.backward",
        "dlogits -= scale * smoothing / dlogits.shape[-1]",
        "pass",
        r"smooth",
        label_smoothing=0.1,
    ),
    held_out(
        "first_states_not_sorted_back",
        MODELS + "encoder_layer:EncoderLayer.backward",
        "ds0[i, source.order] = cell",
        "ds0[i] = cell",
        r"another order|of another (row|sentence)|permut|sorted",
    ),
    held_out(
        "second_direction_not_turned",
        MODELS + "encoder_layer:EncoderLayer.backward",
        "dxs.append(dx[direction])",
        "dxs.append(dx)",
        r"direction|turned|backwards|another order",
        bidirectional=True,
    ),
    held_out(
        "one_direction_kept",
        MODELS + "encoder_layer:EncoderLayer.backward",
        "sum(dxs[1:], start=dxs[0])",
        "dxs[-1]",
        r"direction|cells\.0",
        bidirectional=True,
    ),
    held_out(
        "luong_state_not_combined",
        MODELS + "luong:LuongDecoder.backward",
        "+= dh + attention_gradients",
        "+= 0 * dh + attention_gradients",
        r"combine|attentional|h~",
        order="luong",
        attention="general",
    ),
    held_out(
        "bridge_slope_of_sigmoid",
        MODELS + "bridge:Bridge.backward",
        "(1 - cache.s0 * cache.s0)",
        "cache.s0 * (1 - cache.s0)",
        r"y \(1 - y\) in place of 1 - y\^2|sigmoid's slope",
        bridge="tanh",
    ),
    held_out(
        "token_without_candidate",
        MODELS + "bahdanau:BahdanauDecoder.backward",
        "through_weights(da, transposed(W_y))",
        "through_weights(da[1:], transposed(W_y[1:]))",
        r"gate n\b.*(left out|missing)|gates z and r (alone|only)|no path .*gate n\b",
    ),
    held_out(
        "first_state_not_handed_back",
        MODELS + "bahdanau:BahdanauDecoder.backward",
        "ds, dmemory",
        "0 * ds, dmemory",
        r"no path from the decoder's first state|path that is missing in backward",
    ),
    held_out(
        "plain_context_cut",
        MODELS + "no_attention:PlainDecoder.backward",
        "ds0[:, : self.cell.hidden] += dcontext",
        "pass",
        r"context",
        attention="none",
    ),
    held_out(
        "dropout_not_scaled_back",
        LAYERS + "dropout:Dropout.backward",
        "dy * mask",
        "dy * (mask > 0)",
        r"1 - rate",
        dropout=0.3,
    ),
)
HELD_OUT: dict[str, Bug] = {bug.name: bug for bug, _ in LIST}
WANTED: dict[str, Wanted] = {bug.name: wanted for bug, wanted in LIST}
