"""Counts of bad samples, which a run skips instead of stopping."""

import threading
from collections import Counter

from uniclip_keras.errors import InputError

MISSING_IMAGE = "missing image"
CORRUPT_IMAGE = "corrupt image"
OVERSIZE_IMAGE = "oversize image"
MISSING_TEXT = "missing text"
UNREADABLE_TEXT = "unreadable text"
EMPTY_CAPTION = "empty caption"
OVERSIZE_CAPTION = "oversize caption"
MISSING_ID = "missing id"
MISSING_LABEL = "missing label"
MISSING_GROUP = "missing group"
UNKNOWN_LABEL = "unknown label"
UNREADABLE_METADATA = "unreadable metadata"
# A record or member whose bytes are not those that were written.
CORRUPT_RECORD = "corrupt record"
# A record or member of more than `sources.stream.MAX_BYTES`.
OVERSIZE_SAMPLE = "oversize sample"
# Samples behind the place where a file breaks; their number is estimated.
TRUNCATED_FILE = "truncated file"

EXAMPLES_PER_KIND = 3

# The share of bad samples is judged only after this many samples.
_FEWEST = 1000


class BadSamples:
    """A thread-safe tally of samples read and skipped.

    Readers and decoders write to it from any thread. A sample
    counts again in each pass over the data, so shares stay right over any
    number of passes.

    Args:
        max_share: Number from 0 to 1. Largest acceptable share of bad samples,
            judged once a thousand samples have been read; see `check`.

    Attributes:
        read: Number of samples read so far, good, bad and lost.

    Raises:
        InputError: If the share is out of range.

    Example:

    ```python
    bad_samples = BadSamples()
    dataset = training_dataset(..., bad_samples=bad_samples)
    model.fit(dataset, ...)
    print(bad_samples.summary())
    # Read 11,312 samples and skipped 2 (0.02 %): 1 corrupt image
    # (1f600), 1 empty caption (1f4a9).
    ```
    """

    def __init__(self, max_share=1.0):
        if not 0 <= max_share <= 1:
            raise InputError(
                f"max_share={max_share!r} is not allowed: give a number from "
                "0 to 1."
            )
        self.max_share = max_share
        self._lock = threading.Lock()
        self.read = 0
        self._counts = Counter()
        self._examples = {}

    def record_read(self, count):
        """Adds `count` samples found in a source, bad ones included."""
        with self._lock:
            self.read += int(count)

    def record_lost(self, key, count):
        """Adds samples that are lost where a file breaks, read and skipped.

        Nobody reads them, so `record_read` does not count them.
        """
        self.record_read(count)
        self.record(TRUNCATED_FILE, key, count)

    def record(self, kind, key, count=1):
        """Adds `count` skipped samples, one of them with this key.

        `kind` is one of the names at the top of this module.
        """
        with self._lock:
            self._counts[kind] += int(count)
            examples = self._examples.setdefault(kind, [])
            if key not in examples and len(examples) < EXAMPLES_PER_KIND:
                examples.append(key)

    @property
    def counts(self):
        """Number of skipped samples by kind, a dict."""
        with self._lock:
            return dict(self._counts)

    @property
    def examples(self):
        """Up to three keys of skipped samples by kind, a dict of lists."""
        with self._lock:
            return {kind: list(keys) for kind, keys in self._examples.items()}

    @property
    def skipped(self):
        """Number of samples skipped so far, estimated in broken files."""
        return sum(self.counts.values())

    @property
    def good(self):
        """Number of samples read and not skipped so far."""
        return self.read - self.skipped

    @property
    def share(self):
        """Share of skipped samples so far, from 0 to 1."""
        return min(1.0, self.skipped / max(self.read, 1))

    def check(self):
        """Raises `InputError` if the share of bad samples is too large."""
        if self.read >= _FEWEST and self.share > self.max_share:
            raise InputError(
                f"More than {100 * self.max_share:g} % of the samples are "
                f"bad. {self.summary()} Repair them or allow a larger share."
            )

    def summary(self):
        """A sentence about what was read and skipped."""
        counts, examples = self.counts, self.examples
        if not counts:
            return f"Read {self.read:,} samples and skipped none."
        kinds = ", ".join(
            f"{counts[kind]:,} {kind} ({', '.join(examples[kind])})"
            for kind in sorted(counts, key=lambda kind: (-counts[kind], kind))
        )
        return (
            f"Read {self.read:,} samples and skipped {self.skipped:,} "
            f"({100 * self.share:.2g} %): {kinds}."
        )
