"""The step on TPUs, as far as it can be shown without one.

The strategy is TensorFlow's, only the TPU is made up: see `tpu_tracing`.
"""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_model as tiny
import tpu_tracing
from tensorflow.python.framework import kernels

from uniclip_keras import layers
from uniclip_keras import losses
from uniclip_keras import models
from uniclip_keras.losses import exchange
from uniclip_keras.training import PerWeightMuon

REPLICAS, ITEMS = 3, 8
# What a step may consist of. Add another operation only when XLA for TPUs has
# it: it fails there when the step is compiled, after all else is set up.
OPERATIONS = """
    Abs AddN AddV2 All AllToAll ArgMax AssignAddVariableOp AssignSubVariableOp
    AssignVariableOp BatchMatMulV2 BiasAdd BiasAddGrad BitwiseAnd BitwiseOr
    BroadcastGradientArgs BroadcastTo Cast ConcatOffset ConcatV2 Const
    CrossReplicaSum DivNoNan Equal Erfc Exp ExpandDims Fill FloorDiv FloorMod
    GatherV2 Greater GreaterEqual Identity IdentityN If InvertPermutation
    IsFinite LeftShift Less LessEqual Log Log1p LogicalAnd LogicalOr LowerBound
    MatMul Max Maximum Mean Min Minimum Mul Neg NoOp NotEqual OneHot Pack
    PartitionedCall Pow Range ReadVariableOp RealDiv Reciprocal Relu ReluGrad
    Reshape RightShift Rsqrt RsqrtGrad Select SelectV2 Shape Sigmoid Slice
    Softmax Softplus SplitV Sqrt Square SquaredDifference Squeeze StatelessIf
    StatelessWhile StopGradient StridedSlice StridedSliceGrad Sub Sum
    TensorScatterUpdate Tile TopKV2 Transpose Unpack UnsortedSegmentSum
    UpperBound While XlaDynamicUpdateSlice
"""


def make_model(policy="float32", clipnorm=None, **arguments):
    keras.config.set_dtype_policy(policy)
    try:
        model = tiny.make_model(**arguments)
    finally:
        keras.config.set_dtype_policy("float32")
    clipping = {"clipnorm": clipnorm} if clipnorm else {"global_clipnorm": 1.0}
    model.compile(PerWeightMuon(0.01, **clipping))
    return model


def make_cached_model():
    # The offset of a single pair cancels in the loss. Its gradient is rounding,
    # of which Adam would make a step.
    similarity = layers.DomainSimilarity(learn_offset=False)
    return make_model(
        # Below some of the gradients' norms, above others.
        clipnorm=0.2,
        objective=losses.MPNCE(similarity, pairs="image-text"),
        gradient_cache_size=4,
    )


def make_transformer():
    """A text encoder of one block, with gradients of all of its parts."""
    return models.clip_text(
        tiny.VOCABULARY, tiny.LENGTH, width=8, layers=1, heads=2
    )


def make_views_model():
    return make_model(
        "mixed_bfloat16",
        make_image=tiny.make_normalized_encoder,
        make_text=make_transformer,
        objective=losses.SLIP(tile_size=4),
    )


class Traced:
    """A model of a `TPUStrategy`, its step and the batches of its replicas."""

    def __init__(self, make, views):
        self.strategy = tpu_tracing.tpu_strategy(REPLICAS)
        with self.strategy.scope():
            self.model = make()
        self.batch = tiny.make_batch(REPLICAS * ITEMS, views)
        self.step = tpu_tracing.TpuStep(
            self.strategy, self.model, self.parts(self.batch)[0]
        )

    def parts(self, batch):
        split = {n: np.split(x, REPLICAS) for n, x in batch.items()}
        return [{n: x[r] for n, x in split.items()} for r in range(REPLICAS)]

    def values(self):
        """The variables as the replicas hold them: a list for each."""
        return [
            [x.numpy() for x in self.strategy.experimental_local_results(v)]
            for v in all_variables(self.model)
        ]


def all_variables(model):
    keras_variables = [*model.variables, *model.optimizer.variables]
    return [
        *(variable.value for variable in keras_variables),
        *model.recent_loss.variables,
        *model.counts.variables,
    ]


@pytest.fixture(scope="module")
def cached():
    return Traced(make_cached_model, views=2)


@pytest.fixture(scope="module")
def views():
    with pytest.MonkeyPatch.context() as patch:
        # Replicas exchange candidates in two parts.
        patch.setattr(exchange, "LEAST_ROWS", REPLICAS * ITEMS // 2)
        return Traced(make_views_model, views=3)


def test_replicas_take_the_step_of_one_device(cached):
    one = make_cached_model()
    tiny.fit_one(one, cached.batch)
    cached.step.run(cached.parts(cached.batch))
    after = [x.numpy() for x in all_variables(one)]
    for expected, copies in zip(after, cached.values(), strict=True):
        for copy in copies:
            np.testing.assert_allclose(copy, expected, rtol=1e-5, atol=2e-6)
    # A batch that is not finite on one replica changes nothing on any.
    before = cached.values()
    cached.step.run(cached.parts(tiny.spoiled(cached.batch)))
    changed = {
        variable.name
        for variable, old, new in zip(
            all_variables(cached.model), before, cached.values(), strict=True
        )
        if not np.array_equal(old, new)
    }
    assert changed == {"steps:0", "skipped:0", "skipped_in_a_row:0"}


def test_xla_compiles_the_step_with_static_shapes(views):
    hlo = views.step.hlo()
    sums = [c for c in views.step.collectives() if c[0] == "CrossReplicaSum"]
    assert len(re.findall(r" all-reduce\(", hlo)) == len(sums)
    for host in ("custom-call", "infeed", "outfeed", "send", "recv"):
        assert f" {host}(" not in hlo
    assert "<=" not in hlo  # The bound of a dimension that is not static.
    assert "f64[" not in hlo


def test_operations_are_those_of_tpus(cached, views):
    tf.function(lambda: tf.constant(0), jit_compile=True)()  # Loads kernels.
    found = cached.step.operations() | views.step.operations()
    assert found == set(OPERATIONS.split())
    for operation in found - set(tpu_tracing.COLLECTIVES):
        registered = kernels.get_registered_kernels_for_op(operation).kernel
        assert "XLA_CPU_JIT" in {k.device_type for k in registered}, operation


def test_replicas_exchange_32_bits(cached, views):
    for traced in (cached, views):
        collectives = traced.step.collectives()
        sums = [c for c in collectives if c[0] == "CrossReplicaSum"]
        assert {dtype for _, dtype, _ in sums} == {tf.float32, tf.int32}
        # The number of the optimizer's step, by Keras.
        assert [c for c in collectives if c not in sums] == [
            ("AllToAll", tf.int64, [REPLICAS])
        ]
