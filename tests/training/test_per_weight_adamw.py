"""AdamW by weight, against NumPy, Keras' own, and itself after a reload."""

import contextlib

import keras
import numpy as np
import pytest
import tiny_model as tiny

from uniclip_keras.errors import InputError
from uniclip_keras.training import PerWeightAdamW
from uniclip_keras.training import PerWeightMuon
from uniclip_keras.training import adamw
from uniclip_keras.training import averaged_weights
from uniclip_keras.training import freeze
from uniclip_keras.training import weight_names

SHAPES = {"kernel": (3, 2), "bias": (2,), "position": (2, 3), "late": (2, 2)}
DECAYS = (True, False, False, True)
FACTORS, STARTS, STEPS = (0.5, 1.0, 0.1, 2.0), (0, 0, 0, 3), 7
OPTIONS = dict(weight_decay=0.3, beta_1=0.9, beta_2=0.95, epsilon=1e-3)
CLIP, MOMENTUM = 1.5, 0.8


def rate(step):
    return 0.05 * 0.5 ** (step / 4)


def twin(weights, steps):
    """AdamW (Loshchilov & Hutter, 2019) in float64; returns weights, means."""
    weights = [w.astype("float64") for w in weights]
    first, second, means = (
        [np.zeros_like(w) for w in weights] for _ in range(3)
    )
    b1, b2 = OPTIONS["beta_1"], OPTIONS["beta_2"]
    for step, gradients in enumerate(steps):
        training = [i for i, start in enumerate(STARTS) if step >= start]
        norm = np.sqrt(sum((gradients[i] ** 2).sum() for i in training))
        for i in training:
            gradient = gradients[i] * min(1, CLIP / norm)
            own = rate(step) * FACTORS[i]
            if DECAYS[i]:
                weights[i] -= own * OPTIONS["weight_decay"] * weights[i]
            first[i] = b1 * first[i] + (1 - b1) * gradient
            second[i] = b2 * second[i] + (1 - b2) * gradient**2
            updates = step - STARTS[i] + 1
            own *= np.sqrt(1 - b2**updates) / (1 - b1**updates)
            weights[i] -= (
                own * first[i] / (np.sqrt(second[i]) + OPTIONS["epsilon"])
            )
        for weight, mean in zip(weights, means, strict=True):
            share = 1 - MOMENTUM if step else 1
            mean += share * (weight - mean)
    return weights, means


@pytest.mark.parametrize("loss_scale", [None, 1024.0])
def test_equals_numpy(loss_scale):
    rng = np.random.default_rng(0)
    variables = [
        keras.Variable(rng.normal(size=shape), name=name)
        for name, shape in SHAPES.items()
    ]
    start = tiny.values(variables)
    steps = [
        [rng.normal(size=shape) for shape in SHAPES.values()]
        for _ in range(STEPS)
    ]
    optimizer = inner = PerWeightAdamW(
        keras.optimizers.schedules.ExponentialDecay(0.05, 4, 0.5),
        FACTORS,
        STARTS,
        global_clipnorm=CLIP,
        use_ema=True,
        ema_momentum=MOMENTUM,
        **OPTIONS,
    )
    if loss_scale:
        optimizer = keras.optimizers.LossScaleOptimizer(inner, loss_scale)
    optimizer.build(variables)
    for number, gradients in enumerate(steps):
        scaled = [np.float32(g * (loss_scale or 1)) for g in gradients]
        optimizer.apply(scaled, variables)
        if number < STARTS[-1]:
            np.testing.assert_array_equal(variables[-1], start[-1])
            np.testing.assert_array_equal(
                inner._model_variables_moving_average[-1], start[-1]
            )
    for found, expected in zip(
        (variables, inner._model_variables_moving_average),
        twin(start, steps),
        strict=True,
    ):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_without_options_it_is_kerass(eager_steps):
    """Bit by bit, through the step of a model."""
    found = []
    for kind in (keras.optimizers.AdamW, None):
        model = tiny.make_model(seed=3)
        optimizer = adamw(model, 1e-2, 9, 1, weight_decay=0.3, clip_norm=0.1)
        if kind is not None:
            config = optimizer.get_config()
            for name in ("factors", "starts", "learning_rate"):
                config.pop(name)
            optimizer = kind(optimizer._learning_rate, **config)
            optimizer.exclude_from_weight_decay(
                [v for v in model.trainable_variables if len(v.shape) < 2]
            )
        model.compile(optimizer)
        for seed in range(3):
            model.train_on_batch(tiny.make_batch(seed=seed))
        found.append(
            tiny.values([*model.weights, *model.optimizer.variables[1:]])
        )
    for stock, own in zip(*found, strict=True):
        np.testing.assert_array_equal(own, stock)


def make_transformers(muon):
    model = tiny.make_transformers()
    optimizer = adamw(
        model,
        1e-2,
        9,
        weight_decay=0.5,
        layer_decay=0.5,
        learning_rates=(("*/positions/*", 0.0),),
        ema_momentum=0.5,
        frozen=("text_encoder/*",),
        unfreeze_at_step=1,
        muon=muon,
    )
    model.compile(optimizer, run_eagerly=True)
    return model


def batch(seed):
    rng = np.random.default_rng(seed)
    return {
        "views": rng.random((4, 2, 8, 8, 3), "float32"),
        "augmentations": rng.random((4, 2, 11), "float32"),
        "tokens": rng.integers(1, 20, (4, 5)).astype("int32"),
        "id": np.arange(4),
    }


@pytest.mark.parametrize("muon", [False, True])
def test_a_loaded_model_goes_on_as_the_saved_one(muon, tmp_path):
    model = make_transformers(muon)
    model.train_on_batch(batch(0))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.optimizer) is (PerWeightMuon if muon else PerWeightAdamW)
    for one in (model, again):
        for seed in range(1, 3):
            one.train_on_batch(batch(seed))
    for ours, loaded in zip(
        [*model.weights, *model.optimizer.variables],
        [*again.weights, *again.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_allclose(loaded, ours, 1e-6, 1e-6, err_msg=ours.path)
    assert again.optimizer._decays == model.optimizer._decays
    assert len(set(again.optimizer._decays)) == 2


def test_frozen_weights_train_from_their_step_on(eager_steps):
    frozen, late = tiny.make_transformers(), tiny.make_transformers()
    late.set_weights(frozen.get_weights())
    patterns = ("text_encoder/*",)
    freeze(frozen, patterns)
    options = dict(steps=9, clip_norm=0.1, weight_decay=0.3)
    frozen.compile(adamw(frozen, 1e-2, **options))
    late.compile(
        adamw(late, 1e-2, frozen=patterns, unfreeze_at_step=2, **options)
    )
    start = late.text_encoder.get_weights()
    for seed in range(2):
        for model in (frozen, late):
            model.train_on_batch(batch(seed))
    for before, weight in zip(start, late.text_encoder.weights, strict=True):
        np.testing.assert_array_equal(weight, before)
    # The others learn as if it was not there: the norm does not count it.
    for one, other in zip(frozen.weights, late.weights, strict=True):
        np.testing.assert_allclose(other, one, 1e-5, 1e-6, err_msg=one.path)
    late.train_on_batch(batch(2))
    moved = [
        np.abs(weight - before).max()
        for before, weight in zip(start, late.text_encoder.weights, strict=True)
    ]
    # The first step of an AdamW is the learning rate, and no more.
    assert np.median(moved) == pytest.approx(9e-3, rel=0.2)
    assert max(moved) < 1.3e-2


def test_replicas_and_skipped_batches(two_replicas):
    """Averages of two replicas are those of one, and skips leave them."""
    data, states = tiny.make_batch(), []

    def step(model, batch):
        if model.distribute_strategy is two_replicas:
            tiny.step_on_replicas(two_replicas, model, batch)
        else:
            model.train_on_batch(batch)

    for strategy in (None, two_replicas):
        with two_replicas.scope() if strategy else contextlib.nullcontext():
            model = tiny.make_model(
                augmentation_units=None, projection_blocks=0
            )
            model.compile(
                adamw(
                    model,
                    1e-2,
                    9,
                    clip_norm=0.1,
                    learning_rates=(("text_encoder/*", 0.1),),
                    ema_momentum=0.5,
                    frozen=("image_encoder/*",),
                    unfreeze_at_step=1,
                    muon=True,
                ),
                run_eagerly=strategy is None,
            )
        for _ in range(3):
            step(model, data)
        before = tiny.state(model)
        step(model, tiny.spoiled(data))
        for name, value in tiny.state(model).items():
            np.testing.assert_array_equal(value, before[name], err_msg=name)
        raw = tiny.values(model.trainable_variables)
        with averaged_weights(model):
            averages = tiny.values(model.trainable_variables)
        again = tiny.values(model.trainable_variables)
        assert all(map(np.array_equal, raw, again))
        assert not any(map(np.array_equal, raw, averages))
        states.append([*raw, *averages])
    for one, two in zip(*states, strict=True):
        np.testing.assert_allclose(two, one, 1e-4, 1e-5)


def test_what_cannot_be():
    model = tiny.make_transformers()
    with pytest.raises(InputError, match="stem_norm_0/moving_mean.*init_from"):
        adamw(model, 1e-2, 9, frozen=["image_encoder/*"], unfreeze_at_step=3)
    optimizer = adamw(model, 1e-2, 9, layer_decay=0.5)
    freeze(model, ["image_encoder/*"])
    with pytest.raises(InputError, match=r"knows \d+ weights.*trains \d+"):
        optimizer.build(model.trainable_variables)
    assert len(weight_names(model)) > len(model.trainable_variables)
