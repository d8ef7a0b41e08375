"""Classic bugs 28 to 36: the wrong model, with the right gradient of the wrong model."""

from minis2s.museum.catalogue.paths import ENCODER, MODEL, READ_BACKWARD
from minis2s.museum.catalogue.recurrence import DECODER, GRU
from minis2s.museum.patching import Bug, Change

READ = "minis2s.layers.attention:Attention.attend"

FORWARD = (
    Bug(
        name="no_attention_mask",
        number=28,
        kind="forward",
        where=READ,
        old="score = np.where(mask, score, -np.inf)",
        new="pass",
        title="No attention mask",
        symptom="None: a little attention leaks onto padding, and the model learns to live with it.",
        idea="The gradient is right, of a model that reads padding. Ask for a property instead: more padding, same "
        "answer.",
        seen="tensorflow/tensorflow #512, of its first attention decoder, and #43941, of its tutorial.",
    ),
    Bug(
        name="encoder_reads_padding",
        number=29,
        kind="forward",
        where=ENCODER + "forward",
        old="x, embedding = self.embedding.forward(source.packed)",
        new="source = PackedBatch.of(source.ids, np.full(len(source.ids), source.ids.shape[1]))\n"
        "        x, embedding = self.embedding.forward(source.packed)",
        title="The encoder's state goes on over padding",
        symptom="The training loss is as good as ever; translations depend on what else is in the batch, and many are "
        "wrong.",
        idea="Packing makes this impossible, so the bug has to pretend that all sentences are as long as the longest.",
        seen="bentrevett/pytorch-seq2seq #64: a tutorial's first encoders; what pack_padded_sequence is for.",
    ),
    Bug(
        name="no_loss_mask",
        number=30,
        kind="forward",
        where=MODEL + "loss",
        old="source, target, config = batch.source, batch.target, self.config",
        new="ids = np.roll(batch.target.ids, 1, 1)\n"
        "        ids[:, 0] = 1\n"
        "        target = PackedBatch.of(batch.target.ids, np.full(len(ids), ids.shape[1]))\n"
        "        batch = Batch(batch.source, target, ids.T.ravel(), batch.pairs)\n"
        "        source, config = batch.source, self.config",
        title="No loss mask",
        symptom="None; the loss looks better than it is, because padding is easy to foretell.",
        idea="Packed targets have no padding, so the bug unpacks them and learns to write padding after the end.",
        seen="guxd/VariationalSeq2Seq #5: ignore_index stood there, commented out.",
    ),
    Bug(
        name="softmax_over_batch",
        number=31,
        kind="forward",
        where=READ,
        old="score = np.where(mask, score, -np.inf)\n        alpha = softmax(score)",
        new="score = np.where(mask, score, -1e9)\n        alpha = softmax(score.T).T",
        title="Softmax over the batch instead of the source",
        symptom="Sentences compete for attention; alone, every position has all of it.",
        idea="The gradient follows the wrong axis faithfully. A sentence alone must give what it gives in a batch.",
        seen="PetrochukM/PyTorch-NLP #2, where all weights were 1; a review of keon/seq2seq #6.",
        also=(Change(READ_BACKWARD, "(alpha * dalpha).sum(-1, ", "(alpha * dalpha).sum(0, "),),
    ),
    Bug(
        name="target_not_shifted",
        number=32,
        kind="forward",
        where="minis2s.data.batches:Examples.batch",
        old="shifted = np.roll(target.ids, 1, axis=1)\n        shifted[:, 0] = BOS",
        new="shifted = target.ids",
        title="The decoder's input is not shifted: it sees the token it has to say",
        symptom="The loss falls to 0 at once, token accuracy is 100 %, and not one translation is right.",
        idea="Teacher-forced figures cannot tell knowing from copying. Let the model run free.",
        seen="code-gen/cscg #4: accuracy very high, of a decoder that was given the token it had to say.",
    ),
    Bug(
        name="reset_before_for_after",
        number=33,
        kind="forward",
        where=GRU + "step_inplace",
        old="u_n += h_n\n        n += r * u_n",
        new="u_n += (r * h) @ self.W_h[2]\n        n += u_n",
        title="Reset-before where reset-after was meant",
        symptom="None: both are good cells. Weights from elsewhere give other numbers.",
        idea="Two papers, two models, one name. Only a reference tells which one it is.",
        seen="pytorch/pytorch #8153: Cho et al. 2014 is reset-after in version 1, reset-before in version 3; tracel-"
        "ai/burn #2704 took the other one.",
        also=(
            Change(GRU + "step", "r * u_n)", "(r * h) @ self.W_h[2] + self.b_h[2])"),
            Change(GRU + "local_gradients", "u_n * r * (1 - r)", "h * r * (1 - r)"),
            Change(
                GRU + "step_backward_inplace",
                "da_r *= da_n  # (3), (2)\n        du_n *= da_n  # (3)\n"
                "        dh = np.concatenate([da_r, da_z, du_n], axis=-1) @ W_hT",
                "drh = da_n @ W_hT[2 * self.hidden :]\n        da_r *= drh\n"
                "        dh = np.concatenate([da_r, da_z], axis=-1) @ W_hT[: 2 * self.hidden] + drh * du_n\n"
                "        du_n[:] = da_n",
            ),
            Change(
                GRU + "gradient",
                "[h.T @ du for du in (da_r, da_z, du_n)]",
                "[h.T @ da_r, h.T @ da_z, (activations[0] * h).T @ du_n]",
            ),
        ),
    ),
    Bug(
        name="z_swapped",
        number=34,
        kind="forward",
        where=GRU + "step_inplace",
        old="h_new = h - n\n        h_new *= z\n        h_new += n",
        new="h_new = n - h\n        h_new *= z\n        h_new += h",
        title="z and 1 - z swapped",
        symptom="None: the gate learns the opposite meaning and is as good.",
        idea="Two conventions, equally right, as long as everybody keeps to one: weights of the other are nonsense.",
        seen="pytorch/pytorch #20129, where the first author of Cho et al. 2014 finds both fine; keras-team/keras "
        "#785.",
        also=(
            Change(GRU + "step", "n + z * (h - n)", "h + z * (n - h)"),
            Change(GRU + "local_gradients", "da_n[:] = (1 - z)", "da_n[:] = z"),
            Change(GRU + "local_gradients", "(h - n) * z * (1 - z)", "(n - h) * z * (1 - z)"),
            Change(GRU + "step_backward_inplace", "dh_new * z", "dh_new * (1 - z)"),
        ),
    ),
    Bug(
        name="gate_order_swapped",
        number=35,
        kind="forward",
        where=GRU + "step_inplace",
        old="r, z, n, u_n = activations\n        h_r, h_z, h_n =",
        new="z, r, n, u_n = activations\n        h_z, h_r, h_n =",
        title="The order of the gates: r where z should be",
        symptom="None: trained from scratch, names do not matter. Loaded weights give nonsense.",
        idea="Constant weights cannot tell two gates apart. A reference has to be compared at random weights.",
        seen="NX-AI/xlstm #98, where trained weights now depend on it; keras-team/keras #22115 turns Keras's z, r, h "
        "into PyTorch's r, z, n.",
        also=(
            Change(GRU + "step", "a_r, a_z, a_n = x", "a_z, a_r, a_n = x"),
            Change(GRU + "step", "u_r, u_z, u_n = h", "u_z, u_r, u_n = h"),
            Change(GRU + "local_gradients", "r, z, n, u_n = activations", "z, r, n, u_n = activations"),
            Change(GRU + "local_gradients", "da_r, da_z, da_n, du_n = d", "da_z, da_r, da_n, du_n = d"),
            Change(GRU + "step_backward_inplace", "_, z, _, _ = activations", "z, _, _, _ = activations"),
            Change(GRU + "step_backward_inplace", "da_r, da_z, da_n, du_n = d", "da_z, da_r, da_n, du_n = d"),
            Change(GRU + "step_backward_inplace", "[da_r, da_z, du_n]", "[da_z, da_r, du_n]"),
        ),
    ),
    Bug(
        name="decoding_forgets_state",
        number=36,
        kind="decoding",
        where=DECODER + "step",
        old="replace(state, s=s, out=",
        new="replace(state, out=",
        title="Decoding starts every step from the first state",
        symptom="Teacher-forced everything is right; translations stammer.",
        idea="Training and decoding are two programs that have to agree. Let one score what the other writes.",
        seen="tensorflow/tensorflow #9904: BeamSearchDecoder never used the cell's next state.",
    ),
)
