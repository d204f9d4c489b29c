"""Checks a configuration as a whole, before anything is read or learned."""

import functools
import inspect

from experiments.run import building
from experiments.run import data
from experiments.run import ranges
from experiments.run.memory import check_memory
from experiments.run.memory import patch_size
from experiments.run.tasks import TASK_GROUPS
from experiments.run.tasks import check_task
from experiments.run.validation import MEASURES
from uniclip_keras.data.augmentation import DTYPES
from uniclip_keras.data.augmentation import FITS
from uniclip_keras.data.augmentation import recipe_from_config
from uniclip_keras.data.text import prompt_templates
from uniclip_keras.errors import InputError
from uniclip_keras.layers.image_projection import FUSIONS
from uniclip_keras.models.backbones import find_backbone
from uniclip_keras.models.short_texts import check_lengths
from uniclip_keras.models.text_backbones import POOLINGS
from uniclip_keras.models.text_backbones import find_text_backbone
from uniclip_keras.models.towers import check_heads
from uniclip_keras.models.towers import check_patches
from uniclip_keras.training import datasets
from uniclip_keras.training.strategies import STRATEGIES
from uniclip_keras.training.strategies import worker_count


def check_config(config):
    """Raises `InputError` with every mistake that a configuration has.

    It reads no data and starts no device.
    """
    numbers = [
        *ranges.number_checks(),
        functools.partial(_check_tower, "image_encoder"),
        functools.partial(_check_tower, "text_encoder"),
        _check_choices,
        _check_views,
        _check_prompts,
        data.check_tokenizer,
        _check_best,
        *_sources(config),
    ]
    _raise_mistakes(numbers, config)
    # These compare numbers that are in range.
    _raise_mistakes(
        [
            _check_tokens,
            _check_warmup,
            _check_unfreezing,
            _check_executions,
            _check_chunks,
            _check_view_size,
            _check_text_lengths,
            _check_workers,
            _check_precision,
        ],
        config,
    )
    check_memory(config, worker_count(config.distribution))


def check_replicas(config, strategy):
    """Raises `InputError` unless the replicas share the batch evenly."""
    datasets.check_replicas(config.batch_size, strategy)
    size = config.model.gradient_cache_size
    if config.distribution == "tpu" and size:
        rows = config.batch_size // strategy.num_replicas_in_sync
        if rows % size:
            raise InputError(
                f"model.gradient_cache_size={size} does not divide the {rows} "
                "items of a replica's batch, and TPUs need chunks of one "
                "size; choose a divisor."
            )


def check_rest(config, first_step):
    """Raises `InputError` unless whole executions end at the last step."""
    rest, size = config.steps - first_step, config.steps_per_execution
    if rest > 0 and rest % size:
        raise InputError(
            f"the {rest} steps from {first_step} to {config.steps} are no "
            f"multiple of steps_per_execution={size}; choose a divisor, 1 "
            "divides all."
        )


def _raise_mistakes(checks, config):
    mistakes = []
    for check in checks:
        try:
            check(config)
        except InputError as error:
            mistakes.append(str(error))
    # A mistake may show in several places, such as two evaluation tasks.
    mistakes = list(dict.fromkeys(mistakes))
    if len(mistakes) == 1:
        raise InputError(mistakes[0])
    if mistakes:
        lines = "".join(f"\n  {mistake}" for mistake in mistakes)
        raise InputError(
            f"the configuration has {len(mistakes)} mistakes:{lines}"
        )


def _check_choices(config):
    building.check_choice("precision", config.precision, building.PRECISIONS)
    building.check_choice("distribution", config.distribution, STRATEGIES)
    building.check_choice("data.views_dtype", config.data.views_dtype, DTYPES)
    building.check_choice("evaluation.fit", config.evaluation.fit, FITS)
    fusion = config.model.augmentation_fusion
    building.check_choice("model.augmentation_fusion", fusion, FUSIONS)


def _check_tower(section, config):
    tables = {
        "image_encoder": (building.IMAGE_ENCODERS, ["image_size"]),
        "text_encoder": (
            building.TEXT_ENCODERS,
            ["vocabulary_size", "context_length", "padding_id"],
        ),
    }
    table, arguments = tables[section]
    kind, given = building.check_kind(
        section, table, config[section], arguments
    )
    tower = _with_defaults(table[kind], given)
    for name, smallest in ranges.WHOLE_OF_TOWERS.items():
        if name in tower:
            ranges.check_whole(f"{section}.{name}", smallest, {section: tower})
    try:
        if kind == "backbone":
            _check_backbone(section, tower)
        if "width" not in tower:
            return
        check_heads(tower["width"], tower["heads"])
        if section == "image_encoder":
            for name, size in (
                ("image_size", config.image_size),
                ("model.view_size", config.model.view_size),
            ):
                if ranges.is_number(size, int):
                    check_patches(size, patch_size(tower), name)
    except InputError as error:
        raise InputError(f"{section}: {error}") from None


def _check_backbone(section, tower):
    if section == "image_encoder":
        find_backbone(tower["backbone"])
        return
    find_text_backbone(tower["backbone"])
    building.check_choice("pooling", tower["pooling"], POOLINGS)


def _with_defaults(function, given):
    """Returns the arguments of a call as a dict."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters} | given


def _check_views(config):
    views = recipe_from_config(config.data.views)
    domains = building.check_loss(config.objective)
    if "view" in domains and len(views) < 3:
        raise InputError(
            f"data.views has {len(views)} view(s), too few for the loss "
            f"{config.objective['kind']!r}, which compares all but the first; "
            "give 3 or more."
        )


def _check_view_size(config):
    size = config.model.view_size
    if size is None:
        return
    ranges.check_whole("model.view_size", 1, config)
    if size >= config.image_size:
        raise InputError(
            f"model.view_size={size} must be less than image_size="
            f"{config.image_size}; give fewer pixels, or None for views of "
            "that size."
        )


def _check_text_lengths(config):
    check_lengths(config.model.text_lengths, config.tokenizer.context_length)


def _check_tokens(config):
    kind, text = config.tokenizer.kind, config.text_encoder
    if text["kind"] != "backbone":
        if kind == "keras_hub":
            raise InputError(
                f"tokenizer.kind={kind!r} fits the text encoder 'backbone', "
                f"and text_encoder.kind is {text['kind']!r}; choose 'backbone'."
            )
        return
    _, preset = find_text_backbone(text["backbone"])
    if preset is not None and kind != "keras_hub":
        raise InputError(
            f"text_encoder.backbone={text['backbone']!r} has learned other "
            f"tokens than those of tokenizer.kind={kind!r}; choose the kind "
            "'keras_hub'."
        )


def _check_best(config):
    building.check_choice("validation.best", config.validation.best, MEASURES)


def _check_prompts(config):
    prompt_templates(config.data.prompts)
    prompt_templates(config.evaluation.prompts)


def _sources(config):
    """Yields a check for each source that the configuration names."""
    for name, entry in config.data.train.items():
        section = f"data.train.{name}"
        yield functools.partial(_check_source, section, entry)
    if config.validation.every:
        source = config.validation.source
        yield functools.partial(_check_source, "validation.source", source)
    for group in TASK_GROUPS:
        for name, task in config.evaluation[group].items():
            section = f"evaluation.{group}.{name}"
            yield functools.partial(check_task, section, task)


def _check_source(section, entry, config):
    data.check_part(config, section, data.part_options(config, entry))
    weight = entry.get("weight", 1.0)
    if not ranges.is_number(weight) or weight < 0:
        raise InputError(
            f"{section}.weight={weight!r} is not allowed; give a number from 0."
        )


def _check_warmup(config):
    warmup = config.optimizer.warmup_steps
    if warmup >= config.steps:
        raise InputError(
            f"optimizer.warmup_steps={warmup} must be less than steps="
            f"{config.steps}; lower it or train longer."
        )


def _check_unfreezing(config):
    step = config.model.unfreeze_at_step
    if step and not config.model.frozen:
        raise InputError(
            f"model.unfreeze_at_step={step} is for weights that model.frozen "
            "names, and it names none; name some, or give 0."
        )
    if step >= config.steps:
        raise InputError(
            f"model.unfreeze_at_step={step} must be less than steps="
            f"{config.steps}; give 0 to keep weights frozen."
        )


def _check_executions(config):
    check_rest(config, 0)


def _check_precision(config):
    if config.distribution == "tpu" and config.precision == "mixed_float16":
        raise InputError(
            "precision='mixed_float16' is nothing that TPUs compute in; "
            "choose 'mixed_bfloat16'."
        )


def _check_chunks(config):
    size = config.model.gradient_cache_size
    if size and config.batch_size % size:
        raise InputError(
            f"batch_size={config.batch_size} is no multiple of "
            f"model.gradient_cache_size={size}; choose a divisor, or 0 to "
            "embed the whole batch at once."
        )


def _check_workers(config):
    workers = worker_count(config.distribution)
    if config.batch_size % workers:
        raise InputError(
            f"batch_size={config.batch_size} is no multiple of the {workers} "
            "workers of TF_CONFIG; choose one."
        )
