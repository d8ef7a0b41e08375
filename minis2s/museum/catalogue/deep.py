"""Bugs in the deep encoder, dropout, layer normalisation and the tied output layer."""

from minis2s.museum.catalogue.paths import MODEL
from minis2s.museum.patching import Bug, Change

DEEP = "minis2s.models.deep_encoder:DeepEncoder."

DEEPER = (
    Bug(
        name="padding_reversed_in_front",
        number=None,
        kind="forward",
        where="minis2s.data.batches:PackedBatch.backwards",
        old="self.mask.sum(1)[self.rows] - 1 - self.steps",
        new="self.mask.shape[1] - 1 - self.steps",
        title="Both directions: the padding is turned to the front with the sentence",
        symptom="The training loss is as good as ever; translations depend on what else is in the batch, and some are "
        "wrong.",
        idea="x[:, ::-1] reverses the padded row. Each sentence has to be turned around its own length.",
        seen="pytorch/pytorch #1811 draws the wrong way and the right one; why tf.reverse_sequence exists.",
        config={"bidirectional": True},
    ),
    Bug(
        name="last_of_backward_cell",
        number=None,
        kind="forward",
        where=DEEP + "forward",
        old="last = np.stack([states[source.last] for states in all_states], axis=1)",
        new="turned = zip(all_states, directions(source))\n"
        "        last = np.stack([states[direction][source.last] for states, direction in turned], axis=1)",
        title="Both directions: the backward cell's state at the last token, where it has only begun",
        symptom="None: attention makes up for it.",
        idea="The backward cell ends at the first token. Its state at the last one has read that one token.",
        seen="yunjey/pytorch-tutorial #149, aymericdamien/TensorFlow-Examples #201, pytorch/pytorch #3587.",
        config={"bidirectional": True},
        also=(
            Change(
                DEEP + "backward",
                "dstates = cell.state_gradient(dh[direction])\n                dstates[source.last] += dlast_direction",
                "dstates = cell.state_gradient(dh)\n                dstates[source.last] += dlast_direction\n"
                "                dstates = dstates[direction]",
            ),
        ),
    ),
    Bug(
        name="last_state_in_every_layer",
        number=None,
        kind="backward",
        where=DEEP + "backward",
        old="dlast = np.zeros_like(dlast)",
        new="pass",
        title="Deep encoder: every layer is given the gradient of the top layer's last state",
        symptom="None that training shows.",
        idea="A loop over layers carries what belongs to one of them.",
        seen="no report that we can cite; pytorch/tutorials #192 is near it: a layer was begun with the last state of "
        "another.",
        config={"layers": 2},
    ),
    Bug(
        name="dropout_mask_not_in_backward",
        number=None,
        kind="backward",
        where="minis2s.layers.dropout:Dropout.backward",
        old="dy if mask is None else dy * mask",
        new="dy",
        title="Dropout: the mask is missing in backward",
        symptom="It trains: in the mean the mask is 1.",
        idea="What was zeroed on the way forward has no part in the loss, so its gradient is 0.",
        seen="ddbourgin/numpy-ml #94.",
        config={"dropout": 0.3},
    ),
    Bug(
        name="dropout_in_use",
        number=None,
        kind="forward",
        where="minis2s.layers.dropout:Dropout.forward",
        old="if rng is None or self.rate == 0:",
        new="if self.rate == 0:",
        title="Dropout goes on when the model is used",
        symptom="Translations change from call to call, and are worse than they could be.",
        idea="The same input must give the same output. Backward twice on one cache does not show it; two losses do.",
        seen="IBM/pytorch-seq2seq #33, d2l-ai/d2l-en #1528, pytorch/tutorials #208: model.eval() is forgotten.",
        config={"dropout": 0.3},
    ),
    Bug(
        name="norm_mean_missing",
        number=None,
        kind="backward",
        where="minis2s.layers.layer_norm:LayerNorm.backward",
        old="dnormal - dnormal.mean(-1, keepdims=True) - normal * along",
        new="dnormal - normal * along",
        title="Layer norm: the mean of the gradient is not taken away",
        symptom="None that training shows.",
        idea="The mean of a row was removed on the way forward, so no gradient can ask for another.",
        seen="a review of BVLC/caffe #1891, of batch normalisation, misses a part of the mean's derivative.",
        config={"layer_norm": True},
    ),
    Bug(
        name="tie_overwritten",
        number=None,
        kind="backward",
        where=MODEL + "backward",
        old="d_embedding.E[:] += d_output.W.T",
        new="d_embedding.E[:] = d_output.W.T",
        title="Tied output: the embedding keeps one of its two gradients",
        symptom="None: the output layer's gradient is the larger one.",
        idea="One matrix with two uses has two gradients, and they are added.",
        seen="paiml/entrenar #314: the two gradients of a tied matrix were never added.",
        config={"tie_output": True},
    ),
)
