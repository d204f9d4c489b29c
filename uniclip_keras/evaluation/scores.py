"""What a metric gives each item: the ground of its value and interval."""

import dataclasses

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest

STATISTICS = ("mean", "median", "class_mean")


@dataclasses.dataclass(frozen=True)
class Scores:
    """What a metric gives each item, from which value and interval follow.

    Args:
        values: Floats `[n]`, e.g. 1 where the item's top-1 is right, its rank,
            its average precision.
        statistic: `"mean"`, `"median"`, or `"class_mean"`: the mean over
            classes of the mean in a class.
        classes: `[n]` labels, for `"class_mean"`.
        groups: `[n]` labels of the clusters that are resampled together
            (concepts, images of a caption). None: each item by itself.

    Raises:
        InputError: If there are no values, some are NaN or infinite, labels
            are missing or not one for each value, or the statistic is unknown.
    """

    values: np.ndarray
    statistic: str = "mean"
    classes: np.ndarray | None = None
    groups: np.ndarray | None = None

    def __post_init__(self):
        values = np.asarray(self.values, np.float64)
        object.__setattr__(self, "values", values)
        if values.ndim != 1 or not values.size:
            raise InputError(
                f"The values have shape {values.shape}; give one for each of "
                "at least one item."
            )
        broken = int((~np.isfinite(values)).sum())
        if broken:
            raise InputError(
                f"{broken} of {len(values)} values are NaN or infinite; leave "
                "out items that have no score."
            )
        if self.statistic not in STATISTICS:
            raise InputError(
                f"The statistic {self.statistic!r} is unknown"
                f"{suggest(self.statistic, STATISTICS)}."
            )
        if self.statistic == "class_mean" and self.classes is None:
            raise InputError("'class_mean' needs `classes`, a label each.")
        for name in ("classes", "groups"):
            labels = getattr(self, name)
            if labels is None:
                continue
            labels = np.asarray(labels)
            object.__setattr__(self, name, labels)
            if labels.shape != values.shape:
                raise InputError(
                    f"There are {len(values)} values and `{name}` has shape "
                    f"{labels.shape}; give one label for each value."
                )

    def value(self):
        """Returns the metric: a float."""
        if self.statistic == "mean":
            return float(self.values.mean())
        if self.statistic == "median":
            return float(np.median(self.values))
        _, codes = np.unique(self.classes, return_inverse=True)
        means = np.bincount(codes, self.values) / np.bincount(codes)
        return float(means.mean())
