"""Sums over blocks of rows, with gradients recomputed block by block."""

import tensorflow as tf

# A block of logits of at most this many elements stays near the caches and
# still keeps every core busy.
BLOCK_ELEMENTS = 2**22


def sum_over_row_blocks(function, rows, aside, shared, block_size):
    """`function(rows, aside, shared)` summed over blocks of rows.

    Only one block's intermediate values exist at a time, in the forward and
    in the backward pass: memory grows with the rows, not with rows x
    candidates. The result is that of one call over all rows.

    Args:
        function: `(rows [r, dim], tuple of [r, ...], shared) -> scalar`, a sum
            over its rows.
        rows: float tensor `[n, dim]`; gets a gradient.
        aside: tuple of tensors `[n, ...]` sliced with the rows, without
            gradient (ids, indices, weights).
        shared: list of float tensors that every block sees whole; they get
            gradients.
        block_size: rows per block; the last block may be smaller. None makes
            one block of everything, differentiated directly.

    Returns:
        float32 scalar.
    """
    if block_size is None:
        return function(rows, aside, shared)
    count = tf.shape(rows)[0]
    blocks = -(-count // block_size)

    def block(index, rows):
        window = slice(index * block_size, (index + 1) * block_size)
        return rows[window], tuple(x[window] for x in aside)

    @tf.custom_gradient
    def summed(rows, *shared):
        def add_block(index, total):
            return index + 1, total + function(*block(index, rows), shared)

        # One block at a time: parallel iterations would hold many blocks.
        _, value = tf.while_loop(
            lambda index, _: index < blocks,
            add_block,
            (0, tf.zeros([], tf.float32)),
            parallel_iterations=1,
        )

        def grad(upstream):
            def add_gradients(index, row_gradients, shared_gradients):
                block_rows, block_aside = block(index, rows)
                with tf.GradientTape() as tape:
                    tape.watch([block_rows, *shared])
                    value = function(block_rows, block_aside, shared)
                row_gradient, *gradients = tape.gradient(
                    value,
                    [block_rows, *shared],
                    output_gradients=upstream,
                    unconnected_gradients=tf.UnconnectedGradients.ZERO,
                )
                sums = [
                    total + gradient
                    for total, gradient in zip(
                        shared_gradients, gradients, strict=True
                    )
                ]
                return (
                    index + 1,
                    row_gradients.write(index, row_gradient),
                    sums,
                )

            row_gradients = tf.TensorArray(
                rows.dtype,
                size=blocks,
                infer_shape=False,
                element_shape=[None, *rows.shape[1:]],
            )
            _, row_gradients, shared_gradients = tf.while_loop(
                lambda index, *_: index < blocks,
                add_gradients,
                (0, row_gradients, [tf.zeros_like(x) for x in shared]),
                parallel_iterations=1,
            )
            return [row_gradients.concat(), *shared_gradients]

        return value, grad

    return summed(rows, *shared)


def choose_block_size(rows, candidates):
    """Rows per block for `rows x candidates` logits; None: all in one.

    Args:
        rows, candidates: static counts, or None where unknown.
    """
    if rows is None or candidates is None:
        return 1024
    if rows * candidates <= BLOCK_ELEMENTS:
        return None
    return max(1, BLOCK_ELEMENTS // candidates)
