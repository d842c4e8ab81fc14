"""Every detector of the book is saved and loaded: the same scores, in another process too."""

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from functools import cache
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import event, given

from helpers import machine
from helpers.detectors import (
    AutoencoderDetector,
    AutoencoderSettings,
    PatchCoreDetector,
    PatchCoreSettings,
    catalogue,
    saved,
)
from helpers.detectors.saved import load_detector, save_detector
from helpers.errors import DataError
from helpers.files import UnwritableError
from helpers.networks.archive import CHECKSUM, HEADER, read_archive, write_archive
from helpers.networks.training import TrainingSettings
from tests.damage import byte_edits, damaged_bytes, damaged_tree, damaging, tree_edits
from tests.stripes import moving_stripes
from tests.tiny import KNOWN, SIDE, SPECS

IN_A_FRESH_PROCESS = """
import sys
import numpy as np
from helpers.detectors.saved import load_detector
folder, count = sys.argv[1], int(sys.argv[2])
pictures = np.load(f"{folder}/pictures.npy")
for number in range(count):
    detector, more = load_detector(f"{folder}/{number}.zip")
    scores = detector.predict(pictures)
    np.savez(f"{folder}/{number}.npz", image=scores.image, maps=scores.maps, **more)
"""


@cache
def fitted(name):
    return SPECS[name].detector().fit(moving_stripes(KNOWN, side=SIDE))


def pictures():
    """Return stripes, of which every second has a spot."""
    drawn = moving_stripes(4, seed=1, side=SIDE)
    drawn[::2, :, 24:34, 30:40] = 20
    return drawn


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Save all detectors, and have one new process load them and judge the pictures."""
    folder = tmp_path_factory.mktemp("saved")
    np.save(folder / "pictures.npy", pictures())
    for number, name in enumerate(SPECS):
        save_detector(fitted(name), folder / f"{number}.zip", threshold=number + 0.1)
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", IN_A_FRESH_PROCESS, folder, str(len(SPECS))],
        env=os.environ | {"PYTHONPATH": str(root)},
        check=True,
    )
    return {
        name: np.load(folder / f"{number}.npz", allow_pickle=False)
        for number, name in enumerate(SPECS)
    }


@pytest.mark.parametrize("name", SPECS)
def test_scores_are_identical_in_a_fresh_process(fresh, name):
    here = fitted(name).predict(pictures())
    assert np.array_equal(fresh[name]["image"], here.image)
    assert np.array_equal(fresh[name]["maps"], here.maps)
    assert fresh[name]["threshold"] == list(SPECS).index(name) + 0.1


def test_every_detector_of_the_catalogue_can_be_saved():
    assert {type(spec.detector()) for spec in SPECS.values()} == set(catalogue.KINDS.values())


def test_a_loaded_detector_is_a_fitted_one_with_the_same_settings(small, tmp_path):
    detector, more = load_detector(save_detector(small, tmp_path / "nut.zip", size=64, names=["a"]))
    assert detector.settings == small.settings
    assert more == {"size": 64, "names": ["a"]}
    assert np.array_equal(detector.memory_positions, small.memory_positions)
    with pytest.raises(ValueError, match="64 × 64"):  # the side is known, as after a fit
        detector.predict(moving_stripes(1, side=64))


def test_a_clone_that_is_not_installed_has_the_version_it_lists(monkeypatch):
    installed = saved.book_version()

    def not_installed(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(saved, "version", not_installed)
    assert saved.book_version() == installed


def test_a_detector_can_be_saved_again_and_again(small, tmp_path):
    first = save_detector(small, tmp_path / "1.zip", threshold=0.5)
    detector, more = load_detector(first)
    second = save_detector(detector, tmp_path / "2.zip", **more)
    assert first.read_bytes() == second.read_bytes()


def test_public_weights_are_named_and_trained_ones_are_kept(tmp_path):
    def backbone(name, *inside):
        path = save_detector(fitted(name), tmp_path / "nut.zip")
        state = read_archive(path, "")["state"]
        for each in inside:
            state = state[each]
        return state["backbone"]

    named = backbone("PatchCore")
    assert named["weights"] == "formula"
    assert len(named["sha256"]) == 64
    assert "numbers" not in named
    # Contrastive learning went on from the same weights, and changed them.
    assert "numbers" in backbone("Contrastive memory", "bank")
    assert "numbers" in backbone("CutPaste, patch-wise")


@pytest.mark.parametrize(("fit", "best"), [("float32", "bfloat16"), ("bfloat16", "float32")])
def test_a_loaded_detector_scores_in_the_precision_of_its_fit(fit, best, tmp_path, monkeypatch):
    settings = AutoencoderSettings(width=2, code_channels=2, training=TrainingSettings(1, 2))
    monkeypatch.setenv(machine.PRECISION, fit)
    detector = AutoencoderDetector(settings).fit(moving_stripes(2))
    shown, path = moving_stripes(3, seed=1), save_detector(detector, tmp_path / "nut.zip")
    wanted = detector.predict(shown).maps

    monkeypatch.delenv(machine.PRECISION)
    monkeypatch.setattr(machine, "_best_precision", lambda device: best)
    assert np.array_equal(load_detector(path)[0].predict(shown).maps, wanted)
    assert AutoencoderDetector(settings).fit(moving_stripes(2)).precision == best
    monkeypatch.setenv(machine.PRECISION, best)
    with pytest.warns(UserWarning, match=f"fitted in {fit}, .* asks for {best}"):
        asked = load_detector(path)[0]
    assert not np.array_equal(asked.predict(shown).maps, wanted), "who asks for it gets it"


def test_a_file_that_tells_no_precision_is_judged_in_this_machines(quick, tmp_path):
    path = tmp_path / "nut.zip"
    header = {name: part for name, part in quick[0].items() if name != "precision"}
    write_archive(path, header)
    assert load_detector(path)[0].precision is None
    write_archive(path, header | {"precision": "float61"})
    with pytest.raises(DataError, match="'float61'. Did you mean"):
        load_detector(path)


def test_it_is_not_saved_before_it_is_fitted(tmp_path):
    with pytest.raises(ValueError, match="fit"):
        save_detector(PatchCoreDetector(), tmp_path / "nut.zip")
    assert not list(tmp_path.iterdir())


def test_what_is_no_detector_of_the_book_is_refused(small, tmp_path):
    class Mine(PatchCoreDetector):
        pass

    mine = Mine(small.settings, small.backbone).fit(moving_stripes(KNOWN, side=SIDE))
    with pytest.raises(ValueError, match="Mine"):
        save_detector(mine, tmp_path / "nut.zip")


def test_more_holds_values_only(small, tmp_path):
    with pytest.raises(ValueError, match="numbers, text"):
        save_detector(small, tmp_path / "nut.zip", threshold=object())
    with pytest.raises(ValueError, match="numbers, text"):
        save_detector(small, tmp_path / "nut.zip", names=np.array(["a", None], dtype=object))


def test_a_file_that_cannot_be_written_is_told(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableError, match="nut.zip"):
        save_detector(small, tmp_path / "file" / "nut.zip")


@pytest.fixture(scope="module")
def small():
    settings = PatchCoreSettings("resnet18", "formula", ("layer2",), largest_memory=8, neighbours=1)
    return PatchCoreDetector(settings).fit(moving_stripes(2, side=SIDE))


@pytest.fixture(scope="module")
def kept(small, tmp_path_factory):
    """Return a saved detector's header and the bytes of the file."""
    path = save_detector(small, tmp_path_factory.mktemp("kept") / "nut.zip", threshold=0.5)
    return read_archive(path, ""), path.read_bytes()


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """Return the same of a detector without a backbone, which is made in no time."""
    settings = AutoencoderSettings(width=2, code_channels=2, training=TrainingSettings(1, 2))
    detector = AutoencoderDetector(settings).fit(moving_stripes(2))
    path = save_detector(detector, tmp_path_factory.mktemp("quick") / "nut.zip", threshold=0.5)
    return read_archive(path, ""), path.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2, "book": "9.0"}, "format 2.*version 9.0"),
        ({"format": None}, "format None"),
        ({"kind": "PatchcoreDetector"}, "Did you mean"),
        ({"kind": "os.system"}, "Choose one of"),
        ({"revision": 0}, "revision 0.*Fit the detector again"),
        ({"settings": {"coreset": 1}}, "lacks or has too much.*coreset"),
        ({"state": {"side": 128}}, "backbone.*again"),
        ({"more": None}, "again"),
    ],
)
def test_another_version_kind_or_setting_is_refused_with_a_remedy(kept, tmp_path, change, message):
    path = tmp_path / "nut.zip"
    write_archive(path, {**kept[0], **change})
    with pytest.raises(DataError, match=message) as told:
        load_detector(path)
    assert path.name in str(told.value)


def test_a_setting_out_of_range_is_refused(kept, tmp_path):
    path = tmp_path / "nut.zip"
    write_archive(path, {**kept[0], "settings": {**kept[0]["settings"], "patch": 2}})
    with pytest.raises(DataError, match="patch must be odd"):
        load_detector(path)


def test_other_weights_under_the_same_name_are_refused(kept, tmp_path):
    path, state = tmp_path / "nut.zip", kept[0]["state"]
    changed = {**state, "backbone": {**state["backbone"], "sha256": "0" * 64}}
    write_archive(path, {**kept[0], "state": changed})
    with pytest.raises(DataError, match="SHA-256 0{64}.*fit the detector again"):
        load_detector(path)


@pytest.mark.parametrize("field", ["format", "kind", "revision", "book", "precision"])
@pytest.mark.parametrize("value", [torch.ones(3, 3), {"format": {"of": torch.ones(99)}}, [1]])
def test_a_header_of_anything_is_refused_in_a_few_words(kept, tmp_path, field, value):
    path = tmp_path / "nut.zip"
    write_archive(path, {**kept[0], "format": 0, field: value})
    with pytest.raises(DataError) as refused:
        load_detector(path)
    write_archive(path, {**kept[0], field: value})
    if field != "book":  # which is read where another fault is told
        with pytest.raises(DataError) as refused:
            load_detector(path)
    assert "nut.zip" in str(refused.value)
    assert len(str(refused.value)) < 600


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        load_detector(tmp_path / "nut.zip")


def test_code_in_a_file_is_never_run(kept, tmp_path):
    path = tmp_path / "nut.zip"
    torch.save({"header": Runs(tmp_path / "ran")}, path)
    with pytest.raises(DataError):
        load_detector(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts(kept[1]).items():
            archive.writestr(name, pickled(tmp_path) if name.endswith("memory.npy") else part)
    with pytest.raises(DataError):
        load_detector(path)
    assert not (tmp_path / "ran").exists()


class Runs:
    """What makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def pickled(folder):
    path = folder / "array.npy"
    np.save(path, np.array([Runs(folder / "ran")], dtype=object), allow_pickle=True)
    return path.read_bytes()


def parts(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


damages = damaging(4)
slow = pytest.mark.timeout(120 + 2 * damages.max_examples)  # far above what a slow machine takes


def look_at(path):
    """Load a file that may be damaged; return its scores, or nothing when it was refused."""
    try:
        detector, _ = load_detector(path)
    except DataError as error:
        event("refused")
        assert path.name in str(error)
        assert len(str(error)) < 2000
        return None
    event("read")
    return detector


@slow
@damages
@given(byte_edits)
def test_damaged_files_are_refused(quick, tmp_path_factory, edits):
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    path.write_bytes(damaged_bytes(quick[1], edits))
    detector = look_at(path)
    if detector is not None:  # what stands between the parts of a zip counts for nothing
        found, wanted = detector.model.state_dict(), quick[0]["state"]["model"]
        assert all(torch.equal(found[name].cpu(), value) for name, value in wanted.items())


@slow
@damages
@given(tree_edits)
def test_damaged_headers_with_right_checksums_are_refused_or_fit(quick, tmp_path_factory, edits):
    path = tmp_path_factory.getbasetemp() / "headers.zip"
    contents = parts(quick[1])
    head = json.dumps(damaged_tree(json.loads(contents[HEADER]), edits)).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in {**contents, HEADER: head, CHECKSUM: digest(head)}.items():
            archive.writestr(name, part)
    detector = look_at(path)
    if detector is not None:
        detector.predict(moving_stripes(1, side=64))


def digest(content):
    return hashlib.sha256(content).hexdigest()
