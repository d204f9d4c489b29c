"""Several sources as one, drawn from by weight."""

import dataclasses

from uniclip_keras.errors import InputError


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Several sources, drawn from by weight and repeated without end.

    Attributes:
        sources: Tuple of sources.
        weights: Tuple of the share of samples that each one gives.
    """

    sources: tuple
    weights: tuple

    @property
    def drawn(self):
        """The sources with a weight above 0."""
        pairs = zip(self.sources, self.weights, strict=True)
        return tuple(source for source, weight in pairs if weight)

    @property
    def drawn_weights(self):
        """The weights of the sources in `drawn`."""
        return tuple(weight for weight in self.weights if weight)

    def prepare(self, folder=None, share=None):
        """Indexes the sources in `drawn`, see `Source.prepare`."""
        for source in self.drawn:
            source.prepare(folder, share)

    def samples(self, bad_samples=None, images=True):
        """Yields one pass over each source in `drawn`, in turn."""
        for source in self.drawn:
            yield from source.samples(bad_samples, images)

    def count(self):
        """Returns the number of samples in all sources in `drawn`."""
        return sum(source.count() for source in self.drawn)


def mix(sources, weights=None):
    """Mixes sources for training.

    Args:
        sources: Sequence of `Source`.
        weights: Numbers in any scale, one per source: with 5 and 1, five out
            of six samples come from the first source. A source with weight 0
            gives no samples, only texts for a vocabulary. None: equal weights.

    Raises:
        InputError: There are no sources, or the weights do not fit them.
    """
    sources = tuple(sources)
    weights = [1.0] * len(sources) if weights is None else list(weights)
    if not sources:
        raise InputError("The list of sources is empty: give at least one.")
    fit = len(weights) == len(sources) and min(weights) >= 0
    if not fit or not sum(weights) > 0:
        raise InputError(
            f"The weights {weights} do not fit {len(sources)} sources: give "
            "one number from 0 up for each, not all of them 0."
        )
    total = float(sum(weights))
    return Mixture(sources, tuple(weight / total for weight in weights))
