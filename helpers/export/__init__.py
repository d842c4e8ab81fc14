"""Detectors outside Python: one ONNX file with the map, the score and the verdict inside."""

from helpers.export.onnx_file import OnnxDetector, export_detector, exportable, quantise
