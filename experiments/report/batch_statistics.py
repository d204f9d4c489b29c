"""Statistics of the batches that a model trains on."""

from collections import Counter

import numpy as np

from experiments.report.page import to_pixels

# Groups of positives to show, and samples of each.
MAX_GROUPS, MAX_MEMBERS = 6, 8


class BatchStatistics:
    """Counts over batches of `training_dataset(..., with_keys=True)`.

    A group is the samples of a batch that share an id.

    Attributes:
        batches, samples, texts, truncated: How many there are.
        drawn: int64 array `[num_parts]`, samples drawn from each part.
        group_sizes: Counter, size of a group -> samples in groups of it.
        repeated_images: Samples whose image is in their batch already.
        lengths: Counter, token ids of a text -> texts. Start and end count.
        shapes: dict name -> `(shape, dtype)` of a batch's arrays.
        groups: The largest groups of the first batch, each a dict of "size"
            and "members", which are dicts of "key", "texts" and "image"
            (uint8 `[size, size, 3]`).
    """

    def __init__(self, num_parts, tokenizer):
        self.tokenizer = tokenizer
        self.batches = self.samples = self.repeated_images = 0
        self.texts = self.truncated = 0
        self.drawn = np.zeros(num_parts, np.int64)
        self.group_sizes, self.lengths = Counter(), Counter()
        self.shapes, self.groups = {}, []

    def add(self, batch):
        """Counts a batch, a dict of NumPy arrays."""
        if not self.batches:
            self.shapes = {
                name: (value.shape, value.dtype.name)
                for name, value in batch.items()
                if value.dtype != object
            }
            self.groups = _largest_groups(batch)
        self.batches += 1
        self.samples += len(batch["id"])
        self.drawn += np.bincount(batch["source"], minlength=len(self.drawn))
        _, sizes = np.unique(batch["id"], return_counts=True)
        for size in sizes.tolist():
            self.group_sizes[size] += size
        images = set(zip(batch["source"], batch["key"], strict=True))
        self.repeated_images += len(batch["key"]) - len(images)
        lengths = text_lengths(batch["tokens"]).ravel()
        self.lengths.update(lengths.tolist())
        self.texts += lengths.size
        truncated = is_truncated(self.tokenizer, batch["text"], batch["tokens"])
        self.truncated += int(truncated.sum())

    @property
    def mean_positives(self):
        """Mean number of other samples that share a sample's id."""
        others = sum((s - 1) * n for s, n in self.group_sizes.items())
        return others / max(self.samples, 1)

    @property
    def mean_length(self):
        """Mean number of token ids of a text."""
        total = sum(length * n for length, n in self.lengths.items())
        return total / max(self.texts, 1)

    @property
    def truncated_share(self):
        """Share of the texts that are truncated, from 0 to 1."""
        return self.truncated / max(self.texts, 1)

    def samples_by_group_size(self):
        """Returns {"alone": samples, "in groups of 3 to 4": samples, ...}."""
        counts = Counter()
        for size, samples in sorted(self.group_sizes.items()):
            last = 2 ** (size - 1).bit_length()
            name = f"in groups of {last // 2 + 1} to {last}"
            if size <= 2:
                name = "alone" if size == 1 else "in groups of 2"
            counts[name] += samples
        return dict(counts)


def text_lengths(tokens):
    """Counts token ids up to the end of each text, its row's largest id."""
    return np.argmax(tokens, axis=-1) + 1


def is_truncated(tokenizer, texts, tokens):
    """Finds texts `[...]` whose ids `[..., context_length]` lack their end.

    The ids fill the context and stay the same without the text's last letter.
    """
    shorter = [text.rstrip()[:-1] for text in decode(texts)]
    same = tokenizer(shorter).numpy().reshape(tokens.shape) == tokens
    full = text_lengths(tokens) == tokens.shape[-1]
    return full & np.all(same, axis=-1)


def decode(texts):
    """Decodes one byte string or an array of them to a list of strings."""
    return [text.decode("utf-8", "replace") for text in np.ravel(texts)]


def _largest_groups(batch):
    ids, sizes = np.unique(batch["id"], return_counts=True)
    groups = []
    for index in np.argsort(-sizes, kind="stable")[:MAX_GROUPS]:
        if sizes[index] == 1:
            break
        rows = np.flatnonzero(batch["id"] == ids[index])
        members = [
            {
                "key": decode(batch["key"][row])[0],
                "texts": decode(batch["text"][row]),
                "image": to_pixels(batch["views"][row, 0]),
            }
            for row in rows[:MAX_MEMBERS]
        ]
        groups.append({"size": int(sizes[index]), "members": members})
    return groups
