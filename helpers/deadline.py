"""Waiting no longer than one wants to, whatever is waited for."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Return what ``call()`` returns, or raise what it raises, if it does so in time.

    A socket's own time limit holds for each of its addresses and bytes, and not for looking a name
    up; this one holds for all of it.

    Raises
    ------
    TimeoutError
        When it has not ended in time. It goes on in a thread that does not keep Python from ending.
    """
    answers: queue.SimpleQueue[tuple[Result | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} seconds") from None
    if error:
        raise error
    return result
