"""Make the report's Chinese font anew: the characters it needs, out of a Noto Sans CJK file.

Usage: ``python -m tools.subset_font NotoSansCJK-Regular.ttc`` (or NotoSansTC-Regular.otf). Needed
after the Chinese text has got new characters; a test tells.
"""

import argparse
import inspect
import string
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

from helpers.files import whole_file
from tools.report import text_zh_tw
from tools.report.typeset import CHINESE_FONT

FAMILY = "One Bad Nut Report TC"
EXTRA = string.printable + "±×–−—λα「」『』，、。；：！？（）　°µ…“”‘’éáí"


def chosen(path: Path) -> TTFont:
    """Return the face for Traditional Chinese of a font file or collection."""
    if path.suffix.lower() != ".ttc":
        return TTFont(path)
    return next(
        font
        for font in TTCollection(path).fonts
        if font["name"].getBestFamilyName() == "Noto Sans CJK TC"
    )


def main() -> None:
    """Write the font."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("font", type=Path)
    font = chosen(parser.parse_args().font)
    options = subset.Options(name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], hinting=False)
    subsetter = subset.Subsetter(options)
    letters = inspect.getsource(text_zh_tw) + EXTRA
    subsetter.populate(text="".join(c for c in letters if c >= " "))
    subsetter.subset(font)
    for record in font["name"].names:
        if record.nameID in (1, 3, 4, 6, 16):
            record.string = FAMILY.replace(" ", "") if record.nameID == 6 else FAMILY
    cff = font["CFF "].cff
    cff.fontNames = [FAMILY.replace(" ", "")]
    cff.topDictIndex[0].FullName = cff.topDictIndex[0].FamilyName = FAMILY
    with whole_file(CHINESE_FONT) as work:
        font.save(work)
    print(f"{CHINESE_FONT.name}: {CHINESE_FONT.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
