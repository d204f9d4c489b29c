"""What a run measures on held-out data while it trains."""

import itertools
import json

import numpy as np
import tensorflow as tf

from experiments.run import data
from experiments.run import files
from experiments.run.workdir import INDEX
from uniclip_keras import evaluation
from uniclip_keras.data import BadSamples
from uniclip_keras.data import load_images
from uniclip_keras.data.text import prompt_templates
from uniclip_keras.errors import InputError
from uniclip_keras.models import step

# What is measured: the share of queries whose answer is among the first k.
RECALLS = {
    f"validation/{way}_r{k}": (way, k)
    for way in ("image_to_text", "text_to_image")
    for k in (1, 5)
}
MEASURES = ("validation/loss", *RECALLS)
# Images decoded at a time.
CHUNK = 256


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
        options = config.validation
        self._config, self._tokenizer = config, tokenizer
        self._strategy, self._share = strategy, share
        self._source = data.build_part(
            config,
            "validation.source",
            data.part_options(config, options.source),
        )
        self._source.prepare(folder=files.join(workdir, INDEX), share=share)
        batches = data.build_dataset(
            config,
            self._source,
            tokenizer,
            strategy=strategy,
            bad_samples=BadSamples(),
        )
        if isinstance(batches, tf.data.Dataset):
            # Several workers take theirs from functions already.
            batches = strategy.experimental_distribute_dataset(
                batches.take(options.batches)
            )
        self._batches = batches
        self._samples = self._batch_loss = self._embedder = None

    def __call__(self, model):
        """Returns `{"validation/loss": float, ...}`."""
        content = self._share(
            lambda: json.dumps(self._retrieval(model)).encode()
        )
        return {"validation/loss": self._loss(model)} | json.loads(content)

    def _loss(self, model):
        if self._batch_loss is None:
            # Not the model's own metric, which is the training's.
            self._batch_loss = step.step_function(
                model,
                lambda batch: step.mean_over_replicas(model.batch_loss(batch)),
            )
        iterator = iter(self._batches)
        losses = [
            float(self._batch_loss(iterator))
            for _ in range(self._config.validation.batches)
        ]
        return float(np.mean(losses))

    def _retrieval(self, model):
        if self._samples is None:
            samples = self._source.samples(BadSamples())
            most = self._config.validation.samples
            self._samples = list(itertools.islice(samples, most))
            if not self._samples:
                raise InputError(
                    "validation.source has no good sample; name other data, or "
                    "set validation.every to 0."
                )
            self._embedder = evaluation.Embedder(
                model, self._tokenizer, min(CHUNK, len(self._samples))
            )
        embeddings, kept = self._embed_images()
        # A text of several images is one candidate.
        template = prompt_templates(self._config.data.prompts)[0]
        texts = dict.fromkeys(
            (template.replace("{}", line) if s["is_name"] else line, s["id"])
            for s in (self._samples[i] for i in kept)
            for line in s["text"].split("\n")
        )
        metrics = evaluation.retrieval_metrics(
            embeddings,
            self._embedder.texts([text for text, _ in texts]),
            [str(self._samples[i]["id"]) for i in kept],
            [str(label) for _, label in texts],
            ks=(1, 5),
        )
        return {
            name: metrics[way][f"R@{k}"] for name, (way, k) in RECALLS.items()
        }

    def _embed_images(self):
        """Returns `(embeddings [n, dim], indices of the n samples)`."""
        found, kept = [], []
        for start in range(0, len(self._samples), CHUNK):
            chunk = self._samples[start : start + CHUNK]
            images, good = load_images(
                [sample["image"] for sample in chunk],
                self._config.image_size,
                max_pixels=self._config.data.max_pixels,
            )
            if len(images):
                found.append(self._embedder.images(images))
                kept += (start + good).tolist()
        return np.concatenate(found), kept
