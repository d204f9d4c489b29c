"""UniCLIP: images, their augmentations and texts in one embedding space."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from uniclip_keras import layers
from uniclip_keras.data.augmentation import IDENTITY
from uniclip_keras.errors import InputError
from uniclip_keras.layers.domain_similarity import unit_length
from uniclip_keras.losses import MPNCE
from uniclip_keras.losses.replicas import mean_over_replicas
from uniclip_keras.models import gradient_cache
from uniclip_keras.models import short_texts
from uniclip_keras.models import small_views
from uniclip_keras.models import step
from uniclip_keras.models import update
from uniclip_keras.models.counts import RecentLoss
from uniclip_keras.models.counts import StepCounts
from uniclip_keras.models.execution import step_function
from uniclip_keras.models.shapes import feature_shape
from uniclip_keras.models.shapes import merge_views
from uniclip_keras.models.shapes import texts_per_item
from uniclip_keras.models.shapes import to_unit


@keras.saving.register_keras_serializable("uniclip_keras")
class UniCLIP(keras.Model):
    """Two encoders, augmentation-aware heads and one loss (UniCLIP, figure 2).

    `fit` takes a dataset of dictionaries such as `uniclip_keras.data` makes:

        views          float32 [b, v, h, w, 3] in [0, 1], or uint8: v views of
                       each image
        augmentations  float32 [b, v, 11], the augmentation of each view
        tokens         int32 [b, length], one text per image, or [b, k, length]
                       for k texts per image
        id             int64 [b], equal ids are positives

    All views and texts of an item are positives of each other. Under a
    distribution strategy the loss and the step are those of the global batch;
    gradients are clipped after their sum over the replicas. A batch whose loss
    or gradient is not finite changes nothing but `counts`, a
    `counts.StepCounts`. Logs are Keras' mean `loss`, the `recent_loss` since
    `recent_loss.reset_state()`, temperatures and offsets.

    Args:
        image_encoder: `keras.Model`. Maps images `[n, h, w, 3]` in [0, 1] to
            features `[n, width]`.
        text_encoder: `keras.Model`. Maps tokens `[n, length]` to features
            `[n, width]`.
        objective: A loss of `uniclip_keras.losses` over the domains "image"
            and "text"; `MPNCE()` by default. If its similarity also knows a
            domain "view", "image" holds the first view of each image and
            "view" the others, embedded by a head of their own (SLIP).
        embedding_dim: int. Size of the shared embedding space.
        augmentation_units: Layer widths of the `AugmentationEncoder`, or None
            for an image head that ignores the augmentation.
        projection_blocks: int. Number of residual blocks of the image head.
        augmentation_fusion: str. How the augmentation enters that head, see
            `ImageProjection`.
        projection_norm: bool. Whether that head normalizes.
        view_units: Layer widths of the `ViewProjection`, if there is one.
        view_size: int or None. Pixels per side to which views after the first
            are resized in training, which then cost less. The augmentation
            encoder is told, and moving statistics follow the first views
            alone. A multiple of the encoder's patches; None leaves all views
            as they are.
        text_lengths: Sequence of ints. Lengths less than the context's, to
            which short texts are cut in training. That saves time, and changes
            nothing: the text encoder must ignore padding.
        gradient_cache_size: int or None. Items of a replica's batch to embed
            at a time: less memory, one more forward pass, the same gradient.
            None embeds the whole batch.
        text_bias: bool. Whether the text head has a bias, as SigLIP's has.

    Raises:
        InputError: If an encoder has the wrong output, or gradient caching is
            impossible.

    Example:

    ```python
    model = UniCLIP(models.vit(image_size=224), models.clip_text())
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
        augmentation_fusion="concatenate",
        projection_norm=True,
        view_units=(4096, 4096, 256),
        view_size=None,
        text_lengths=(),
        gradient_cache_size=None,
        text_bias=False,
        name="uniclip",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.image_encoder = _deserialize(image_encoder)
        self.text_encoder = _deserialize(text_encoder)
        self.objective = _deserialize(objective) or MPNCE()
        self.embedding_dim = embedding_dim
        self.projection_blocks = projection_blocks
        self.augmentation_fusion = augmentation_fusion
        self.projection_norm = projection_norm
        self.augmentation_units = augmentation_units
        self.view_size = view_size
        if view_size is not None:
            small_views.check_view_size(self.image_encoder, view_size)
        self.augmentation_encoder = augmentation_shape = None
        if augmentation_units is not None:
            encoder = layers.AugmentationEncoder(augmentation_units)
            # A small view is told from others by one entry more.
            encoder.build((None, len(IDENTITY) + (view_size is not None)))
            self.augmentation_encoder = encoder
            augmentation_shape = (None, augmentation_units[-1])
        self.image_projection = layers.ImageProjection(
            embedding_dim,
            projection_blocks,
            augmentation_fusion,
            norm=projection_norm,
        )
        self.image_projection.build(
            feature_shape(self.image_encoder, "image"), augmentation_shape
        )
        self.text_lengths = tuple(text_lengths)
        short_texts.check_text_lengths(self.text_encoder, self.text_lengths)
        self.text_bias = text_bias
        self.text_projection = layers.TextProjection(embedding_dim, text_bias)
        self.text_projection.build(feature_shape(self.text_encoder, "text"))
        self.view_units = view_units
        self.view_projection = None
        if "view" in self.objective.similarity.domains:
            self.view_projection = layers.ViewProjection(view_units)
            self.view_projection.build(self.image_encoder.output_shape)
        self.gradient_cache_size = gradient_cache_size
        if gradient_cache_size is not None:
            gradient_cache.check_chunks(self, gradient_cache_size)
        self.counts = StepCounts()
        self.recent_loss = RecentLoss()
        self.built = True

    def build(self, input_shape=None):
        """Does nothing: the encoders fix every shape at construction."""

    def call(self, inputs, training=False):
        """Embeds a batch as in the class description, of which it reads no ids.

        Returns:
            Dict of float embeddings, not normalized, the rows of each item
            adjacent: "image" `[b * v, dim]` and "text" `[b * k, dim]`. With a
            domain "view": "image" `[b, dim]` of the first views, and "view"
            `[b * (v - 1), view_units[-1]]` of the others.

        Raises:
            InputError: For tokens of the wrong shape, or too few views.
        """
        shapes = self.embedding_shapes(inputs)
        features = small_views.features_of_views(
            self.image_encoder, inputs["views"], self.view_size, training
        )
        augmentations = inputs["augmentations"]
        if self.view_size is not None:
            augmentations = small_views.with_reduction(
                augmentations, inputs["views"].shape[2], self.view_size
            )
        projected, _ = shapes["image"]
        embeddings = {
            "image": self._project_features(
                merge_views(features[:, :projected]),
                merge_views(augmentations[:, :projected]),
            ),
            "text": self.text_projection(
                short_texts.features_of_texts(
                    self.text_encoder,
                    merge_views(inputs["tokens"]),
                    self.text_lengths,
                    training,
                )
            ),
        }
        if self.view_projection is not None:
            embeddings["view"] = self.view_projection(
                merge_views(features[:, projected:]), training=training
            )
        return embeddings

    def embedding_shapes(self, inputs):
        """Returns the embeddings per item: dict domain -> `(rows, dim)`."""
        views, dim = inputs["views"].shape[1], self.embedding_dim
        text = (texts_per_item(inputs["tokens"]), dim)
        if self.view_projection is None:
            return {"image": (views, dim), "text": text}
        if views < 3:
            raise InputError(
                f'{views} views per image are too few for the domain "view", '
                "which compares all but the first; give 3 or more."
            )
        others = (views - 1, self.view_units[-1])
        return {"image": (1, dim), "text": text, "view": others}

    def _project_features(self, features, augmentations):
        if self.augmentation_encoder is None:
            return self.image_projection(features)
        return self.image_projection(
            features, self.embed_augmentations(augmentations)
        )

    def embed_augmentations(self, augmentations):
        """Embeds `[n, 11]`, or `[n, 12]` for a model with a `view_size`.

        The last entry of the latter is the reduction of a small view; without
        it, views have the size of the image encoder.
        """
        if self.view_size is not None and augmentations.shape[-1] == len(
            IDENTITY
        ):
            augmentations = keras.ops.pad(augmentations, [[0, 0], [0, 1]])
        return self.augmentation_encoder(augmentations)

    def encode_image(self, images, augmentations=None, with_features=False):
        """Embeds images: float32 `[b, embedding_dim]` of unit length.

        Args:
            images: Float tensor `[b, h, w, 3]` in [0, 1], or uint8.
            augmentations: Float tensor `[b, 11]`. What made the images; by
                default the vector of an untouched image.
            with_features: bool. Returns `(embeddings, features)` instead, the
                features float `[b, width]` before the head (f_I of figure 2).
        """
        images = to_unit(tf.convert_to_tensor(images))
        if augmentations is None:
            augmentations = tf.tile(IDENTITY[None], [tf.shape(images)[0], 1])
        features = self.image_encoder(images, training=False)
        embeddings = unit_length(
            self._project_features(features, augmentations)
        )
        return (embeddings, features) if with_features else embeddings

    def encode_text(self, tokens):
        """Embeds int `[b, length]`: float32 `[b, dim]` of unit length."""
        tokens = tf.convert_to_tensor(tokens)
        features = self.text_encoder(tokens, training=False)
        return unit_length(self.text_projection(features))

    def batch_loss(self, data, training=False):
        """Computes the objective of a replica's batch."""
        size = self.gradient_cache_size
        if size is None:
            embeddings = self(data, training=training)
        else:
            embeddings = gradient_cache.embed(self, data, size, training)
        return step.objective_loss(self, embeddings, data)

    def train_step(self, data):
        """Takes one optimizer step on the global batch and returns the logs."""
        data, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        size, before = self.gradient_cache_size, update.state_before(self)
        if size is None:
            loss, gradients = step.loss_and_gradients(self, data)
        else:
            loss, gradients = gradient_cache.loss_and_gradients(
                self, data, size
            )
        loss = mean_over_replicas(loss)
        update.apply_gradients(self, loss, gradients, before)
        # A loss that is not finite would stay in the means for ever.
        finite = tf.math.is_finite(loss)
        loss, weight = tf.where(finite, loss, 0.0), tf.cast(finite, tf.float32)
        for mean in (self._loss_tracker, self.recent_loss):
            mean.update_state(loss, weight)
        return {
            "loss": self._loss_tracker.total / self._loss_tracker.count,
            "recent_loss": self.recent_loss.result(),
            **self.objective.logs(),
        }

    def test_step(self, data):
        """Computes the loss of the global batch and returns the logs."""
        data, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        loss = mean_over_replicas(self.batch_loss(data))
        self._loss_tracker.update_state(loss)
        return {"loss": self._loss_tracker.result()}

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
            self.train_function = step_function(
                self, self.train_step, self.steps_per_execution
            )

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            self.test_function = step_function(
                self, self.test_step, self.steps_per_execution
            )

    def _resolve_auto_jit_compile(self):
        """Leaves XLA to `jit_compile=True`; Keras compiles on one GPU."""
        return False

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: Keras would reduce a batch over workers and fail."""

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "image_encoder": serialize(self.image_encoder),
            "text_encoder": serialize(self.text_encoder),
            "objective": serialize(self.objective),
            "embedding_dim": self.embedding_dim,
            "augmentation_units": self.augmentation_units,
            "projection_blocks": self.projection_blocks,
            "augmentation_fusion": self.augmentation_fusion,
            "projection_norm": self.projection_norm,
            "view_units": self.view_units,
            "view_size": self.view_size,
            "text_lengths": self.text_lengths,
            "gradient_cache_size": self.gradient_cache_size,
            "text_bias": self.text_bias,
        }


def _deserialize(value):
    """Returns an object as given, or made from its configuration."""
    if isinstance(value, Mapping):
        return keras.saving.deserialize_keras_object(value)
    return value
