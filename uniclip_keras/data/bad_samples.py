"""Counting what a run had to skip, so that it never has to stop for it."""

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
UNKNOWN_LABEL = "unknown label"
UNREADABLE_METADATA = "unreadable metadata"
TRUNCATED_FILE = "truncated file"

EXAMPLES_PER_KIND = 3

# Samples to have read before their share of bad ones says something.
_FEWEST = 1000


class BadSamples:
    """A thread-safe tally of good and skipped samples.

    Readers and decoders write to it from the threads of `tf.data`; whoever
    runs the epoch reads it. A sample that is read again in a later pass over
    the data counts again, so shares stay right over any number of passes.

    Args:
        max_share: Largest share of bad samples to go on with, from 0 to 1,
            judged from the first thousand samples on; see `check`.

    Raises:
        InputError: The share is none.

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
                f"The largest share of bad samples {max_share!r} is not "
                "allowed: give a number from 0 to 1."
            )
        self.max_share = max_share
        self._lock = threading.Lock()
        self._read = 0
        self._counts = Counter()
        self._examples = {}

    def record_read(self, count):
        """Adds `count` samples found in a source, bad ones included."""
        with self._lock:
            self._read += int(count)

    def record(self, kind, key, count=1):
        """Adds `count` skipped samples of `kind`.

        Args:
            kind: One of the names at the top of this module.
            key: The sample that was skipped, or one of them.
            count: How many were skipped.
        """
        with self._lock:
            self._counts[kind] += int(count)
            examples = self._examples.setdefault(kind, [])
            if key not in examples and len(examples) < EXAMPLES_PER_KIND:
                examples.append(key)

    @property
    def counts(self):
        """Skipped samples by kind, a plain dict."""
        with self._lock:
            return dict(self._counts)

    @property
    def examples(self):
        """Up to three keys by kind, a plain dict of lists."""
        with self._lock:
            return {kind: list(keys) for kind, keys in self._examples.items()}

    @property
    def read(self):
        """Samples read so far, good and bad."""
        with self._lock:
            return self._read

    @property
    def skipped(self):
        """Samples skipped so far.

        A truncated file is no sample: how many it lost cannot be known.
        """
        counts = self.counts
        return sum(counts.values()) - counts.get(TRUNCATED_FILE, 0)

    @property
    def good(self):
        """Samples read and not skipped so far."""
        return self.read - self.skipped

    @property
    def share(self):
        """Samples skipped of those read so far, from 0 to 1."""
        return min(1.0, self.skipped / max(self.read, 1))

    def check(self):
        """Raises InputError when too many samples are bad to go on."""
        if self.read >= _FEWEST and self.share > self.max_share:
            raise InputError(
                f"More than {100 * self.max_share:g} % of the samples are "
                f"bad. {self.summary()} Repair the data, or allow a larger "
                "share."
            )

    def summary(self):
        """One sentence for the end of an epoch or a run."""
        skipped, read = self.skipped, self.read
        counts, examples = self.counts, self.examples
        if not counts:
            return f"Read {read:,} samples and skipped none."
        share = 100 * self.share
        kinds = ", ".join(
            f"{count:,} {kind} ({', '.join(examples[kind])})"
            for kind, count in sorted(
                counts.items(), key=lambda item: (-item[1], item[0])
            )
        )
        return (
            f"Read {read:,} samples and skipped {skipped:,} "
            f"({share:.2g} %): {kinds}."
        )
