"""What batches of training data hold, counted."""

from collections import Counter

import numpy as np

# Groups of positives to show, and samples of each.
GROUPS, MEMBERS = 6, 8


class Facts:
    """Counts over batches of `training_dataset(..., with_keys=True)`.

    Args:
        parts: parts of the mixture.
        tokenizer: the one that made the tokens.

    Attributes:
        batches: batches seen.
        samples: samples in them.
        drawn: int64 `[parts]`, samples from each part of the mixture.
        group_sizes: Counter, size of a group -> samples in groups of it. A
            group is the samples of one batch that share an id.
        repeated: samples whose image is in the same batch already.
        texts: texts seen.
        cut: texts that lost their tail, see `lost_their_tail`.
        lengths: Counter, ids of a text, start and end among them -> texts.
        shapes: dict name -> shape of a batch's tensors.
        groups: the largest groups of the first batch, as lists of dicts
            "key", "text" (its lines) and "image" uint8 `[s, s, 3]`.
    """

    def __init__(self, parts, tokenizer):
        self.tokenizer = tokenizer
        self.batches = self.samples = self.repeated = 0
        self.texts = self.cut = 0
        self.drawn = np.zeros(parts, np.int64)
        self.group_sizes = Counter()
        self.lengths = Counter()
        self.shapes = {}
        self.groups = []

    def add(self, batch):
        """Counts one batch, a dict of NumPy arrays."""
        if not self.batches:
            self.shapes = {
                name: (*value.shape, value.dtype.name)
                for name, value in batch.items()
                if value.dtype != object
            }
            self.groups = _groups(batch)
        self.batches += 1
        self.samples += len(batch["id"])
        self.drawn += np.bincount(batch["source"], minlength=len(self.drawn))
        _, sizes = np.unique(batch["id"], return_counts=True)
        for size, count in Counter(sizes.tolist()).items():
            self.group_sizes[size] += size * count
        images = set(zip(batch["source"], batch["key"], strict=True))
        self.repeated += len(batch["key"]) - len(images)
        lengths = text_lengths(batch["tokens"]).ravel()
        self.lengths.update(lengths.tolist())
        self.texts += lengths.size
        cut = lost_their_tail(self.tokenizer, batch["text"], batch["tokens"])
        self.cut += int(cut.sum())

    @property
    def positives(self):
        """Mean samples that share a sample's id, itself left out."""
        others = sum((s - 1) * n for s, n in self.group_sizes.items())
        return others / max(self.samples, 1)

    @property
    def mean_length(self):
        """Mean ids of a text, start and end among them."""
        total = sum(length * n for length, n in self.lengths.items())
        return total / max(self.texts, 1)


def text_lengths(tokens):
    """Ids of each text up to its end, the largest id of its row.

    Args:
        tokens: int `[..., L]`.

    Returns:
        int `[...]`.
    """
    return np.argmax(tokens, axis=-1) + 1


def lost_their_tail(tokenizer, texts, tokens):
    """Whether texts are too long: they keep their ids without the last letter.

    Args:
        tokenizer: a `Tokenizer`.
        texts: strings `[...]`.
        tokens: their int ids `[..., L]`.

    Returns:
        bool `[...]`.
    """
    shorter = [line.rstrip()[:-1] for line in lines(texts)]
    same = tokenizer(shorter).numpy().reshape(tokens.shape) == tokens
    full = text_lengths(tokens) == tokens.shape[-1]
    return full & np.all(same, axis=-1)


def to_pixels(image):
    """float `[..., 3]` in [0, 1] -> uint8."""
    return np.round(255 * np.asarray(image)).astype(np.uint8)


def lines(text):
    """One text or an array of several, as a list of strings."""
    return [line.decode("utf-8", "replace") for line in np.ravel(text)]


def _groups(batch):
    ids, sizes = np.unique(batch["id"], return_counts=True)
    groups = []
    for place in np.argsort(-sizes, kind="stable")[:GROUPS]:
        if sizes[place] > 1:
            rows = np.flatnonzero(batch["id"] == ids[place])
            groups.append(
                {
                    "size": int(sizes[place]),
                    "members": [
                        {
                            "key": lines(batch["key"][row])[0],
                            "text": lines(batch["text"][row]),
                            "image": to_pixels(batch["views"][row, 0]),
                        }
                        for row in rows[:MEMBERS]
                    ],
                }
            )
    return groups
