"""What a diagnosis has to say of each bug of the museum to count as right: expressions written before reading it.

Strict: a sentence is right if a student who reads it knows which line or which operation to look at.
"""

from typing import NamedTuple


class Wanted(NamedTuple):
    """The sentences that are right, and those that are true but say only where, which count as vague."""

    right: str
    vague: str = r"(?!)"  # besides what is vague of any bug


CARRIED = r"nothing (is )?carried back through time"

GRADIENT: dict[str, Wanted] = {  # bugs that a gradient check of the whole model or of one of its layers convicts
    "encoder_no_time": Wanted(rf"{CARRIED}(?! in decoder)"),
    "decoder_no_time": Wanted(rf"{CARRIED}(?! in encoder)"),
    "assign_over_time": Wanted(
        r"(own output|outputs?).*(left out|lost|overwritten|wiped out|last step of each)|= where \+="
    ),
    "embedding_no_scatter": Wanted(r"dE\[ids\] \+= dx"),
    "tanh_slope_of_preactivation": Wanted(r"pre-activation of n"),
    "tanh_slope_missing": Wanted(r"1 - n\^2 missing"),
    "sigmoid_slope_missing": Wanted(r"z \(1 - z\) missing"),
    "direct_path_missing": Wanted(r"the term d' z missing"),
    "dz_sign": Wanted(r"gate z.*(factor of -1|wrong sign)"),
    "reset_missing_in_hidden_branch": Wanted(r"gate n.*\br missing"),
    "dr_uses_h": Wanted(r"gate r.*\bh in place of u_n"),
    "gates_swapped_in_backward": Wanted(r"gates (z and r|r and z) swapped"),
    "softmax_without_sum": Wanted(r"softmax's Jacobian without the sum"),
    "softmax_diagonal": Wanted(r"Jacobian of its diagonal only"),
    "keys_from_one_step": Wanted(r"(W_k|keys).*(t = 0 alone|one (decoder )?step|first step|= .*\+=)"),
    "no_value_path": Wanted(r"no path from the context into the memory"),
    "no_key_path": Wanted(r"no path from the keys into the memory"),
    "no_query_path": Wanted(r"no path from the query into the state"),
    "context_counted_once": Wanted(r"context.*(gate n\b|gates z and r|gates? .*(alone|left out|only))"),
    "loss_gradient_over_all_places": Wanted(r"N_T/\(B T\)"),
    "mask_missing_in_backward": Wanted(r"mask that is missing in backward"),
    "target_not_subtracted": Wanted(r"1 that is not subtracted"),
    "bridge_slope_missing": Wanted(r"tanh' missing"),
    "last_state_cut": Wanted(r"no path from (the decoder's first state|output 2|last)"),
    "last_state_of_short_sentences": Wanted(
        r"(first|last) state.*(short|ends? early)|(short|ends? early).*(first|last) state",
        r"sentences shorter than the longest",
    ),
    "bias_row_0": Wanted(r"row 0 alone"),
    "lstm_new_c_for_old": Wanted(r"gate f.*tanh_c in place of c"),
    "lstm_memory_cut": Wanted(r"nothing coming back through c'|the term .*c'.* missing"),
    "rnn_slope_of_sigmoid": Wanted(r"h' \(1 - h'\) in place of 1 - h'\^2"),
    "gru_before_input_of_weights": Wanted(r"gate n.*\br missing"),
    "first_state_forgotten": Wanted(r"the first step is left out|state is taken as 0"),
    "general_transposed": Wanted(r"transpos"),
    "scale_missing_in_backward": Wanted(r"sqrt\(4\)"),
    "relu_slope_always_1": Wanted(r"slope.*(missing|of 1|is 1)|relu' missing"),
    "coverage_counted_once": Wanted(r"no path from the coverage"),
    "coverage_not_carried": Wanted(r"coverage.*(next step|one step|not carried|\+=)"),
    "luong_state_counted_once": Wanted(r"no path from the query into the state"),
    "luong_slope_missing": Wanted(r"(tanh'|slope).*missing"),
    "feeding_cut": Wanted(r"no path .*(fed|feeding)"),
    "padding_reversed_in_front": Wanted(r"backwards|revers|turned|read twice"),
    "last_state_in_every_layer": Wanted(r"last state.*layer|layer.*last state"),
    "dropout_mask_not_in_backward": Wanted(r"mask, is missing|mask.*missing"),
    "norm_mean_missing": Wanted(r"mean.*(not taken away|missing|left out)|without the mean"),
    "tie_overwritten": Wanted(r"no path .*(embedding|looked up|look-up)|one of .*two uses"),
    "clipped_before_the_check": Wanted(r"clip"),
    "dropout_without_seed": Wanted(r"two forward passes on the same input differ"),
    "check_in_float32": Wanted(r"float32|single precision"),
    "step_too_small": Wanted(r"step.*too small|rounding errors? of the (central )?difference"),
}

OTHERS: dict[str, Wanted] = {  # bugs with a right gradient: what the checks that convict them should say
    "gradients_not_zeroed": Wanted(r"twice"),
    "no_attention_mask": Wanted(r"padding.*(attention|alpha|weights)|attention.*(padding|mask)"),
    "encoder_reads_padding": Wanted(r"padding.*(encoder|memory|last state)|(encoder|memory|last state).*padding"),
    "no_loss_mask": Wanted(r"padding.*\bloss|\bloss.*padding"),
    "softmax_over_batch": Wanted(r"(attention|alpha).*batch|batch.*(attention|alpha)"),
    "target_not_shifted": Wanted(r"shift|previous token|token before"),
    "reset_before_for_after": Wanted(r"reset"),
    "z_swapped": Wanted(r"1 - z|swapped"),
    "gate_order_swapped": Wanted(r"order|swapped"),
    "decoding_forgets_state": Wanted(r"state"),
    "lstm_gate_order_swapped": Wanted(r"order|swapped"),
    "last_of_backward_cell": Wanted(r"last state|backward cell|direction"),
    "dropout_in_use": Wanted(r"dropout|differ"),
    "starts_with_end_sign": Wanted(r"first token|begin"),
    "feeding_forgotten": Wanted(r"feeding|fed"),
    "coverage_starts_anew": Wanted(r"coverage"),
    "beam_not_reordered": Wanted(r"state|reorder"),
    "beam_of_copies": Wanted(r"copies"),
    "beam_stops_at_first_end": Wanted(r"stop|ends? "),
    "length_penalty_on_one_side": Wanted(r"length|per token"),
    "adam_without_correction": Wanted(r"correct"),
    "decay_in_the_gradient": Wanted(r"decay"),
    "rmsprop_without_root": Wanted(r"root"),
    "clip_lost": Wanted(r"clip"),
    "clip_always": Wanted(r"clip"),
    "weights_aliased": Wanted(r"laid on a vector|share|alias"),
    "cache_overwritten": Wanted(r"cache|twice"),
}
