"""The step of a `TPUStrategy`: traced, compiled and run without a TPU.

`tf.distribute.TPUStrategy` traces a step once for all its replicas, into
operations for the TPU's compiler. Only running them takes a TPU. Here the
strategy is TensorFlow's own, but the description of its TPU is made up and its
variables lie on the CPU. `TpuStep` does with the operations what a CPU can:
XLA compiles those of a replica, and those of all replicas run in one graph.
"""

import functools
import itertools
import types

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.python.eager import context
from tensorflow.python.tpu.tpu_system_metadata import TPUSystemMetadata

HOST = "/job:localhost/replica:0/task:0/device:"
COLLECTIVES = ("AllToAll", "CollectivePermute", "CrossReplicaSum")


class TpuDescription(tf.distribute.cluster_resolver.ClusterResolver):
    """What a `TPUStrategy` asks of its cluster: one host and its cores."""

    def __init__(self, cores):
        self.cores = cores

    def get_tpu_system_metadata(self):
        devices = [
            types.SimpleNamespace(name=f"{HOST}TPU:{core}")
            for core in range(self.cores)
        ]
        return TPUSystemMetadata(self.cores, 1, self.cores, None, devices)

    def cluster_spec(self):
        return None

    def master(self, *arguments, **options):
        return ""


def tpu_strategy(replicas):
    """A `TPUStrategy` that makes variables and traces, but cannot run."""
    strategy = tf.distribute.TPUStrategy(TpuDescription(replicas))
    strategy.extended._tpu_devices[:] = f"{HOST}CPU:0"
    strategy._enable_packed_variable_in_eager_mode = False
    return strategy


class TpuStep:
    """A model's step as `TPUStrategy.run` traces it.

    Args:
        strategy: The `tpu_strategy` that the model was made under.
        model: A compiled model.
        batch: Dict of NumPy arrays like the batch of a replica.
    """

    def __init__(self, strategy, model, batch):
        with strategy.scope():
            model.optimizer.build(model.trainable_variables)
        self.replicas = strategy.num_replicas_in_sync
        self.example = batch

        def step(data):
            return strategy.run(model.train_step, args=(data,))

        shapes = {n: tf.TensorSpec(x.shape, x.dtype) for n, x in batch.items()}
        traced = tf.function(step, autograph=False)
        self.graph = traced.get_concrete_function(shapes).graph
        definition = self.graph.as_graph_def(add_shapes=True)
        # TensorFlow marks what runs on the TPU.
        self.nodes = [
            node
            for node in definition.node
            if "_tpu_replicate" in node.attr
            and node.op != "TPUReplicateMetadata"
        ]
        self.functions = definition.library.function
        self.inputs = [
            node for node in definition.node if node.op == "TPUReplicatedInput"
        ]
        self.outputs = [
            node.input[0]
            for node in definition.node
            if node.op == "TPUReplicatedOutput"
        ]

    def all_nodes(self):
        """Iterates over the nodes of the step and of its functions."""
        return itertools.chain(
            self.nodes, *(function.node_def for function in self.functions)
        )

    def operations(self):
        """Returns the names of the operations, a set."""
        return {node.op for node in self.all_nodes()}

    def collectives(self):
        """Lists operation, dtype and shape of what the replicas exchange."""
        return [
            (
                node.op,
                tf.dtypes.as_dtype(node.attr["T"].type),
                tf.TensorShape(node.attr["_output_shapes"].list.shape[0]),
            )
            for node in self.all_nodes()
            if node.op in COLLECTIVES
        ]

    def hlo(self):
        """Compiles one replica with XLA, its index unknown: text of the HLO.

        XLA for CPUs lacks the TPU's collectives. `XlaAllReduce` stands for
        `CrossReplicaSum`, with the same arguments and the same dtypes.
        """
        program = self._program([""])
        for node in _all_nodes(program):
            if node.op == "CrossReplicaSum":
                node.op = "XlaAllReduce"
                node.attr["reduce_op"].s = b"Add"
                node.attr["mode"].s = b"CrossReplica"

        @tf.function(jit_compile=True, autograph=False)
        def replica(index, batch):
            return self._import(program, {"": self._values(index, batch)})

        example = tf.constant(0), self.example
        return replica.experimental_get_compiler_ir(*example)(stage="hlo")

    def run(self, batches):
        """Takes a step on all replicas, on a list of a batch for each."""
        self._all_replicas(batches)

    @functools.cached_property
    def _all_replicas(self):
        """The step of all replicas, their sums those of a graph's tensors."""
        prefixes = [f"replica_{index}/" for index in range(self.replicas)]
        program = self._program(prefixes)
        for node in program.node:
            if node.op == "CrossReplicaSum":
                name = node.input[0].split("/", 1)[1]
                node.op = "AddN"
                node.input[:] = [prefix + name for prefix in prefixes]
                node.attr["N"].i = self.replicas

        @tf.function(autograph=False)
        def step(batches):
            values = {
                prefix: self._values(index, batch, index)
                for index, (prefix, batch) in enumerate(
                    zip(prefixes, batches, strict=True)
                )
            }
            return self._import(program, values)

        return step

    def _program(self, prefixes):
        """The operations of the step, once with each prefix of the names."""
        program = GraphDef()
        program.library.function.extend(self.functions)
        program.node.extend(
            _renamed(node, prefix) for prefix in prefixes for node in self.nodes
        )
        # Apart from the functions of the traced graph.
        for function in program.library.function:
            function.signature.name = f"copied_{function.signature.name}"
        for node in _all_nodes(program):
            for name in [n for n in node.attr if n.startswith("_")]:
                del node.attr[name]
            for attribute in node.attr.values():
                for function in (attribute.func, *attribute.list.func):
                    if function.name:
                        function.name = f"copied_{function.name}"
            if node.op == "AllToAll":
                # Sends all replicas what the first one holds: Keras does so
                # with the optimizer's steps, of which all hold the same.
                node.op = "Identity"
                del node.input[1:]
                for name in set(node.attr) - {"T"}:
                    del node.attr[name]
        return program

    def _values(self, index, batch, replica=0):
        """Maps the names of a replica's inputs to their values."""
        graph = tf.compat.v1.get_default_graph()
        captured = {inner.name: x for x, inner in self.graph.captures}
        arguments = {
            tensor.name: value
            for tensor, value in zip(
                self.graph.inputs, tf.nest.flatten(batch), strict=False
            )
        }
        values = {}
        for node in self.inputs:
            source = f"{node.input[replica]}:0"
            if source in captured:
                values[node.name] = graph.capture(captured[source])
            else:
                # The index of the replica is a constant of the graph.
                values[node.name] = arguments.get(source, index)
        return values

    def _import(self, program, values):
        """Adds a program to the graph: the outputs of its first replica."""
        for function in program.library.function:
            context.context().add_function_def(function)
        first = next(iter(values))
        return tf.graph_util.import_graph_def(
            program,
            input_map={
                prefix + name: tf.convert_to_tensor(value)
                for prefix, inputs in values.items()
                for name, value in inputs.items()
            },
            return_elements=[f"{first}{name}:0" for name in self.outputs],
            name="",
        )


def _renamed(node, prefix):
    """A copy of a node, its names with a prefix, for any device."""
    copy = NodeDef()
    copy.CopyFrom(node)
    copy.name = prefix + node.name
    copy.device = ""
    copy.input[:] = [
        f"^{prefix}{name[1:]}" if name.startswith("^") else prefix + name
        for name in node.input
        if not name.startswith("^TPUReplicateMetadata")
    ]
    return copy


def _all_nodes(program):
    return itertools.chain(
        program.node, *(f.node_def for f in program.library.function)
    )
