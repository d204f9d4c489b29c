"""UniCLIP on the emoji corpus: some minutes on two cores.

Choose another method of `methods.py` after a colon: `emoji.py:clip`.
"""

from experiments.configs.base import base
from experiments.configs.methods import use_method


def get_config(method="uniclip"):
    config = base()
    config.name = "emoji" if method == "uniclip" else f"emoji_{method}"
    config.image_size = 32
    config.batch_size = 192
    config.steps = 900
    config.precision = "float32"

    config.data.directory = "data/emoji"
    # By number of images, where a skin-tone variant counts a sixth.
    config.data.train = {
        "base": {"path": "train-*.tar", "weight": 7.0},
        "tones": {"path": "train_tones-*.tar", "weight": 1.0},
    }
    config.data.id_field = "id"
    config.data.caption_field = "captions"
    # No flips, which mirror arrows, letters and hands. No crops of 0.08, which
    # leave nothing at 32 pixels.
    config.data.views = [
        {"preset": "weak", "crop_area": (0.6, 1.0)},
        {
            "preset": "strong",
            "crop_area": (0.3, 1.0),
            "flip": 0.0,
            "blur": 0.3,
            "blur_sigma": (0.1, 1.0),
        },
    ]
    # A batch is small, and docs/results.md has been measured so.
    config.data.views_dtype = "float32"
    config.data.shuffle_buffer = 20_000
    config.data.threads = 2

    config.tokenizer.vocabulary_size = 6_000
    config.tokenizer.context_length = 16

    config.image_encoder = {
        "kind": "conv_stem_vit",
        "width": 128,
        "layers": 2,
        "heads": 4,
        "mlp_ratio": 3,
        "stem": (32, 64, 128),
    }
    config.text_encoder = {
        "kind": "clip_text",
        "width": 128,
        "layers": 2,
        "heads": 4,
        "pooling": "mean",
    }
    config.model.embedding_dim = 128
    config.model.augmentation_units = (64, 64, 64)
    config.model.view_units = (256, 256, 128)

    config.optimizer.learning_rate = 4e-3
    config.optimizer.warmup_steps = 60
    config.optimizer.weight_decay = 0.05

    config.log_every = 20
    config.checkpoint_every = 200

    # Both kinds of data that choices are made on: a style and concepts that
    # training does not see, beside those of the test.
    config.validation.every = 300
    config.validation.source = {"path": "val_*.tar"}
    config.validation.batches = 4

    config.evaluation.prompts = "plain"
    # The drawings are square. Wider ones, such as flags, are best padded, as
    # flags are in the corpus (docs/results.md).
    config.evaluation.fit = "pad"
    config.evaluation.headline = "style"
    titles = {
        "seen": "Seen drawings",
        "val_style": "Validation drawing style",
        "val_novel": "Validation concepts",
        "style": "Unseen drawing style",
        "novel": "Novel concepts",
        "composition": "Unseen skin-tone combinations",
    }
    config.evaluation.retrieval = {
        split: {
            "title": title,
            "path": f"{split}-*.tar",
            "label_field": "item",
            "group_field": "concept",
            "classes": "names.json",
        }
        for split, title in titles.items()
    }
    config.evaluation.retrieval.seen.path = "train-*.tar"
    config.evaluation.retrieval.composition.classes = "names_all.json"
    config.evaluation.zero_shot = {
        f"{split}/{field}s": {
            "title": f"{titles[split]}, by {field}",
            "path": f"{split}-*.tar",
            "label_field": field,
            "group_field": "concept",
            "classes": f"{field}s.json",
        }
        for split in ("val_style", "val_novel", "style", "novel")
        for field in ("group", "subgroup")
    }
    config.evaluation.notes = (
        "Training drawings: Twemoji (CC-BY 4.0), OpenMoji (CC-BY-SA 4.0), "
        "Noto Emoji (Apache-2.0). Validation style: Facebook, test style: "
        "JoyPixels, whose drawings are not free: do not share this page.",
    )
    use_method(config, method)
    return config
