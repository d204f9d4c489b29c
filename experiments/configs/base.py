"""Every option there is, with values for the paper's ViT-B/32 at 224 px.

A configuration starts from `base()` and states what differs. It is locked: an
unknown key is an error, whether in a file or on the command line.
"""

from ml_collections import ConfigDict


def base():
    """The reference scale of UniCLIP (section 4.1); ours where it is silent."""
    config = ConfigDict()
    config.name = "base"
    config.seed = 0
    config.image_size = 224
    config.batch_size = 4096
    config.steps = 0
    config.precision = "mixed_bfloat16"
    config.distribution = "auto"

    config.data = ConfigDict()
    config.data.directory = "data"
    # name -> {"shards": pattern in the directory, "weight": share, 0 to lend
    # words to the vocabulary alone}; labelled images also have {"classes":
    # class list in the directory, "label_field": JSON field, none for
    # `key.cls`}; pairs may have an `id_field` and a `caption_field` of their
    # own, and an `id_space` to share ids with no other source.
    config.data.train = ConfigDict(
        {"pairs": {"shards": "*.tar", "weight": 1.0}}
    )
    config.data.id_field = ""
    config.data.caption_field = ""
    # What class names of labelled images are put into: a name of
    # `uniclip_keras.evaluation.PROMPTS`, or templates.
    config.data.prompts = "plain"
    config.data.views = ["weak", "strong", "strong"]
    config.data.shuffle_buffer = 50_000
    config.data.cache = False
    config.data.threads = 16

    config.tokenizer = ConfigDict()
    config.tokenizer.vocabulary_size = 49_408
    config.tokenizer.context_length = 77
    # Captions from which the vocabulary is learned, at most.
    config.tokenizer.training_texts = 2_000_000

    config.image_encoder = ConfigDict(
        {
            "kind": "vit",
            "patch_size": 32,
            "width": 768,
            "layers": 12,
            "heads": 12,
        }
    )
    config.text_encoder = ConfigDict(
        {"kind": "clip_text", "width": 512, "layers": 12, "heads": 8}
    )

    config.model = ConfigDict()
    config.model.embedding_dim = 512
    config.model.augmentation_units = (128, 128, 128)
    config.model.projection_blocks = 3
    # SLIP's head of the strong views; unused by other objectives.
    config.model.view_units = (4096, 4096, 256)
    # Items embedded at a time, of a batch that may be larger; 0: all at once.
    config.model.gradient_cache_size = 0

    config.objective = ConfigDict(
        {
            "kind": "mp_nce",
            "include_self": True,
            "domain_weights": "balanced",
            "temperature": 0.07,
            "offset": 0.0,
        }
    )

    config.optimizer = ConfigDict()
    config.optimizer.learning_rate = 1e-3
    config.optimizer.warmup_steps = 2_000
    config.optimizer.weight_decay = 0.2
    config.optimizer.beta_1 = 0.9
    config.optimizer.beta_2 = 0.98
    config.optimizer.epsilon = 1e-6
    config.optimizer.clip_norm = 1.0

    config.log_every = 50
    config.checkpoint_every = 1_000

    # What `experiments.evaluate` measures; each task names its images by
    # shards in the data directory and its candidates by a class list.
    config.evaluation = ConfigDict()
    config.evaluation.prompts = "photo"
    # The task that the report leads with.
    config.evaluation.headline = ""
    config.evaluation.retrieval = ConfigDict()
    config.evaluation.zero_shot = ConfigDict()
    config.evaluation.notes = ()
    return config.lock()


def imagenet_and_retrieval():
    """The paper's zero-shot tasks, from shards beside the training pairs.

    Each image's JSON holds the field named; class lists are
    `[{"label": ..., "texts": [...]}]`.
    """
    return {
        "zero_shot": {
            "imagenet": {
                "title": "ImageNet",
                "shards": "imagenet-val/*.tar",
                "label_field": "label",
                "classes": "imagenet-classes.json",
            }
        },
        "retrieval": {
            name: {
                "title": title,
                "shards": f"{name}/*.tar",
                "label_field": "image_id",
                "classes": f"{name}-captions.json",
            }
            for name, title in (("flickr30k", "Flickr30k"), ("coco", "COCO"))
        },
    }
