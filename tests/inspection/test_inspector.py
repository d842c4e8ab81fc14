from dataclasses import replace

import numpy as np
import pytest

from helpers.data.squares import Squares
from helpers.errors import DataError
from helpers.inspection.conformal import FOLDS, HELD_OUT
from helpers.inspection.good import gather
from helpers.inspection.inspector import fit_inspector
from tests.inspection.conftest import SIZE, photo, write


def test_the_photos_that_the_threshold_rests_on_were_held_out(fitted):
    promise = fitted.inspector.promise
    assert (promise.source, promise.photos) == (HELD_OUT, 9)  # 9 for 1 in 10, of 24
    assert promise.threshold in fitted.scores
    assert not fitted.warnings


def test_a_scratch_is_odd_at_its_place_and_a_good_photo_is_not(fitted):
    good, bad = (fitted.inspector.inspect(photo(200, scratch)) for scratch in (False, True))
    assert bad.odd and bad.score > good.score
    assert bad.score == bad.map.max()
    assert abs(bad.peak[0] - 32) <= 12 and abs(bad.peak[1] - 24) <= 6
    assert bad.map.shape == bad.photo.shape[:2] == (48, 64)  # padding is left out


def test_with_few_photos_all_serve_for_both_and_no_proof_is_claimed(good, settings):
    fitted = fit_inspector(good, replace(settings, false_alarms=0.05))
    assert fitted.inspector.promise.source == FOLDS
    assert fitted.inspector.promise.photos == 24


def test_a_bad_part_among_the_good_is_the_strangest(tmp_path, settings):
    photos = {f"{i:02d}.png": photo(i, scratch=i == 7) for i in range(24)}
    good = gather(write(tmp_path, photos), Squares(SIZE))
    fitted = fit_inspector(good, settings)
    assert good.files[fitted.strangest(1)[0]] == "07.png"


def test_one_photo_of_each_part_counts_for_the_promise(tmp_path, settings):
    photos = {f"p{i}_{k}.png": photo(100 * i + k) for i in range(20) for k in range(2)}
    good = gather(write(tmp_path, photos), Squares(SIZE), group=r"p\d+")
    promise = fit_inspector(good, settings).inspector.promise
    assert (promise.source, promise.photos) == (HELD_OUT, 9)


def test_photos_in_tiles_are_inspected_too(good_folder, settings):
    good = gather(good_folder, Squares(48, 64, overlap=16))
    assert {len(tiles) for tiles in good.pictures} == {2}
    verdict = fit_inspector(good, settings).inspector.inspect(photo(200, scratch=True))
    assert verdict.odd and verdict.map.shape == (48, 64)


def test_the_same_photos_give_the_same_inspector(good, settings, fitted):
    again = fit_inspector(good, settings)
    assert np.array_equal(again.scores, fitted.scores)
    assert again.inspector.promise == fitted.inspector.promise


@pytest.mark.parametrize(("count", "told"), [(1, "1 good photo "), (6, "accept 0.143 or more")])
def test_too_few_photos_are_refused_with_a_remedy(tmp_path, settings, count, told):
    good = gather(write(tmp_path, {f"{i}.png": photo(i) for i in range(count)}), Squares(SIZE))
    with pytest.raises(DataError, match=told):
        fit_inspector(good, settings)


def test_two_products_mixed_are_told(tmp_path, settings):
    rng = np.random.default_rng(0)
    photos = {f"{i:02d}.png": photo(i) for i in range(24)}
    for i in range(12, 18):
        photos[f"{i}.png"] = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    good = gather(write(tmp_path, photos), Squares(SIZE))
    told = "\n".join(fit_inspector(good, settings).warnings)
    assert "18 photos such as 00.png, and 6 unlike them: 12.png" in told


def test_a_folder_of_good_and_bad_is_refused(tmp_path):
    write(tmp_path / "good", {"0.png": photo(0)})
    write(tmp_path / "bad", {"0.png": photo(1)})
    with pytest.raises(DataError, match="Give the folder that holds good ones alone"):
        gather(tmp_path, Squares(SIZE))


def test_a_folder_of_damaged_photos_is_refused(tmp_path):
    (tmp_path / "0.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="none of the 1 photos can be read"):
        gather(tmp_path, Squares(SIZE))
