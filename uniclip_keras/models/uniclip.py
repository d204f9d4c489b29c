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
from uniclip_keras.layers.domain_similarity import unit_length
from uniclip_keras.losses import MPNCE
from uniclip_keras.losses.replicas import replica_count
from uniclip_keras.models.step_function import expect_reduced_gradients
from uniclip_keras.models.step_function import reduce_gradients
from uniclip_keras.models.step_function import step_function


@keras.saving.register_keras_serializable("uniclip_keras")
class UniCLIP(keras.Model):
    """Two encoders, augmentation-aware heads and one loss (UniCLIP, figure 2).

    `fit` takes a dataset of dictionaries as `uniclip_keras.data` makes them:

        views          float32 [b, v, h, w, 3], v views of each image, [0, 1]
        augmentations  float32 [b, v, 11], what was done to each view
        tokens         int32 [b, length], one text per image
        id             int64 [b], equal ids are positives

    Under a distribution strategy the loss and the step are those of the global
    batch; gradients are clipped after they are summed over the replicas.

    Args:
        image_encoder: `keras.Model` from images `[n, h, w, 3]` in [0, 1] to
            features `[n, width]`.
        text_encoder: `keras.Model` from tokens `[n, length]` to features.
        objective: a loss of `uniclip_keras.losses` over the domains "image"
            and "text"; `MPNCE` with the usual start values by default.
        embedding_dim: size of the shared space.
        augmentation_units: layer widths of the `AugmentationEncoder`, or None
            for an image head that does not know the augmentation.
        projection_blocks: residual blocks of the image head.

    Raises:
        InputError: for an encoder of another form.

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
        self.built = True

    def build(self, input_shape=None):
        """Does nothing: the encoders fix every shape at construction."""

    def call(self, inputs, training=False):
        """Embeds a batch.

        Args:
            inputs: the dictionary of the class description; "id" is not read.

        Returns:
            dict of float embeddings, not normalised: "image" `[b * v, dim]`,
            the views of each image adjacent, and "text" `[b, dim]`.
        """
        views, augmentations = inputs["views"], inputs["augmentations"]
        views = tf.reshape(views, [-1, *views.shape[2:]])
        augmentations = tf.reshape(augmentations, [-1, augmentations.shape[-1]])
        return {
            "image": self._project_images(views, augmentations, training),
            "text": self._project_texts(inputs["tokens"], training),
        }

    def _project_images(self, images, augmentations, training):
        features = self.image_encoder(images, training=training)
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
        return unit_length(self._project_images(images, augmentations, False))

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

    def batch_loss(self, data, training=False):
        """The objective on one replica's batch; see `MPNCE` on replicas."""
        views = data["views"].shape[1]
        return self.objective(
            self(data, training=training),
            ids={"image": tf.repeat(data["id"], views), "text": data["id"]},
        )

    def train_step(self, data):
        """One optimizer step on the global batch; returns the logs."""
        data, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            loss = self.batch_loss(data, training=True)
            penalty = tf.add_n(self.losses) if self.losses else 0.0
            # Gradients are summed over replicas, the loss is their mean.
            scaled = self.optimizer.scale_loss(
                (loss + penalty) / replica_count()
            )
        variables = self.trainable_variables
        gradients = tape.gradient(scaled, [v.value for v in variables])
        expect_reduced_gradients(self.optimizer)
        self.optimizer.apply(reduce_gradients(gradients), variables)
        return {**self._track(loss), **self.objective.similarity.values()}

    def test_step(self, data):
        """The loss of a batch without an update; returns the logs."""
        data, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self._track(self.batch_loss(data))

    def _track(self, loss):
        if replica_count() > 1:
            context = tf.distribute.get_replica_context()
            loss = context.all_reduce(tf.distribute.ReduceOp.MEAN, loss)
        self._loss_tracker.update_state(loss)
        return {"loss": self._loss_tracker.result()}

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
            self.train_function = step_function(self, self.train_step)

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            self.test_function = step_function(self, self.test_step)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Everything is built at construction; Keras' own way would reduce
        # one batch over the workers, which fails.
        pass

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
        )
        return config


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
