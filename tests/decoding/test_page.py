"""The page of worst sentences: whole and escaped HTML, that needs nothing else, and marks what differs."""

import re
import struct
from base64 import b64decode
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minis2s.data.pairs import Pair
from minis2s.data.vocabulary import SPECIAL, Vocabulary
from minis2s.decoding import page as module
from minis2s.decoding.assessment import assess
from minis2s.decoding.page import MOST_DRAWN, marked, worst_page
from minis2s.decoding.search import Search
from minis2s.decoding.translator import Translator
from tests.decoding.test_evaluate import WORDS, make_translator, with_answers

NASTY = '<script>alert("&")</script>'
VOID = {"meta", "img"}


class Checker(HTMLParser):
    """Refuses tags that are not closed in order; gathers texts by tag, and attributes."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.texts, self.attributes = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attr) for attr in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else None, data))


def check(page):
    parser = Checker()
    parser.feed(page)
    parser.close()
    assert parser.open == [] and page.startswith("<!DOCTYPE html>\n")
    assert {"html", "head", "title", "meta", "body", "h1"} <= set(parser.tags) and "script" not in parser.tags
    return parser


def pictures(parser):
    sources = [value for tag, name, value in parser.attributes if (tag, name) == ("img", "src")]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    return [b64decode(source.partition(",")[2], validate=True) for source in sources]


def make_page(kind="additive", pairs=WORDS, most=10, **options):
    translator = make_translator(kind, **options)
    assessment = assess(translator, pairs, Search(beam=2))  # as in with_answers
    return worst_page(translator, assessment, f"BLEU {NASTY}", f"run {NASTY}", most), assessment


def test_page_is_whole_and_holds_all_that_is_known():
    page, assessment = make_page()
    parser = check(page)
    assert parser.tags.count("article") == 4
    for one in assessment.sentences:
        assert f'<dt>source</dt><dd dir="auto">{one.pair.source}</dd>' in page
        assert f"chrF {one.chrf:.1f}, BLEU {one.bleu:.1f}, {one.nats:.3f} nats per token teacher-forced" in page
    assert '<dt>unknown in source</dt><dd dir="auto">nie (never seen in training)</dd>' in page
    assert '<dt>unknown in reference</dt><dd dir="auto">never (never seen in training)</dd>' in page
    assert not re.search(r'(src|href)="(?!data:)', page) and "http" not in page


def test_every_sentence_has_its_map_and_a_second_one_with_gold_links():
    parser = check(make_page()[0])
    images = pictures(parser)
    assert len(images) == 4 + 2  # two of the four have gold links
    sizes = [struct.unpack(">II", image[16:24]) for image in images]
    shown = [int(value) for tag, name, value in parser.attributes if (tag, name) == ("img", "width")]
    assert all(image.startswith(b"\x89PNG") for image in images)
    assert shown == [round(width * 96 / 130) for width, _ in sizes]  # an inch of the figure is an inch of the page


def test_a_model_without_attention_has_a_page_without_maps():
    page, _ = make_page("none")
    assert pictures(check(page)) == [] and page.count("<article>") == 4 and "Too long" not in page


@pytest.mark.slow
def test_so_many_sentences_the_worst_first():
    page, assessment = make_page(pairs=with_answers(make_translator(), WORDS), most=2)
    assert page.count("<article>") == 2 and "The 2 worst of 5 sentences" in page
    places = [page.index(one.pair.source) for one in assessment.worst(2)]
    assert places == sorted(places)
    page, _ = make_page(pairs=with_answers(make_translator(), WORDS))
    assert page.rindex('scores</dt><dd dir="auto">right') > page.rindex('scores</dt><dd dir="auto">wrong')


def test_text_is_never_markup():
    translator = make_translator()
    words = Vocabulary((*SPECIAL, NASTY, "<b>", "&amp;", '"', "'", "</dd>"))
    translator = Translator(translator.model, Vocabulary((*SPECIAL, NASTY, *"abcdef")), words, "word")
    pairs = [Pair(NASTY, f"{NASTY} <b>", ((0, 0),)), Pair("</article> <i>", "&amp; &lt;")]
    page = worst_page(translator, assess(translator, pairs), NASTY, NASTY)
    parser = check(page)
    assert not {"script", "b", "i"} & set(parser.tags)
    texts = "".join(text for _, text in parser.texts)
    for text in (NASTY, "</article> <i>", "&amp; &lt;"):
        assert text in texts


def test_a_sentence_too_long_to_draw_says_so(monkeypatch):
    monkeypatch.setattr(module, "MOST_DRAWN", 1)
    page, _ = make_page()
    assert pictures(check(page)) == [] and page.count("Too long to draw: more than 1 tokens.") == 4
    assert MOST_DRAWN * 0.3 * 130 < 2**16  # dots: Matplotlib draws no wider figure


def test_a_translation_that_was_cut_off_or_is_empty_says_so():
    page, assessment = make_page()
    one = assessment.sentences[0]
    assessment.sentences[:] = [
        one._replace(translation=one.translation._replace(ended=False)),
        one._replace(translation=one.translation._replace(text="", ended=True)),
    ]
    page = worst_page(make_translator(), assessment, "", "")
    assert f"no end after {len(one.translation.tokens)} tokens" in page and page.count("cut off") == 1
    assert '<dt>translation</dt><dd dir="auto">(nothing)</dd>' in page


def test_marks_by_hand():
    said, wanted = marked("the cat cat sat".split(), "the black cat sat".split(), " ")
    assert said == "the cat <ins>cat</ins> sat" or said == "the <ins>cat</ins> cat sat"
    assert wanted == "the <del>black</del> cat sat"
    assert marked(list("a bc"), list("abd"), "") == ("a<ins>␣</ins>b<ins>c</ins>", "ab<del>d</del>")
    assert marked([], ["<"], " ") == ("", "<del>&lt;</del>")


@given(said=st.lists(st.sampled_from(["a", "b", "<", "&amp;"])), wanted=st.lists(st.sampled_from(["a", "b", "<"])))
@pytest.mark.parametrize("between", ["", " "])
def test_marks_lose_nothing_and_what_is_not_marked_is_common(between, said, wanted):
    one, other = marked(said, wanted, between)
    texts = [unescape(re.sub(r"</?(ins|del)>", "", part)) for part in (one, other)]
    assert texts == [between.join(said), between.join(wanted)]
    common = [re.sub(r"<ins>.*?</ins>|<del>.*?</del>", "", part).split() for part in (one, other)]
    assert "".join(common[0]) == "".join(common[1])
