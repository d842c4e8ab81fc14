"""The report: its numbers are the records', it is short, and it refuses what is not sound."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader
from scipy import stats

from helpers.errors import DataError
from helpers.experiments.detection import DETECTION, BoxCase, BoxResult
from helpers.experiments.detectors import DETECTORS
from helpers.experiments.segmentation import SEGMENTATION, MaskCase, MaskResult
from helpers.experiments.store import OTHER_REVISION, Provenance, Record
from helpers.metrics.image import image_auroc
from helpers.plain import plain
from helpers.profiles import PROFILES
from tools.report import records, text_en, text_zh_tw
from tools.report.answers import POINTS, WORDS, word_count
from tools.report.gather import gather
from tools.report.page import page
from tools.report.text_en import ENGLISH
from tools.report.trained import trained
from tools.report.typeset import CHINESE_FONT, check_characters, typeset
from tools.report.write import LANGUAGES, report, write

ROOT = Path(__file__).parents[2]
QUICK = PROFILES["quick"]
RECORDS = ROOT / "book" / "records"
REPORT = [sys.executable, "-m", "tools.report"]


@pytest.fixture(scope="module", autouse=True)
def generated():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_ROOT", "generated")
        yield


@pytest.fixture(scope="module")
def gathered(generated):
    return gather(QUICK, allow_stale=True)


@pytest.fixture(scope="module", params=list(LANGUAGES))
def written(request, gathered, tmp_path_factory):
    """Give a report: its text, its file, its number of pages."""
    path = tmp_path_factory.mktemp("report") / "report.pdf"
    pages = write(gathered, request.param, path)
    return page(gathered.numbers, LANGUAGES[request.param]), path, pages


def numbers_in(text):
    return re.findall(r"[−+]?\d+(?:[.,]\d+)*", text)


def letters(text):
    """Return a text without anything that typesetting may change: spaces, hyphens, line ends."""
    return re.sub(r"[\s\u00ad\u2010-]", "", text).replace("ﬁ", "fi").replace("ﬂ", "fl")


def content(path):
    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def runs(method):
    name = re.sub(r"[^a-z0-9]+", "-", method.lower()).strip("-")
    files = sorted((RECORDS / "detectors" / "quick").rglob(f"{name}_seed-[0-2].json"))
    return [json.loads(file.read_text("utf-8")) for file in files]


def test_it_has_at_most_three_pages(written):
    _, path, pages = written
    assert pages == len(PdfReader(path).pages) <= 3


def test_the_pdf_says_what_the_page_says_word_for_word_and_number_for_number(written):
    text, path, _ = written
    found = letters(content(path))
    for answer, points in zip(text.answers, POINTS, strict=True):
        assert letters(answer.heading) in found
        assert letters(answer.summary) in found
        assert f"{points}" in answer.heading
        cells = [cell for row in answer.table.rows for cell in row]
        for cell in (*answer.table.header, *cells, answer.caption):
            assert letters(cell) in found, cell
    assert all(letters(paragraph) in found for paragraph in text.sources)


def test_each_table_row_is_typeset_whole(written):
    text, path, _ = written
    found = letters(content(path))
    for answer in text.answers:
        for row in answer.table.rows:
            assert letters("".join(row)) in found, row


def test_no_other_number_gets_into_the_pdf(written):
    text, path, pages = written
    said = " ".join(
        [text.title, text.line, text.caveat, *text.sources]
        + [
            " ".join([a.heading, a.summary, a.caption, *a.table.header])
            + " ".join(cell for row in a.table.rows for cell in row)
            for a in text.answers
        ]
    )
    allowed = set(numbers_in(said)) | {str(n) for n in (*range(1, 6), *POINTS, pages)}
    strange = [number for number in numbers_in(content(path)) if number not in allowed]
    assert strange == []


@pytest.mark.parametrize("text", LANGUAGES.values(), ids=LANGUAGES)
def test_summaries_are_about_as_long_as_asked(text, gathered):
    for answer, words in zip(page(gathered.numbers, text).answers, WORDS, strict=True):
        assert 0.8 * words <= word_count(answer.summary) <= 1.2 * words, answer.heading


def test_words_and_characters_are_counted():
    assert word_count("The best reaches 0.83, not more.") == 6
    assert word_count("one — two") == 2
    assert word_count("影像 AUROC 為 0.83") == 2 + 3 / 1.6


def test_the_attempts_numbers_are_the_records(gathered):
    labels = gathered.category.labels
    for line in gathered.numbers.strategies.lines:
        whole = runs(line.name)
        assert len(whole) == 3, line.name
        found = [run["result"] for run in whole]
        aurocs = [image_auroc(labels, run["image_scores"]) for run in found]
        assert line.auroc == pytest.approx(np.mean(aurocs), abs=1e-9)
        assert line.spread == pytest.approx(np.std(aurocs, ddof=1), abs=1e-9)
        assert line.aupro == pytest.approx(np.mean([run["aupro"] for run in found]))
        assert line.pixel == pytest.approx(np.mean([run["pixel_auroc"] for run in found]))
        missed = [run["confusion"]["fn"] / 70 for run in found]
        assert line.missed == pytest.approx(np.mean(missed))
        assert line.alone == pytest.approx(1000 * whole[0]["provenance"]["seconds"]["one image"])


def test_the_long_tails_numbers_are_the_records(gathered):
    tail = gathered.numbers.tail
    means = {}
    for name in ("plain", "balanced-mixup_alpha-0.2"):
        # The first five seeds are those that every remedy has.
        files = sorted((RECORDS / "long-tail/quick").rglob(f"five-*-12-4_{name}_seed-[0-4].json"))
        tables = [np.array(json.loads(f.read_text("utf-8"))["result"]["confusion"]) for f in files]
        means[name] = [np.mean(np.diag(t) / t.sum(1)) for t in tables]
    assert tail.accuracy["plain"] == pytest.approx(np.mean(means["plain"]))
    assert tail.accuracy["Balanced-MixUp"] == pytest.approx(
        np.mean(means["balanced-mixup_alpha-0.2"])
    )
    gain = np.subtract(means["balanced-mixup_alpha-0.2"], means["plain"])
    found, interval = tail.gains["Balanced-MixUp"]
    assert found == pytest.approx(gain.mean())
    assert tail.seeds == len(gain) == 5
    corrected = stats.ttest_1samp(gain, 0).confidence_interval(1 - 0.05 / len(tail.gains))
    assert (interval.low, interval.high) == pytest.approx(tuple(corrected))
    assert tail.shown("Balanced-MixUp") == (interval.low > 0)


def shown_in(chapter):
    """Return all text that a committed notebook shows in its outputs."""
    (path,) = (ROOT / "notebooks").glob(f"{chapter:02d}_*.ipynb")
    cells = json.loads(path.read_text("utf-8"))["cells"]
    outputs = [o for c in cells if c["cell_type"] == "code" for o in c["outputs"]]
    parts = [o["data"].get("text/markdown", []) for o in outputs if "data" in o]
    parts += [o["data"].get("text/plain", []) for o in outputs if "data" in o]
    return "\n".join("".join(part) for part in parts)


def test_the_chapters_say_the_same(gathered):
    n = gathered.numbers
    six, eight, fourteen, fifteen = (shown_in(chapter) for chapter in (6, 8, 14, 15))
    assert n.attempts.gains[n.attempts.best].sentence() in six
    assert f"{n.attempts.escaped} damaged images escape every method" in six
    gain, interval = n.tail.gains["Balanced-MixUp"]
    told = f"({gain:+.3f}, interval {interval.low:+.3f} to {interval.high:+.3f}"
    assert f"{told} over {n.tail.seeds} seeds, corrected for {len(n.tail.gains)} remedies)" in eight
    shown = ", ".join(name for name in n.tail.gains if n.tail.shown(name)) or "none"
    assert f"Shown to gain: {shown}." in eight
    s = n.strategies
    told = f"The highest here is *{s.best.name}*. Of the {len(s.behind)} others {len(s.worse)} are"
    assert told in fourteen
    assert f"and {len(s.open)} not shown to differ" in fourteen
    for line in n.strategies.lines:
        assert f"{line.auroc:.3f} ± {line.spread:.3f}" in fourteen
    assert f"{n.labels.objects} objects of {len(n.labels.classes)} classes" in fifteen


def broken(tmp_path, monkeypatch, change, allow_stale=True):
    """Run the report on a copy of the records of which one is changed or taken away."""
    copy = tmp_path / "records"
    shutil.copytree(RECORDS / "detectors" / "quick", copy)
    path = copy / "hazelnut-generated-128" / "baseline-autoencoder_seed-0.json"
    values = json.loads(path.read_text("utf-8"))
    path.unlink()
    if change is not None:
        change(values)
        path.write_text(json.dumps(values), "utf-8")
    folder = type(DETECTORS).folder
    monkeypatch.setattr(
        type(DETECTORS),
        "folder",
        lambda self, profile="quick": copy if self is DETECTORS else folder(self, profile),
    )
    pdf = tmp_path / "out" / "report.pdf"
    pdf.parent.mkdir()
    with pytest.raises(DataError) as caught:
        report(QUICK, "en", pdf, allow_stale)
    assert list(pdf.parent.iterdir()) == []
    return str(caught.value)


def test_a_missing_record_is_named_with_the_remedy(tmp_path, monkeypatch):
    told = broken(tmp_path, monkeypatch, None)
    assert "1 missing" in told
    assert "baseline-autoencoder_seed-0.json" in told
    assert "`make results`" in told


def test_a_record_of_other_settings_or_images_is_refused_whatever_is_allowed(tmp_path, monkeypatch):
    told = broken(tmp_path, monkeypatch, lambda r: r["settings"].update(width=17))
    assert "of other settings" in told
    assert "ALLOW_STALE" not in told


def test_a_record_of_another_revision_is_refused(tmp_path, monkeypatch):
    def change(values):
        values["revision"]["method"] -= 1

    message = broken(tmp_path, monkeypatch, change, allow_stale=False)
    name = "baseline-autoencoder_seed-0.json"
    for part in (OTHER_REVISION, name, "`make results`", "ALLOW_STALE=1"):
        assert part in message


def test_a_damaged_record_is_named(tmp_path, monkeypatch):
    told = broken(tmp_path, monkeypatch, lambda r: r["result"].pop("image_auroc"))
    assert "not a record" in told


def test_a_record_with_its_scores_in_another_order_is_refused(tmp_path, monkeypatch):
    told = broken(tmp_path, monkeypatch, lambda r: r["result"]["image_scores"].reverse())
    assert "baseline-autoencoder_seed-0.json holds image scores that do not give the AUROC" in told
    assert "`make results` makes it again" in told


def test_records_of_another_revision_are_refused_or_let_through_with_a_caveat():
    faults = records.Faults()
    faults.add("make results", OTHER_REVISION, ROOT / "book" / "old.json")
    faults.add("make long-tail", OTHER_REVISION, ROOT / "book" / "older.json")
    with pytest.raises(DataError) as caught:
        faults.check(allow_stale=False)
    told = str(caught.value)
    for part in (
        OTHER_REVISION,
        "book/old.json",
        "make results",
        "make long-tail",
        "ALLOW_STALE=1",
    ):
        assert part in told
    caveats = faults.check(allow_stale=True)
    assert caveats == {OTHER_REVISION: ["book/old.json", "book/older.json"]}


@pytest.mark.parametrize("text", LANGUAGES.values(), ids=LANGUAGES)
def test_the_caveat_is_on_the_page(text, gathered):
    clean = replace(gathered.numbers, caveats={})
    assert page(clean, text).caveat == ""
    caveat = page(replace(clean, caveats={OTHER_REVISION: ["a", "b"]}), text).caveat
    assert "2" in caveat
    assert text is ENGLISH or "revision" not in caveat


def test_an_unknown_language_is_refused_before_anything_is_read(tmp_path):
    done = subprocess.run(
        [*REPORT, "--language", "zh", "--output", tmp_path / "x.pdf"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "LANGUAGE is 'zh'. Choose one of 'en', 'zh-TW'."
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_is_too_long_is_not_written(gathered, tmp_path):
    text = page(gathered.numbers, ENGLISH)
    long = replace(text.answers[0], summary=text.answers[0].summary * 20)
    empty = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", ""
    figures = {answer.figure: empty for answer in text.answers}
    with pytest.raises(DataError, match="pages, and 3 are allowed"):
        typeset(replace(text, answers=(long, *text.answers[1:])), figures, tmp_path / "r.pdf")
    assert list(tmp_path.iterdir()) == []


def test_the_same_numbers_give_the_same_bytes(gathered, tmp_path):
    files = [tmp_path / "a.pdf", tmp_path / "b.pdf"]
    for file in files:
        write(gathered, "en", file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_books_font_has_every_character_of_the_chinese_text():
    check_characters(Path(text_zh_tw.__file__).read_text("utf-8").replace("\n", " "), CHINESE_FONT)
    with pytest.raises(DataError, match="lacks 龘.*REPORT_FONT"):
        check_characters("龘", CHINESE_FONT)
    assert CHINESE_FONT.stat().st_size < 400_000
    assert (CHINESE_FONT.parent / "OFL.txt").is_file()


def test_a_font_that_is_not_there_is_named(gathered, tmp_path, monkeypatch):
    monkeypatch.setenv("REPORT_FONT", str(tmp_path / "none.otf"))
    with pytest.raises(DataError, match=r"REPORT_FONT names .*none\.otf"):
        write(gathered, "zh-TW", tmp_path / "r.pdf")


def test_chinese_terms_are_those_of_the_glossary():
    glossary = (ROOT / "book" / "glossary.md").read_text("utf-8")
    text = Path(text_zh_tw.__file__).read_text("utf-8")
    terms = """異常偵測 遮罩 連通區域 準確率 信賴區間 閾值 亂數種子 訓練週期 自編碼器
        長尾資料 不平衡係數 實例平衡抽樣 類別平衡抽樣 平衡準確率 校準 記憶庫 標準化流 擴散模型
        合成瑕疵 物件偵測 邊界框 遊程編碼 標準答案"""
    for term in terms.split():
        assert term in text, term
        assert term in glossary, term
    # What one writes elsewhere, and not in Taiwan.
    for other in ("异", "图像", "圖像", "閥值", "數據", "檢測器", "視頻", "質量", "缺陷"):
        assert other not in text, other


def box_record(labels, ap, seed=0, weights="formula"):
    case = BoxCase(labels, weights, seed=seed)
    return record(DETECTION, case, BoxResult({"AP": ap / 2, "AP50": ap}, {}), "of boxes")


def mask_record(labels, iou, fingerprint, left_out=""):
    result = MaskResult(["good", "cut", "hole"], [0, iou, iou], [0, 1, 1], [0, 0, 0], 0.9, 0.8)
    return record(SEGMENTATION, MaskCase(labels, left_out), result, fingerprint)


def record(experiment, case, result, fingerprint):
    data = {"category": "hazelnut", "source": "generated", "size": 9, "fingerprint": fingerprint}
    return Record(experiment.name, plain(case), {}, data, {}, result, Provenance({}))


@pytest.fixture
def later(tmp_path, gathered):
    """Give folders with records as the chapters on detection and segmentation have them."""
    boxes, masks = tmp_path / "boxes", tmp_path / "masks"
    mine = gathered.category.fingerprint
    for one in (
        box_record(2, 0.2),
        box_record(16, 0.4),
        box_record(16, 0.5, seed=1),
        box_record(32, 0.9, weights="ImageNet"),
        box_record(None, 0.9),
    ):
        DETECTION.write(boxes, one)
    for one in (
        mask_record(60, 0.7, mine),
        mask_record(60, 0.1, mine, left_out="cut"),
        mask_record(99, 0.2, "of other pictures"),
    ):
        SEGMENTATION.write(masks, one)
    return boxes, masks


def test_records_of_the_later_chapters_join_the_fifth_answer(gathered, later):
    found = trained(*later, gathered.category)
    told = [(one.task, one.labels, round(one.value, 6), len(one.files)) for one in found]
    assert told == [("boxes", 16, 0.45, 2), ("masks", 60, 0.7, 1)]
    numbers = replace(gathered.numbers, labels=replace(gathered.numbers.labels, trained=found))
    for text in LANGUAGES.values():
        summary = page(numbers, text).answers[4].summary
        assert "0.450" in summary
        assert "0.700" in summary
        assert word_count(summary) <= 1.2 * WORDS[4]
    numbers = replace(gathered.numbers, labels=replace(gathered.numbers.labels, trained=()))
    assert all("AP50" not in page(numbers, t).answers[4].summary for t in LANGUAGES.values())


def test_a_report_on_real_pictures_takes_nothing_from_generated_ones(gathered, later):
    assert trained(*later, replace(gathered.category, source="MVTec AD")) == ()
    assert trained(Path("nowhere"), Path("nowhere"), gathered.category) == ()


def test_a_damaged_record_of_a_later_chapter_is_named(gathered, later):
    path = next(later[0].rglob("*.json"))
    path.write_text("{", "utf-8")
    with pytest.raises(DataError, match=f"{path.name} is not a record"):
        trained(*later, gathered.category)


def test_the_committed_records_are_of_todays_revisions(gathered):
    """When this fails: CONTRIBUTING.md, "Records", says how to make them anew."""
    assert gathered.numbers.caveats == {}


def test_the_texts_hold_no_result_typed_by_hand():
    for path in (Path(text_en.__file__), Path(text_zh_tw.__file__)):
        source = re.sub(r"\{[^{}]*\}", "", path.read_text("utf-8"))
        assert not re.findall(r"\d\.\d{2,}", source), path.name
