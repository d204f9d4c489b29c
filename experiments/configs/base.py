"""Every option with its value for the paper's ViT-B/32 at 224 pixels.

A configuration starts from `base()` and states what differs. It is locked: an
unknown key is an error, in a file and on the command line.
"""

from ml_collections import ConfigDict


def base():
    """Returns the reference scale of UniCLIP (section 4.1).

    Where the paper gives no value, this one is our choice.
    """
    config = ConfigDict()
    config.name = "base"
    config.seed = 0
    config.image_size = 224
    config.batch_size = 4096
    config.steps = 0
    config.precision = "mixed_bfloat16"
    config.distribution = "auto"
    # Steps that the device takes without waiting for Python. Reports,
    # checkpoints and signals wait for the last of them. It divides `steps`.
    config.steps_per_execution = 1

    config.data = ConfigDict()
    config.data.directory = "data"
    # Name -> source: {"path": pattern in the directory, "weight": share,
    # "kind": "webdataset" (the default), "tfrecord", "tfds" (by `name` in
    # place of `path`), "table" or "folders", and options of that class of
    # `uniclip_keras.data`}. Weight 0 adds words to the vocabulary alone. A
    # `label_field`, or a class list in `classes`, makes it a source of labeled
    # images. See docs/guides/train_on_your_pairs.md.
    config.data.train = {"pairs": {"path": "*.tar", "weight": 1.0}}
    config.data.id_field = ""
    config.data.caption_field = ""
    # Templates for the class names of labeled images: a name of
    # `uniclip_keras.data.text.PROMPTS`, or a tuple of templates.
    config.data.prompts = "plain"
    config.data.views = ["weak", "strong", "strong"]
    # "uint8" rounds the views to 8 bits, in a quarter of the memory and of the
    # copies to the devices; "float32" does not.
    config.data.views_dtype = "uint8"
    # Samples that are shuffled together. A source of no more is kept in memory.
    config.data.shuffle_buffer = 50_000
    # Captions drawn for each image, all of them its positives.
    config.data.captions_per_image = 1
    # Larger images are skipped without decoding them.
    config.data.max_pixels = 2**26
    # The run ends when more of its samples are bad.
    config.data.max_bad_share = 0.2
    config.data.threads = 16

    config.tokenizer = ConfigDict()
    # "subword" learns a vocabulary from the training texts, "clip" and "siglip"
    # read the file that `file` names, "sentencepiece" does either, and
    # "keras_hub" has that of the preset that `file` names, or of the text
    # encoder's.
    config.tokenizer.kind = "subword"
    config.tokenizer.file = ""
    config.tokenizer.vocabulary_size = 49_408
    config.tokenizer.context_length = 77
    # The vocabulary is learned from at most so many samples.
    config.tokenizer.training_texts = 2_000_000

    config.image_encoder = {
        "kind": "vit",
        "patch_size": 32,
        "width": 768,
        "layers": 12,
        "heads": 12,
    }
    config.text_encoder = {
        "kind": "clip_text",
        "width": 512,
        "layers": 12,
        "heads": 8,
    }

    config.model = ConfigDict()
    config.model.embedding_dim = 512
    config.model.augmentation_units = (128, 128, 128)
    config.model.projection_blocks = 3
    # How the augmentation enters the image head: "concatenate",
    # "scale_and_shift" or "each_block".
    config.model.augmentation_fusion = "concatenate"
    # Head of the strong views for the loss "slip"; others have none.
    config.model.view_units = (4096, 4096, 256)
    # Pixels per side of the views after the first, which then cost less; None
    # for `image_size`.
    config.model.view_size = None
    # Numbers of tokens, fewer than `tokenizer.context_length`, to which short
    # texts are cut in training. That changes nothing but the time.
    config.model.text_lengths = ()
    # Weights that do not train, by names of `training.weight_names` in which *
    # stands for anything: ("image_encoder/*",) is locked-image tuning.
    config.model.frozen = ()
    # Updates before the frozen weights train; 0 for never. See
    # docs/guides/start_from_clip.md.
    config.model.unfreeze_at_step = 0
    # Items embedded at a time (gradient caching); 0 embeds the whole batch.
    config.model.gradient_cache_size = 0

    config.objective = {
        "kind": "mp_nce",
        "include_self": True,
        "domain_weights": "balanced",
        "temperature": 0.07,
        "offset": 0.0,
    }

    config.optimizer = ConfigDict()
    config.optimizer.learning_rate = 1e-3
    config.optimizer.warmup_steps = 2_000
    config.optimizer.weight_decay = 0.2
    config.optimizer.beta_1 = 0.9
    config.optimizer.beta_2 = 0.98
    config.optimizer.epsilon = 1e-6
    config.optimizer.clip_norm = 1.0
    # Factor of the learning rate from each transformer block of a tower to the
    # one below it; 1.0 for the same rate in all.
    config.optimizer.layer_decay = 1.0
    # Factors of the learning rate by name, (("image_encoder/*", 0.1),): the
    # first that fits a weight counts.
    config.optimizer.learning_rates = ()
    # Momentum of averages of the weights, which are then what is validated,
    # evaluated and exported; 0.0 keeps none.
    config.optimizer.ema_momentum = 0.0
    # Whether weight matrices take the orthogonalized steps of Muon.
    config.optimizer.muon = False

    config.log_every = 50
    config.checkpoint_every = 1_000

    # Measured every so many steps during training, 0 for never: the loss of
    # the first `batches` of a held-out source, named like one of `data.train`,
    # and retrieval among its first `samples`.
    config.validation = ConfigDict()
    config.validation.every = 0
    config.validation.source = {"path": ""}
    config.validation.batches = 8
    config.validation.samples = 1_000
    # What the best checkpoint is best at; a loss is best at its lowest.
    config.validation.best = "validation/loss"

    config.evaluation = evaluation()
    config.evaluation.fit = "squash"
    return config.lock()


def evaluation():
    """Returns what `experiments.evaluate` measures: no task yet.

    A task names its images as `data.train` does, with a `label_field` (which
    folders do without), and its candidates by a class list in `classes`. A
    `group_field` names what its intervals resample together.
    """
    section = ConfigDict()
    # Where the paths of tasks begin; empty for `data.directory`.
    section.directory = ""
    # How images become square: "squash" stretches them, "crop" takes the
    # largest square in the center, "pad" adds margins; "clip" and "siglip" are
    # those of their weights. Empty for the run's.
    section.fit = ""
    section.prompts = "photo"
    # The task that the report leads with.
    section.headline = ""
    section.retrieval = ConfigDict()
    section.zero_shot = ConfigDict()
    # Linear probes, nearest neighbors and few-shot probes. They learn from
    # `train`, and choose by `validation`: what differs of their sources.
    # With `fine_tuning_epochs`, the image encoder learns, too.
    section.probe = ConfigDict()
    # Zero-shot classes of corrupted images: all `corruptions` of
    # `uniclip_keras.evaluation.CORRUPTIONS` and `severities` 1 to 5, unless
    # the task names some.
    section.robustness = ConfigDict()
    section.notes = ()
    return section


def use_paper_tasks(config):
    """Adds the paper's zero-shot tasks, from files in the data directory.

    The JSON of each image holds the label field. Class lists are
    `[{"label": ..., "texts": [...]}]`.
    """
    imagenet = {
        "title": "ImageNet",
        "path": "imagenet-val/*.tar",
        "label_field": "label",
        "classes": "imagenet-classes.json",
    }
    config.evaluation.zero_shot = {"imagenet": imagenet}
    config.evaluation.retrieval = {
        name: {
            "title": title,
            "path": f"{name}/*.tar",
            "label_field": "image_id",
            "classes": f"{name}-captions.json",
        }
        for name, title in (("flickr30k", "Flickr30k"), ("coco", "COCO"))
    }
