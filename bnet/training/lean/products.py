"""A small matrix product held in registers, for numba kernels: C[rows, 32] (+)= A @ B."""

from __future__ import annotations

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

from bnet.training.lean.lanes import _VECTOR, WIDTH, _fma, _load
from bnet.training.lean.plan import CHANNELS

ROWS = 12
"""Rows that `multiply` makes at a time."""
COLUMNS = 8
"""Rows that `multiply_transposed` makes at a time."""


def wide() -> bool:
    """Whether numba compiles for 32 registers of 16 lanes (AVX-512); else half as many accumulators are held."""
    features = config.CPU_FEATURES or llvmlite.binding.get_host_cpu_features().flatten()
    return "+avx512f" in features.split(",")


def _spread(builder, scalar):
    lane = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), None)
    return builder.shuffle_vector(lane, ir.Constant(_VECTOR, ir.Undefined), zeros)


def _product(rows: int, row_stride, k_stride, accumulate: bool):
    """Code of C[rows, 32] (+)= sum over segments of A[rows, K] @ B[K, 32], with C in registers while it sums.

    `row_stride` and `k_stride` give the place of A's element (row, k) in floats.
    """
    per_pass, vectors = (rows, 2) if wide() else (rows // 2, 1)

    def emit(context, builder, signature, arguments):
        at, a, a_from, segment, segments, length, b, b_from, c, c_from = signature.args, *arguments
        size, one = ir.IntType(64), ir.FloatType()
        left = context.make_array(at[0])(context, builder, a).data
        right = context.make_array(at[5])(context, builder, b).data
        out = context.make_array(at[7])(context, builder, c).data
        const = lambda value: ir.Constant(size, value)  # noqa: E731

        def vector_at(base, index):
            return builder.bitcast(builder.gep(base, [index]), _VECTOR.as_pointer())

        for first in range(0, rows, per_pass):
            for lane in range(0, 2, vectors):
                sums = [[cgutils.alloca_once(builder, _VECTOR) for _ in range(vectors)] for _ in range(per_pass)]
                places = [
                    [
                        vector_at(out, builder.add(c_from, const((first + i) * CHANNELS + (lane + j) * WIDTH)))
                        for j in range(vectors)
                    ]
                    for i in range(per_pass)
                ]
                for i in range(per_pass):
                    for j in range(vectors):
                        start = _load(builder, places[i][j]) if accumulate else ir.Constant(_VECTOR, None)
                        builder.store(start, sums[i][j])
                with cgutils.for_range(builder, segments, intp=size) as outer:
                    row = builder.add(a_from, builder.mul(outer.index, segment))
                    column = builder.add(b_from, builder.mul(builder.mul(outer.index, length), const(CHANNELS)))
                    with cgutils.for_range(builder, length, intp=size) as inner:
                        k = inner.index
                        line = builder.add(column, builder.mul(k, const(CHANNELS)))
                        weights = [
                            _load(builder, vector_at(right, builder.add(line, const((lane + j) * WIDTH))))
                            for j in range(vectors)
                        ]
                        here = builder.add(row, builder.mul(k, const(k_stride)))
                        for i in range(per_pass):
                            place = builder.gep(left, [builder.add(here, const((first + i) * row_stride))])
                            x = _spread(builder, builder.load(place, typ=one))
                            for j in range(vectors):
                                total = _fma(builder, x, weights[j], builder.load(sums[i][j], typ=_VECTOR))
                                builder.store(total, sums[i][j])
                for i in range(per_pass):
                    for j in range(vectors):
                        builder.store(builder.load(sums[i][j], typ=_VECTOR), places[i][j], align=4)
        return context.get_dummy_value()

    return emit


def _signature(a, b, c):
    n = types.intp
    return types.void(a, n, n, n, n, b, n, c, n)


@intrinsic
def multiply(typingctx, a, a_from, segment, segments, length, b, b_from, c, c_from):
    """C[12, 32] = sum over segments s of A_s[12, length] @ B_s[length, 32]; all are 1-D arrays with a first index.

    Row i of A_s starts at ``a_from + s * segment + 32 * i``; the B_s follow each other.
    """
    return _signature(a, b, c), _product(ROWS, CHANNELS, 1, accumulate=False)


@intrinsic
def multiply_transposed(typingctx, a, a_from, segment, segments, length, b, b_from, c, c_from):
    """C[8, 32] += A[length, 8]^T @ B[length, 32], where the rows of A are 32 floats apart."""
    return _signature(a, b, c), _product(COLUMNS, 1, CHANNELS, accumulate=True)
