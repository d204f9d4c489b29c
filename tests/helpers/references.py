"""Results of torchvision's operations, and the cases that they belong to."""

import json
import pathlib

import numpy as np

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"
REFERENCE = np.load(FIXTURES / "torchvision_ops.npz")
ALL_CASES = json.loads((FIXTURES / "torchvision_ops.json").read_text())["cases"]
CROPS = {c["key"]: c for c in ALL_CASES if c["op"] == "resized_crop"}
COLORS = {
    f"{case['key']}-{case['op']}": case
    for case in ALL_CASES
    if case["op"] not in ("resized_crop", "horizontal_flip")
}
