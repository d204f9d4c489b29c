"""UniCLIP: images, their augmentations and texts in one embedding space."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from uniclip_keras.data.augmentation import IDENTITY
from uniclip_keras.errors import InputError
from uniclip_keras.layers import AugmentationEncoder
from uniclip_keras.layers import DomainSimilarity
from uniclip_keras.layers import ImageProjection
from uniclip_keras.layers import TextProjection
from uniclip_keras.layers import ViewProjection
from uniclip_keras.layers.domain_similarity import unit_length
from uniclip_keras.losses import MPNCE
from uniclip_keras.models.gradient_cache import check_chunks
from uniclip_keras.models.step_function import ContrastiveModel


@keras.saving.register_keras_serializable("uniclip_keras")
class UniCLIP(ContrastiveModel):
    """Two encoders, augmentation-aware heads and one loss (UniCLIP, figure 2).

    `fit` takes a dataset of dictionaries as `uniclip_keras.data` makes them:

        views          float32 [b, v, h, w, 3], v views of each image, [0, 1]
        augmentations  float32 [b, v, 11], what was done to each view
        tokens         int32 [b, length], one text per image, or [b, k, length]
                       for k texts of each
        id             int64 [b], equal ids are positives

    All views and all texts of an item are positives of each other, whatever
    the objective: it takes k texts as it takes v views.

    Under a distribution strategy the loss and the step are those of the global
    batch; gradients are clipped after they are summed over the replicas.

    Args:
        image_encoder: `keras.Model` from images `[n, h, w, 3]` in [0, 1] to
            features `[n, width]`.
        text_encoder: `keras.Model` from tokens `[n, length]` to features.
        objective: a loss of `uniclip_keras.losses` over the domains "image"
            and "text"; `MPNCE` with the usual start values by default. If its
            similarity knows a domain "view" as well, "image" is the first
            view alone, and the others are embedded as "view" by a head of
            their own (SLIP).
        embedding_dim: size of the shared space.
        augmentation_units: layer widths of the `AugmentationEncoder`, or None
            for an image head that does not know the augmentation.
        projection_blocks: residual blocks of the image head.
        view_units: layer widths of the `ViewProjection`, where there is one.
        gradient_cache_size: items of a replica's batch to embed at a time:
            memory is that of so many, the loss and the gradient those of the
            batch, for one more forward pass. None embeds all at once.

    Raises:
        InputError: for an encoder of another form, or a cache that cannot
            work; see `gradient_cache.check_chunks`, which warns as well.

    Example:

    ```python
    model = UniCLIP(
        models.vit(image_size=224), models.clip_text(), embedding_dim=512
    )
    model.compile(optimizer=keras.optimizers.AdamW(1e-3, global_clipnorm=1.0))
    model.fit(dataset, epochs=32, steps_per_epoch=1000)
    ```
    """

    def __init__(
        self,
        image_encoder,
        text_encoder,
        objective=None,
        embedding_dim=512,
        augmentation_units=(128, 128, 128),
        projection_blocks=3,
        view_units=(4096, 4096, 256),
        gradient_cache_size=None,
        name="uniclip",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.image_encoder = _revive(image_encoder)
        self.text_encoder = _revive(text_encoder)
        if objective is None:
            objective = MPNCE(DomainSimilarity(("image", "text")))
        self.objective = _revive(objective)
        self.embedding_dim = embedding_dim
        self.projection_blocks = projection_blocks
        self.augmentation_units = augmentation_units
        self.augmentation_encoder = None
        augmentation_shape = None
        if augmentation_units is not None:
            self.augmentation_encoder = AugmentationEncoder(augmentation_units)
            self.augmentation_encoder.build((None, len(IDENTITY)))
            augmentation_shape = (None, augmentation_units[-1])
        self.image_projection = ImageProjection(
            embedding_dim, blocks=projection_blocks
        )
        self.image_projection.build(
            _feature_shape(self.image_encoder, "image"), augmentation_shape
        )
        self.text_projection = TextProjection(embedding_dim)
        self.text_projection.build(_feature_shape(self.text_encoder, "text"))
        self.view_units = view_units
        self.view_projection = None
        if "view" in self.objective.similarity.domains:
            self.view_projection = ViewProjection(view_units)
            self.view_projection.build(self.image_encoder.output_shape)
        self.gradient_cache_size = gradient_cache_size
        if gradient_cache_size is not None:
            check_chunks(self, gradient_cache_size)
        self.built = True

    def build(self, input_shape=None):
        """Does nothing: the encoders fix every shape at construction."""

    def call(self, inputs, training=False):
        """Embeds a batch.

        Args:
            inputs: the dictionary of the class description; "id" is not read.

        Returns:
            dict of float embeddings, not normalised: "image" `[b * v, dim]`,
            the views of each image adjacent, and "text" `[b * k, dim]`, its
            texts likewise. With a domain "view": "image" `[b, dim]` of the
            first views, and "view" `[b * (v - 1), view_units[-1]]` of the
            others.

        Raises:
            InputError: for a domain "view" and fewer than three views, or
                tokens of another form.
        """
        shapes = self.embedding_shapes(inputs)
        views, augmentations = inputs["views"], inputs["augmentations"]
        features = self.image_encoder(
            tf.reshape(views, [-1, *views.shape[2:]]), training=training
        )
        # One encoder call for all views, of which each domain takes its own.
        features = tf.reshape(features, [-1, views.shape[1], features.shape[1]])
        projected, _ = shapes["image"]
        embeddings = {
            "image": self._project_features(
                _merge(features[:, :projected]),
                _merge(augmentations[:, :projected]),
            ),
            "text": self._project_texts(_merge(inputs["tokens"]), training),
        }
        if self.view_projection is not None:
            embeddings["view"] = self.view_projection(
                _merge(features[:, projected:]), training=training
            )
        return embeddings

    def embedding_shapes(self, inputs):
        """Embeddings of one item: dict domain -> `(rows, dim)`."""
        views = inputs["views"].shape[1]
        text = (_texts_per_item(inputs["tokens"]), self.embedding_dim)
        if self.view_projection is None:
            return {"image": (views, self.embedding_dim), "text": text}
        if views < 3:
            raise InputError(
                f'{views} views per image are too few for the domain "view": '
                "the first view meets the text, and two more at least meet "
                "each other; give 3 or more."
            )
        return {
            "image": (1, self.embedding_dim),
            "text": text,
            "view": (views - 1, self.view_units[-1]),
        }

    def _project_features(self, features, augmentations):
        augmentation = None
        if self.augmentation_encoder is not None:
            augmentation = self.augmentation_encoder(augmentations)
        return self.image_projection(features, augmentation)

    def _project_texts(self, tokens, training):
        return self.text_projection(
            self.text_encoder(tokens, training=training)
        )

    def encode_image(self, images, augmentations=None):
        """Unit-length embeddings of images for zero-shot use and retrieval.

        Args:
            images: float `[b, h, w, 3]` in [0, 1].
            augmentations: float `[b, 11]`, the transform really applied; the
                identity by default.

        Returns:
            float32 `[b, embedding_dim]`.
        """
        images = tf.convert_to_tensor(images, tf.float32)
        if augmentations is None:
            augmentations = tf.tile(IDENTITY[None], [tf.shape(images)[0], 1])
        features = self.image_encoder(images, training=False)
        return unit_length(self._project_features(features, augmentations))

    def encode_text(self, tokens):
        """Unit-length embeddings of texts.

        Args:
            tokens: int `[b, length]`.

        Returns:
            float32 `[b, embedding_dim]`.
        """
        return unit_length(
            self._project_texts(tf.convert_to_tensor(tokens), False)
        )

    def get_config(self):
        config = super().get_config()
        config.update(
            image_encoder=keras.saving.serialize_keras_object(
                self.image_encoder
            ),
            text_encoder=keras.saving.serialize_keras_object(self.text_encoder),
            objective=keras.saving.serialize_keras_object(self.objective),
            embedding_dim=self.embedding_dim,
            augmentation_units=self.augmentation_units,
            projection_blocks=self.projection_blocks,
            view_units=self.view_units,
            gradient_cache_size=self.gradient_cache_size,
        )
        return config


def _merge(x):
    """`[b, v, width]` -> `[b * v, width]`; `[b, width]` stays as it is."""
    return tf.reshape(x, [-1, x.shape[-1]])


def _texts_per_item(tokens):
    """The k of tokens `[b, k, length]`, 1 for `[b, length]`."""
    shape = tokens.shape
    if len(shape) == 2:
        return 1
    if len(shape) != 3 or not shape[1]:
        raise InputError(
            f"tokens of shape {shape} are not possible; give [batch, length], "
            "or [batch, k, length] for k texts per item, k known and at "
            "least 1."
        )
    return shape[1]


def _revive(value):
    """Objects as given; configurations of objects (from a file) revived."""
    if isinstance(value, Mapping):
        return keras.saving.deserialize_keras_object(value)
    return value


def _feature_shape(encoder, domain):
    shape = getattr(encoder, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] is None:
        raise InputError(
            f"the {domain} encoder {getattr(encoder, 'name', encoder)!r} has "
            f"output shape {shape}; features [batch, width] are needed: see "
            "uniclip_keras.models.from_backbone."
        )
    return shape
