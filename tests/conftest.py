"""Two logical CPU devices and quick tracing for the whole suite."""

import contextlib
import ctypes
import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras  # noqa: E402
import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow.python.framework.ops import gradient_registry  # noqa: E402

from uniclip_keras import xla  # noqa: E402
from uniclip_keras.models import UniCLIP  # noqa: E402

# Replicas run on logical devices, made before TensorFlow initializes any.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
# Optimizing a graph takes longer than it saves over a few runs, and so does
# compiling the small functions of a model; see `with_xla`.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
has_xla, xla._has_xla = xla._has_xla, lambda: False


# The longest files start first, so that no process is left with one at the end.
LONGEST = (
    "test_pretrain.py",
    "test_docs.py",
    "test_strategies.py",
    "test_configs.py",
    "test_positions.py",
)


def pytest_collection_modifyitems(items):
    def place(item):
        name = item.path.name
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


def pytest_collection_finish():
    # Traversing the half million objects of the imports would take a second
    # of each later collection.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def with_xla():
    """XLA compiles small functions, as it does outside of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xla, "_has_xla", has_xla)
        xla.compiled.cache_clear()
        yield
    xla.compiled.cache_clear()


@pytest.fixture
def eager_steps(monkeypatch):
    """Models take their steps eagerly: a few take less time than one trace."""

    def compile(model, *arguments, **options):
        options.setdefault("run_eagerly", True)
        return keras.Model.compile(model, *arguments, **options)

    monkeypatch.setattr(UniCLIP, "compile", compile)


@pytest.fixture(autouse=True)
def fixed_seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module", autouse=True)
def no_leftovers():
    """Frees the graphs of a module, which are cycles of objects."""
    yield
    keras.backend.clear_session()
    # TensorFlow registers the gradient of each traced `tf.custom_gradient` for
    # ever, and with it the graph that it is in.
    gradients = gradient_registry._registry
    for name in [n for n in gradients if n.startswith("CustomGradient-")]:
        del gradients[name]
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        # glibc keeps freed memory; other C libraries lack this function.
        ctypes.CDLL(None).malloc_trim(0)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Keeps the cache of sample counts in a folder of the tests."""
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))


@pytest.fixture(params=["float32", "mixed_float16", "mixed_bfloat16"])
def policy(request):
    """Runs a test under each dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


@pytest.fixture(scope="session")
def two_replicas():
    """The only mirrored strategy: two in one process share collective keys."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
