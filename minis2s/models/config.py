"""What a model is made of."""

from dataclasses import dataclass

from minis2s.layers.registry import ATTENTIONS, CELLS

ORDERS = ("bahdanau", "luong")
BRIDGES = ("copy", "tanh")
CHOICES = {
    "cell": tuple(CELLS),
    "attention": (*ATTENTIONS, "none"),
    "order": ORDERS,
    "bridge": BRIDGES,
}


@dataclass(frozen=True)
class Config:
    """Sizes and parts of a sequence-to-sequence model; saved with its weights.

    Raises
    ------
    ValueError
        Naming the field, its value and what it may be.
    """

    source_vocabulary: int
    target_vocabulary: int
    embedding: int = 32
    hidden: int = 64  # width of the decoder's state
    cell: str = "gru"
    attention: str = "additive"  # how a position is scored; "none": one vector holds the sentence
    order: str = "bahdanau"  # the query is the previous state; "luong": the new one
    input_feeding: bool = False  # Luong's: h~ of a step enters the next one
    layers: int = 1  # of the encoder
    bidirectional: bool = False
    encoder_hidden: int | None = None  # width of the memory, both directions together; None: as hidden
    bridge: str = "copy"  # from the encoder's last state to the decoder's first; "tanh": a layer between them
    dropout: float = 0.0
    layer_norm: bool = False  # of the outputs of each encoder layer, where they are used, and before the output layer
    tie_output: bool = False  # the output matrix is the target embedding
    label_smoothing: float = 0.0  # in training

    def __post_init__(self) -> None:
        sizes = ["source_vocabulary", "target_vocabulary", "embedding", "hidden", "layers"]
        for name in sizes + ["encoder_hidden"] * (self.encoder_hidden is not None):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is {value!r}; it must be a whole number of at least 1")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}")
        for name in ("input_feeding", "bidirectional", "layer_norm", "tie_output"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be true or false")
        for name in ("dropout", "label_smoothing"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
                raise ValueError(f"{name} is {value!r}; it must be at least 0 and below 1")
        self.refuse_combinations()

    def refuse_combinations(self) -> None:
        """Raise ValueError where parts do not fit together, saying what to change."""
        if self.bidirectional and self.memory % 2:
            name = "hidden" if self.encoder_hidden is None else "encoder_hidden"
            raise ValueError(f"{name} is {self.memory}; a bidirectional encoder halves it, so make it even")
        if self.attends and ATTENTIONS[self.attention].equal_sizes and self.memory != self.hidden:
            raise ValueError(
                f"attention is {self.attention!r}, a product of equal sizes, but hidden is {self.hidden} and "
                f"encoder_hidden {self.memory}; make them equal, or choose attention general"
            )
        if self.bridge == "copy" and self.memory != self.hidden:
            raise ValueError(
                f"encoder_hidden is {self.memory} and hidden {self.hidden}, so a state cannot be copied; "
                "choose bridge tanh, or equal sizes"
            )
        if self.tie_output and self.embedding != self.hidden:
            raise ValueError(
                f"tie_output makes one matrix of embedding and output, but embedding is {self.embedding} and hidden "
                f"{self.hidden}; make them equal"
            )
        if not self.attends and self.order == "luong":
            raise ValueError("order is 'luong', but attention is 'none'; choose an attention, or order bahdanau")
        if self.input_feeding and self.order != "luong":
            raise ValueError("input_feeding is of Luong's decoder; choose order luong with it, or leave it out")

    @property
    def attends(self) -> bool:
        """Whether the decoder has attention."""
        return self.attention != "none"

    @property
    def memory(self) -> int:
        """M, the width of the memory."""
        return self.hidden if self.encoder_hidden is None else self.encoder_hidden
