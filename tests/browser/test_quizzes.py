"""The quizzes answer: each option says whether it is right, and why not."""

import re

import pytest

from tests.browser.conftest import HTML, PHONE
from tests.quizzes import questions

ALL = list(questions())
CHAPTERS = sorted({q.chapter for q in ALL})


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_option_of_every_question_answers(visit, chapter):
    seen = visit()
    page = seen.open(f"{HTML.as_uri()}/notebooks/{chapter}.html")
    quiz = page.locator(".quiz")
    asked = [q for q in ALL if q.chapter == chapter]
    assert quiz.count() == len(asked)
    for place, question in enumerate(asked):
        group = quiz.nth(place)
        folded = group.locator("details")
        said = group.locator("[role=status]")
        assert group.locator("button").count() == len(question.options)
        for letter in question.options:
            if letter == question.right:
                continue
            group.locator("button", has_text=f"({letter}) ").click()
            told = said.inner_text()
            assert told.startswith("Not quite. ")
            assert f"({letter})" in told
            assert re.fullmatch(r"Not quite\. [(A-Z].{10,}[.?!]", told, re.DOTALL)
            assert not folded.evaluate("d => d.open"), "the answer is not given away"
        group.locator("button", has_text=f"({question.right}) ").click()
        assert said.inner_text() == "Right."
        assert folded.evaluate("d => d.open")
        assert group.locator(".quiz-right").count() == 1
        assert group.locator(".quiz-wrong").count() == len(question.options) - 1
    assert not seen.errors


def test_a_quiz_is_answered_by_keyboard(visit):
    page = visit(viewport=PHONE).open(f"{HTML.as_uri()}/notebooks/{CHAPTERS[0]}.html")
    question = ALL[0]
    group = page.locator(".quiz").first
    group.locator("button").first.focus()
    for _ in range("abcd".index(question.right)):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert group.locator("[role=status]").inner_text() == "Right."
    assert group.get_attribute("aria-labelledby") == "question-1"
    assert page.locator("#question-1").inner_text().startswith(question.text)
