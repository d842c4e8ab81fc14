"""Every chapter has a quiz whose options are all explained."""

import re
from collections import Counter
from itertools import groupby

import pytest

from tests.prose import reading_order
from tests.quizzes import questions

ALL = list(questions())
each = pytest.mark.parametrize("asked", ALL, ids=lambda q: f"{q.chapter[:2]}.{q.number}")


def test_every_chapter_asks_three_to_five_questions():
    count = Counter(q.chapter for q in ALL)
    assert sorted(count) == sorted(path.stem for path in reading_order())
    assert all(3 <= number <= 5 for number in count.values()), count


@each
def test_every_option_is_explained(asked):
    letters = "".join(asked.options)
    assert letters in ("ab", "abc", "abcd")
    assert asked.right in letters
    assert len(set(asked.options.values())) == len(letters)
    assert set(re.findall(r"\(([a-d])\)", asked.answer)) == set(letters)


@each
def test_a_question_is_numbered(asked):
    assert asked.text.startswith(f"{asked.number}. ")


def test_the_letter_does_not_give_the_answer_away():
    count = Counter(q.right for q in ALL)
    assert max(count.values()) < 0.45 * len(ALL), count
    for chapter, its in groupby(ALL, key=lambda q: q.chapter):
        assert len({q.right for q in its}) > 1, chapter
