"""A plugin of pytest: of several notebooks, the one that takes longest is begun first.

So that, at the end, no process works alone for long on a chapter that it was given last.
"""

from tools.times import run_time

UNKNOWN = 60  # seconds expected of a notebook that has never said how long it took


def pytest_collection_modifyitems(items):
    """Order the notebooks by their own last cells' times; within one, its cells stay in order."""
    seconds = {path: run_time(path)[0] or UNKNOWN for path in {item.path for item in items}}
    items.sort(key=lambda item: -seconds[item.path])
