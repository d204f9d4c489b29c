"""The splits of the real corpus, and what is kept apart."""

import collections
import hashlib

import pytest

from experiments.corpora.emoji import drawings
from experiments.corpora.emoji.plan import WRITTEN
from experiments.corpora.emoji.plan import unseen_concepts

TRAINING = ("train", "train_tones")


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
    assert min(styles["twemoji"], styles["openmoji"]) > 3600
    assert styles["noto"] > 3000
    for style in ("noto", "facebook", "joypixels"):
        reason = f"{style}: placeholder under several vendors"
        assert plan.dropped[reason] == 314


def test_unseen_concepts_are_in_no_other_split(plan):
    concepts = by_split(plan, lambda sample: sample.item.concept)
    assert len(concepts["novel"]) > 150
    assert len(concepts["val_novel"]) > 100
    for unseen in ("novel", "val_novel"):
        for split in concepts.keys() - {unseen}:
            assert not concepts[unseen] & concepts[split]


def test_test_concepts_are_those_drawn_before_there_was_validation(plan):
    names = sorted({s.item.concept for s in plan.samples["novel"]})
    assert len(names) == 202
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    assert digest[:16] == "3e8c9cd2fa79e941"


def test_unseen_concepts_are_no_flags_letters_or_digits(plan):
    written = {"ATM sign", "TOP arrow", "hundred points"}
    unseen = plan.samples["val_novel"] + plan.samples["novel"]
    for item in (sample.item for sample in unseen):
        assert not item.toned and item.name not in written
        assert item.group not in ("Flags", "Component")
        assert item.subgroup not in ("alphanum", "keycap")
    # Each name of the list is still a name of the packages.
    assert {item.name for item in plan.items} >= set(WRITTEN)


def test_no_text_of_an_unseen_concept_is_a_training_caption(plan):
    seen = {
        caption.casefold()
        for split in TRAINING
        for sample in plan.samples[split]
        for caption in plan.captions[sample.item.code]
    }
    for sample in plan.samples["val_novel"] + plan.samples["novel"]:
        texts = {sample.item.name, *plan.captions[sample.item.code]}
        assert not {text.casefold() for text in texts} & seen


def test_each_unseen_style_has_its_own_splits(plan):
    styles = by_split(plan, lambda sample: sample.style)
    train_styles = set(drawings.TRAIN_STYLES)
    for split in (*TRAINING, "composition"):
        assert styles[split] == train_styles
    assert styles["style"] == {"joypixels"}
    assert styles["novel"] == train_styles | {"joypixels"}
    assert styles["val_style"] == {"facebook"}
    assert styles["val_novel"] == train_styles | {"facebook"}


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
    assert codes["val_style"] <= codes["train"]


def test_a_seed_draws_the_same_concepts_again(plan):
    drawn = [unseen_concepts(plan.items, seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
