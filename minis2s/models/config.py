"""What a model is made of."""

from dataclasses import dataclass

MODELS = ("attention", "plain")


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
    hidden: int = 64
    model: str = "attention"  # the decoder: "attention" (Bahdanau) or "plain" (one vector holds the sentence)

    def __post_init__(self):
        for name in ("source_vocabulary", "target_vocabulary", "embedding", "hidden"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}; it must be a whole number of at least 1")
        if self.model not in MODELS:
            raise ValueError(f"model is {self.model!r}; choose one of {', '.join(MODELS)}")
