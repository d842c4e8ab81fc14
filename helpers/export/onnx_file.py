"""Write a detector into an ONNX file, make its arithmetic coarser, and run it in ONNX Runtime."""

import importlib
import io
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from helpers.detectors.catalogue import KINDS
from helpers.errors import DataError, MissingError
from helpers.export.graph import DetectorGraph
from helpers.files import whole_file
from helpers.machine import PRECISION, asked_precision, check_images, this_machine
from helpers.metrics.scores import Scores
from helpers.networks.learner import Learner

OPSET = 17
OUTPUTS = ("score", "map", "verdict")
ABOUT = "one-bad-nut"  # the key of what the file says of itself
BATCH = 8


def export_detector(detector: Learner, path: str | Path, threshold: float) -> Path:
    """Write a fitted detector with its map, score and verdict into one ONNX file.

    The input is named ``images``: uint8, N×3×H×H, of the side that the detector was fitted to. The
    outputs are ``score`` (float32, N), ``map`` (float32, N×H×H) and ``verdict`` (bool, N: whether
    the score is above the threshold). The arithmetic is float32; so the detector must be asked in
    float32 here too, or the threshold would belong to other scores.

    Parameters
    ----------
    detector
        One of the book's, fitted.
    path
        The file; by habit it ends in ``.onnx``.
    threshold
        A score above it is a verdict of "defective".

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        When the detector has not been fitted, is asked in another arithmetic than float32, or
        cannot be exported: the message says why.
    MissingError
        When the package onnx is not installed.
    UnwritableError
        When the file cannot be written or the disk is full.
    """
    onnx, path = _package("onnx"), Path(path)
    side = detector.state()["side"]
    _check_arithmetic(detector)
    graph = DetectorGraph(detector, float(threshold), side).to(this_machine().device).eval()
    example = torch.zeros(2, 3, side, side, dtype=torch.uint8, device=this_machine().device)
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # The other exporter needs two packages more, and the oldest PyTorch we allow lacks it.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                graph,
                (example,),
                buffer,
                dynamo=False,
                opset_version=OPSET,
                input_names=["images"],
                output_names=list(OUTPUTS),
                dynamic_axes={name: {0: "N"} for name in ("images", *OUTPUTS)},
            )
    except NotImplementedError as error:
        raise ValueError(
            f"{type(detector).__name__} cannot be exported: {error}. Export another detector, or "
            "save this one with save_detector and run it in Python."
        ) from error
    model = onnx.load_from_string(buffer.getvalue())
    about = {"kind": type(detector).__name__, "side": side, "threshold": float(threshold)}
    onnx.helper.set_model_props(model, {ABOUT: json.dumps(about)})
    onnx.checker.check_model(model)
    with whole_file(path) as work:
        work.write_bytes(model.SerializeToString())
    return path


def quantise(path: str | Path, target: str | Path, good: np.ndarray) -> Path:
    """Make an exported detector's convolutions compute in 8-bit whole numbers.

    Weights and activations are brought to 256 levels; the range of each activation is what it is on
    good pictures (static quantisation: Jacob et al., CVPR 2018, Section 2). What compares, smooths
    and pools stays as it is. The scores change: choose the threshold anew.

    Parameters
    ----------
    path
        What ``export_detector`` wrote.
    target
        The new file.
    good
        uint8, N×3×H×H: a few dozen good training pictures.
    """
    onnx, path, target = _package("onnx"), Path(path), Path(target)
    quantization = _package("onnxruntime.quantization")
    check_images(good)
    # The convolutions of networks, such as /model/encoder/Conv; SSIM's window lies in no network.
    every = onnx.load(path).graph.node
    nodes = [n.name for n in every if n.op_type == "Conv" and n.name.count("/") > 1]

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.rest: Iterator = iter(np.array_split(good, -(-len(good) // BATCH)))

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.rest, None)
            return None if batch is None else {"images": batch}

    with tempfile.TemporaryDirectory() as folder, whole_file(target) as work:
        made = Path(folder) / "int8.onnx"
        with _without_advice():
            quantization.quantize_static(
                path, made, Reader(), nodes_to_quantize=nodes, per_channel=True,
                quant_format=quantization.QuantFormat.QDQ,
            )  # fmt: skip
        work.write_bytes(made.read_bytes())
    return target


class OnnxDetector:
    """A detector in an ONNX file, run by ONNX Runtime; PyTorch takes no part.

    Parameters
    ----------
    path
        What ``export_detector`` or ``quantise`` wrote.
    threads
        Of ONNX Runtime; as many as PyTorch uses when not given.

    Attributes
    ----------
    kind, side, threshold
        What the file says of itself.

    Raises
    ------
    DataError
        When the file is missing, damaged, or no detector of this book.
    MissingError
        When the package onnxruntime is not installed.
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        runtime, path = _package("onnxruntime"), Path(path)
        if not path.is_file():
            raise DataError(f"there is no file {path}. Check the name.")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads or torch.get_num_threads()
        options.log_severity_level = 3
        try:
            self.session = runtime.InferenceSession(
                path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
            about = json.loads(self.session.get_modelmeta().custom_metadata_map[ABOUT])
            self.kind, self.side = about["kind"], int(about["side"])
            self.threshold = float(about["threshold"])
        except Exception as error:  # the runtime has exceptions of its own
            reason = (str(error) or type(error).__name__).splitlines()[0][:300]
            raise DataError(
                f"{path} is damaged or no detector that this book exported: {reason}. Export the "
                "detector again."
            ) from error

    def judge(self, images: np.ndarray) -> tuple[Scores, np.ndarray]:
        """Return the scores of uint8 images N×3×H×H, and N verdicts: true is "defective"."""
        check_images(images)
        if images.shape[2:] != (self.side, self.side):
            raise ValueError(
                f"images of {images.shape[2]} × {images.shape[3]} pixels do not fit: the detector "
                f"was exported for {self.side} × {self.side}. Load them at that size."
            )
        parts = [
            self.session.run(OUTPUTS, {"images": images[start : start + BATCH]})
            for start in range(0, len(images), BATCH)
        ]
        score, maps, verdict = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Scores(score, maps), verdict


def exportable() -> dict[str, str]:
    """Return for each of the book's detectors why it cannot be exported; empty where it can."""
    return {name: kind.why_not_exported for name, kind in KINDS.items()}


def _check_arithmetic(detector: Learner) -> None:
    used = asked_precision() or detector.precision or this_machine().precision
    if used != "float32":
        raise ValueError(
            f"the file computes in float32, and this detector was fitted, and is asked, in {used}: "
            f"its scores would be others, and the threshold would not fit them. Set {PRECISION}="
            "float32, choose the threshold by the scores that the detector has then, and export it."
        )


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keep ONNX Runtime from logging what it advises for other models."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingError(
            f"exporting needs the package {name.split('.')[0]}: pip install onnx onnxruntime"
        ) from error
