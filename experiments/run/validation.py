"""What a run measures on held-out data while it trains."""

import itertools
import json

import numpy as np

from experiments.run import data
from experiments.run import files
from experiments.run.workdir import INDEX
from uniclip_keras import evaluation
from uniclip_keras.data import BadSamples
from uniclip_keras.data import load_images
from uniclip_keras.data.text import prompt_templates
from uniclip_keras.errors import InputError
from uniclip_keras.losses.replicas import mean_over_replicas
from uniclip_keras.models.execution import step_function

# What is measured: the share of queries whose answer is among the first k.
RECALLS = {
    f"validation/{way}_r{k}": (way, k)
    for way in ("image_to_text", "text_to_image")
    for k in (1, 5)
}
MEASURES = ("validation/loss", *RECALLS)


class ValidationMeasure:
    """Loss and retrieval on `config.validation.source`, always on the same.

    The loss is that of the first batches, whose order, captions and views a
    fixed seed decides. Retrieval takes whole images and all of their texts.

    Args:
        config: The configuration.
        tokenizer: The run's tokenizer.
        strategy: The `tf.distribute.Strategy` of the run.
        share: As by `training.share_from_chief`: the chief alone reads and
            embeds what retrieval takes.
        workdir: Directory of the run, which holds the source's index.
    """

    def __init__(self, config, tokenizer, strategy, share, workdir):
        self._config, self._tokenizer = config, tokenizer
        self._strategy, self._share = strategy, share
        self._source = data.build_part(
            config,
            "validation.source",
            data.part_options(config, config.validation.source),
        )
        self._source.prepare(folder=files.join(workdir, INDEX), share=share)
        self._batches = data.build_dataset(
            config,
            self._source,
            tokenizer,
            strategy=strategy,
            bad_samples=BadSamples(),
        )
        self._batch_loss = self._embedder = None

    def __call__(self, model):
        """Returns `{"validation/loss": float, ...}`."""
        content = self._share(
            lambda: json.dumps(self._retrieval(model)).encode()
        )
        return {"validation/loss": self._loss(model)} | json.loads(content)

    def _loss(self, model):
        if self._batch_loss is None:
            # Not the model's own metric, which is the training's.
            self._batch_loss = step_function(
                model,
                lambda batch: mean_over_replicas(model.batch_loss(batch)),
            )
        iterator = iter(self._batches)
        losses = [
            float(self._batch_loss(iterator))
            for _ in range(self._config.validation.batches)
        ]
        return float(np.mean(losses))

    def _retrieval(self, model):
        if self._embedder is None:
            self._read_samples()
            self._embedder = evaluation.Embedder(
                model, self._tokenizer, min(256, len(self._images))
            )
        metrics = evaluation.retrieval_metrics(
            self._embedder.images(self._images, self._vectors),
            self._embedder.texts([text for text, _ in self._texts]),
            self._labels,
            [label for _, label in self._texts],
            ks=(1, 5),
        )
        return {
            name: metrics[way][f"R@{k}"] for name, (way, k) in RECALLS.items()
        }

    def _read_samples(self):
        """Keeps images, their labels, and pairs of a text and its label."""
        good = self._source.samples(BadSamples())
        samples = list(itertools.islice(good, self._config.validation.samples))
        self._images, self._vectors, kept = load_images(
            [sample["image"] for sample in samples],
            self._config.image_size,
            fit=self._config.evaluation.fit,
            max_pixels=self._config.data.max_pixels,
        )
        if not len(kept):
            raise InputError(
                "validation.source has no good sample; name other data, or "
                "set validation.every to 0."
            )
        samples = [samples[index] for index in kept]
        self._labels = [str(sample["id"]) for sample in samples]
        # A text of several images is one candidate.
        template = prompt_templates(self._config.data.prompts)[0]
        self._texts = list(
            dict.fromkeys(
                (template.replace("{}", line) if s["is_name"] else line, label)
                for s, label in zip(samples, self._labels, strict=True)
                for line in s["text"].split("\n")
            )
        )
