"""The quizzes of the chapters, read from the notebooks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.prose import markdown, reading_order

QUESTION = re.compile(r"<details><summary>(.*?)</summary>\s*(.*?)\s*</details>", re.DOTALL)


@dataclass(frozen=True)
class Question:
    """A question: its chapter, its options by letter, which is right, and the answer's text."""

    chapter: str
    number: int
    text: str
    options: dict[str, str]
    right: str
    answer: str


def questions() -> Iterator[Question]:
    """Yield every question of every chapter.

    Raises
    ------
    ValueError
        When a chapter has no quiz, or an answer does not begin with the right letter.
    """
    for path in reading_order():
        text = markdown(path)
        if "## Quiz\n" not in text:
            raise ValueError(f"{path.name} has no quiz.")
        quiz = text.split("## Quiz\n")[1].split("\n## ")[0]
        for number, (summary, answer) in enumerate(QUESTION.findall(quiz), 1):
            asked, *options = re.split(r"\s*\((?=[a-d]\) )", summary)
            right = re.match(r"\*\*\(([a-d])\)\.\*\* ", answer)
            if not right:
                raise ValueError(
                    f"{path.name}, question {number} does not begin with **(letter).**"
                )
            by_letter = {option[0]: option[3:] for option in options}
            yield Question(path.stem, number, asked, by_letter, right[1], answer)
