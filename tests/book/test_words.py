"""How the book is written: length, terms explained before they are used, spelling."""

import json
import re

import pytest

from tests.prose import (
    ROOT,
    first_use,
    markdown,
    prose,
    reading_order,
    used_before_explained,
    words,
)
from tests.spelling import misspelled, mistake, own_words

CHAPTERS = reading_order()
PAGES = [
    *CHAPTERS,
    *sorted((ROOT / "book").glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
]
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)

# What else the text calls a term of the glossary.
OTHER_NAMES = {
    "Anomaly map": ("heat map",),
    "Average precision": ("AUPRC",),
    "Backpropagation": ("backward pass", "gradient"),
    "Bootstrap interval": ("bootstrap",),
    "Class-balanced sampling": ("class-balanced",),
    "Covariance matrix": ("covariance", "precision matrix"),
    "False-alarm rate": ("false positive rate",),
    "Fine-tuning": ("fine-tuned", "fine-tune"),
    "Generative adversarial network": ("GAN",),
    "Gaussian": ("normal distribution",),
    "Held-out data": ("held out", "held-out"),
    "Instance-balanced sampling": ("instance-balanced",),
    "Long-tailed data": ("long tail", "long-tailed"),
    "Miss rate": ("false negative rate",),
    "Moving average of weights": ("moving average",),
    "Non-maximum suppression": ("NMS",),
    "Null space": ("discarded component",),
    "Open-vocabulary detection": ("open-vocabulary", "open vocabulary"),
    "Random seed": ("seed",),
    "Reconstruction": ("reconstruct", "reconstructed"),
    "Run-length encoding": ("RLE",),
    "Self-supervised learning": ("self-supervised", "self-supervision"),
    "SSIM": ("structural similarity",),
}


def glossary() -> list[str]:
    return re.findall(r"(?m)^## (.+)$", markdown(ROOT / "book" / "glossary.md"))


@each_chapter
def test_it_has_between_800_and_2500_words(path):
    # Everything that is read counts, exercises and quiz too; code and formulas do not.
    assert 800 <= len(words(prose(markdown(path)))) <= 2500


def test_words_are_counted_without_code_tags_and_addresses():
    text = (
        "# Two words\n\n<details><summary>Hint</summary>\n\n"
        "See [the *map*](a.ipynb#the-map), `code` and $x^2$.\n\n"
        "```python\nx = 1\n```\n\n</details>\n"
        "| a | table |\n|---|---|\n"
    )
    assert " ".join(words(prose(text))) == "Two words Hint See the map and a table"


@pytest.mark.parametrize("term", glossary())
def test_the_chapter_that_uses_a_term_first_explains_it_there(term):
    names = (term, *OTHER_NAMES.get(term, ()))
    for path in CHAPTERS:
        told = used_before_explained(markdown(path), term, names)
        assert told is None, (
            f"{path.stem} uses “{term}” before it is explained: … {told} …\nLink the first use to "
            "../book/glossary.md, or set it in italics where the sentence defines it."
        )
        if first_use(prose(markdown(path)), names):
            return


def test_the_glossary_is_in_alphabetical_order_and_names_each_term_in_chinese_too():
    letters = [re.sub(r"[^a-z0-9]", "", term.lower()) for term in glossary()]
    assert letters == sorted(letters)
    text = markdown(ROOT / "book" / "glossary.md")
    named = re.findall(r"(?m)^## (.+)\n\*.+\.\* \S", text)
    assert named == glossary()


def test_other_names_belong_to_terms_of_the_glossary():
    assert set(OTHER_NAMES) <= set(glossary())


@pytest.mark.parametrize(
    ("text", "explained"),
    [
        ("The mask is a picture.", False),
        ("The [mask](../book/glossary.md#mask) is a picture; masks are small.", True),
        ("Masks are small. A [mask](../book/glossary.md#mask) is a picture.", False),
        ("A *mask* says where the damage is.", True),
        ("## The mask\n\nUnmasked, `mask` and masked are other words.", True),
        ("See [the masks](01_know_your_data.ipynb#the-mask).", False),
    ],
)
def test_a_term_is_explained_by_a_link_or_by_italics_at_its_first_use(text, explained):
    assert (used_before_explained(text, "Mask", ("Mask",)) is None) == explained


@each_page
def test_it_is_spelled_right(path):
    wrong = {told for word in words(prose(markdown(path))) if (told := mistake(word))}
    assert not wrong, f"{sorted(wrong)}; names and technical terms go into tests/words.txt"


@each_page
def test_things_are_called_what_the_field_calls_them(path):
    private = r"(?i)\b(redr[ae]w\w*|by lot|lost directions?|oddness|straighten\w*|judge\w*)\b"
    assert not re.findall(private, prose(markdown(path)))


@pytest.mark.parametrize(
    "word", ["recieve", "detecter", "thresold", "color", "normalize", "Grayish-gray", "pre-trianed"]
)
def test_wrong_and_american_spelling_is_found(word):
    assert mistake(word)


@pytest.mark.parametrize(
    "word",
    ["receive", "detector", "colour", "Normalise", "grey", "AUROC", "teacher’s", "one-pixel"],
)
def test_right_spelling_passes(word):
    assert mistake(word) is None


def test_the_books_own_words_are_sorted():
    lines = (ROOT / "tests" / "words.txt").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    assert listed == sorted(set(listed), key=str.lower)


def code() -> list[tuple[str, str]]:
    """Return the names and texts of modules, and of the code cells of chapters."""
    found = []
    for folder in ("helpers", "tools", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found.append((path.name, path.read_text(encoding="utf-8")))
    for path in CHAPTERS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        found.append((path.name, "\n".join(sources)))
    return found


def test_code_and_its_comments_have_no_common_misspelling():
    allowed = own_words() | {"fpr", "nce", "ttest"}  # parts of names
    for name, text in code():
        for word in set(re.findall(r"[a-z]{3,}", text.lower())) - allowed:
            assert word not in misspelled(), f"{name}: {word}, {misspelled()[word]}?"
