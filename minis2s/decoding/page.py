"""The worst sentences of an evaluation as one HTML file: what was said, what was wanted, where the model looked."""

import struct
from base64 import b64encode
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from html import escape
from typing import Any

from minis2s import plots
from minis2s.data.units import counted_in
from minis2s.decoding.assessment import Assessment, Sentence, gold_attention, tokenize
from minis2s.decoding.translator import Translator
from minis2s.errors import InputError

MOST_DRAWN = 60  # tokens of either side of an attention map
DOTS = 130 / 96  # of a figure to one of the page, whose inch has 96

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
pre { overflow-x: auto; }
article { border-top: 1px solid #ccc; padding: 0.5rem 0 1.5rem; }
ins { background: #fde3d3; text-decoration: underline wavy #d55e00; }
del { background: #dcecf7; text-decoration: underline dotted #0072b2 2px; }
figure { display: inline-block; margin: 0.5rem 1rem 0 0; vertical-align: top; max-width: 100%; overflow-x: auto; }
figcaption { font-size: 0.85rem; color: #555; }
""".strip()


def worst_page(translator: Translator, assessment: Assessment, summary: str, title: str, most: int = 10) -> str:
    """Return an HTML page of the worst sentences with their attention maps; it needs no other file and no network.

    Parameters
    ----------
    summary : lines of text above the sentences
    most : how many sentences
    """
    shown = assessment.worst(most)
    kind = assessment.figures["bleu_tokens"]
    articles = [article(translator, one, rank, kind) for rank, one in enumerate(shown, 1)]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{STYLE}
</style>
</head>
<body>
<h1>{escape(title)}</h1>
<pre>{escape(summary)}</pre>
<p>The {len(shown)} worst of {len(assessment.sentences):,} sentences: wrong ones first, by chrF, then right ones by
their loss. In the translation, <ins>what the reference does not have</ins>; in the reference, <del>what the translation
does not have</del>.</p>
{"".join(articles)}</body>
</html>
"""


def article(translator: Translator, one: Sentence, rank: int, kind: str) -> str:
    """Return what the page says of one sentence."""
    pair, translation = one.pair, one.translation
    said, wanted = marked(tokenize(translation.text, kind), tokenize(pair.target, kind), " " * (kind == "words"))
    rows = [("source", escape(pair.source)), ("reference", wanted), ("translation", said or "(nothing)")]
    unwritable = translator.target.unknown(translator.units.target.split(pair.target))
    for side, tokens in (("source", translation.unknown), ("reference", unwritable)):
        if tokens:
            rows.append((f"unknown in {side}", escape(", ".join(tokens)) + " (never seen in training)"))
    if not translation.ended:
        rows.append(("cut off", f"no end after {len(translation.tokens)} tokens"))
    verdict = "right" if one.right else "wrong"
    rows.append(
        ("scores", f"{verdict}, chrF {one.chrf:.1f}, BLEU {one.bleu:.1f}, {one.nats:.3f} nats per token teacher-forced")
    )
    line = f" (line {pair.line})" if pair.line else ""
    listed = "".join(f'<dt>{name}</dt><dd dir="auto">{text}</dd>\n' for name, text in rows)
    return f"<article>\n<h2>{rank}.{line}</h2>\n<dl>\n{listed}</dl>\n{''.join(maps(translator, one))}</article>\n"


def marked(said: Sequence[str], wanted: Sequence[str], between: str) -> tuple[str, str]:
    """Return two sequences of tokens as HTML, with what only the first has in <ins>, what only the second has in <del>.

    They are laid beside each other by their longest common runs. White space within a mark is shown as ␣.
    """
    parts: tuple[list[str], list[str]] = ([], [])
    for name, i, j, k, l in SequenceMatcher(None, said, wanted, autojunk=False).get_opcodes():
        for part, tokens, tag in ((parts[0], said[i:j], "ins"), (parts[1], wanted[k:l], "del")):
            if tokens:
                text = escape(between.join(tokens))
                part.append(
                    text if name == "equal" else f"<{tag}>{text if between else text.replace(' ', '␣')}</{tag}>"
                )
    return between.join(parts[0]), between.join(parts[1])


def maps(translator: Translator, one: Sentence) -> list[str]:
    """Return the attention maps of a sentence: of its translation and, where gold links are known, of its reference."""
    pair, translation = one.pair, one.translation
    if translation.alphas is None:  # a model without attention
        return []
    drawn = []
    if max(translation.alphas.shape) <= MOST_DRAWN:
        shown: tuple[Any, ...] = translation.alphas, translation.source, translation.tokens
        caption = "Where the model looked for each token of its translation."
        drawn.append(picture(caption, plots.attention_map, *shown))
    if pair.alignment is not None:
        (alphas,) = gold_attention(translator, [pair])
        sides = counted_in(translator.units)
        if max(alphas.shape) <= MOST_DRAWN:
            shown = alphas, sides.source.split(pair.source), sides.target.split(pair.target), pair.alignment
            caption = "Where it looks when it is fed the reference, and where gold links point."
            drawn.append(picture(caption, plots.attention_with_gold, *shown))
    return drawn or [f"<p>Too long to draw: more than {MOST_DRAWN} tokens.</p>\n"]


def picture(caption: str, draw: Callable, *arguments: Any) -> str:
    """Return a figure as HTML, its PNG file inside, or a paragraph that says why it cannot be drawn."""
    try:
        data = plots.draw_png(draw, *arguments)
    except InputError as error:
        return f"<p>{escape(caption)} This {escape(str(error))}.</p>\n"
    width, height = (round(dots / DOTS) for dots in struct.unpack(">II", data[16:24]))  # of a PNG file's first chunk
    source = "data:image/png;base64," + b64encode(data).decode()
    image = f'<img src="{source}" width="{width}" height="{height}" alt="Attention map">'
    return f"<figure>\n{image}\n<figcaption>{escape(caption)}</figcaption>\n</figure>\n"
