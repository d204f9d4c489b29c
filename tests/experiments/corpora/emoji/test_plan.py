"""The splits of the real corpus, and what is kept apart."""

import collections

import pytest

from experiments.corpora.emoji import drawings
from experiments.corpora.emoji.plan import WRITTEN
from experiments.corpora.emoji.plan import novel_concepts


def by_split(plan, attribute):
    """`{split: set of the values of one attribute}`."""
    return {
        split: {attribute(sample) for sample in rows}
        for split, rows in plan.samples.items()
    }


def test_counts_are_those_of_the_packages(plan):
    assert sum(not item.toned for item in plan.items) == 1949
    styles = collections.Counter(
        sample.style for rows in plan.samples.values() for sample in rows
    )
    assert min(styles["twemoji"], styles["openmoji"]) > 3700
    assert styles["noto"] > 3000
    for style in ("noto", "joypixels"):
        reason = f"{style}: placeholder under several vendors"
        assert plan.dropped[reason] == 314


def test_no_concept_is_on_both_sides_of_novel(plan):
    concepts = by_split(plan, lambda sample: sample.item.concept)
    assert len(concepts["novel"]) > 150
    for split in ("train", "train_tones", "style", "composition"):
        assert not concepts["novel"] & concepts[split]


def test_novel_holds_no_flags_letters_or_digits(plan):
    written = {"ATM sign", "TOP arrow", "hundred points"}
    for item in (sample.item for sample in plan.samples["novel"]):
        assert not item.toned and item.name not in written
        assert item.group not in ("Flags", "Component")
        assert item.subgroup not in ("alphanum", "keycap")
    # Each name of the list is still a name of the packages.
    assert {item.name for item in plan.items} >= set(WRITTEN)


def test_no_novel_text_is_a_training_caption(plan):
    seen = {
        caption.casefold()
        for split in ("train", "train_tones")
        for sample in plan.samples[split]
        for caption in plan.captions[sample.item.code]
    }
    for sample in plan.samples["novel"]:
        texts = {sample.item.name, *plan.captions[sample.item.code]}
        assert not {text.casefold() for text in texts} & seen


def test_joypixels_is_never_trained_on(plan):
    styles = by_split(plan, lambda sample: sample.style)
    train_styles = set(drawings.TRAIN_STYLES)
    for split in ("train", "train_tones", "composition"):
        assert styles[split] == train_styles
    assert styles["style"] == {"joypixels"}
    assert styles["novel"] == train_styles | {"joypixels"}


def test_tones_are_apart_and_held_out_ones_unseen(plan):
    codes = by_split(plan, lambda sample: sample.item.code)
    toned = by_split(plan, lambda sample: sample.item.toned)
    assert toned["train"] == {False}
    assert toned["train_tones"] == toned["composition"] == {True}
    assert not codes["composition"] & codes["train_tones"]
    share = len(codes["composition"]) / len(
        codes["composition"] | codes["train_tones"]
    )
    assert share == pytest.approx(0.10, abs=0.01)
    assert codes["style"] <= codes["train"]


def test_a_seed_draws_the_same_concepts_again(plan):
    drawn = [novel_concepts(plan.items, seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
