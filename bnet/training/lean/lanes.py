"""Sixteen float32 channels as one value in a numba kernel.

numba compiles with LLVM, which knows vectors: `<16 x float>` is one register with AVX-512, two with AVX2, four on ARM.
The functions here are the few vector operations that the kernels of `bnet.training.lean.kernels` need, each one LLVM
instruction or two, so that a kernel is as fast on its machine as a compiled one and needs no compiler to install.
"""

from __future__ import annotations

import math

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

WIDTH = 16
"""Channels in a value of type `Lanes`; a feature map has two."""
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""L and A of Klambauer et al. (2017)."""

_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
_CONTRACT = ("contract",)  # a product and a sum may be one instruction


class _Lanes(types.Type):
    def __init__(self):
        super().__init__(name="Lanes")


LANES = _Lanes()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _VECTOR)


def _address(context, builder, array_type, array, index):
    """Pointer to sixteen floats of a 1-D array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


def _load(builder, pointer):
    return builder.load(pointer, align=4, typ=_VECTOR)


def _fma(builder, a, b, c):
    return builder.fadd(builder.fmul(a, b, flags=_CONTRACT), c, flags=_CONTRACT)


@intrinsic
def load(typingctx, array, index):
    """The sixteen floats of a 1-D array from `index`."""

    def codegen(context, builder, signature, arguments):
        return _load(builder, _address(context, builder, signature.args[0], *arguments))

    return LANES(array, types.intp), codegen


@intrinsic
def store(typingctx, array, index, value):
    """Write sixteen floats into a 1-D array from `index`."""

    def codegen(context, builder, signature, arguments):
        pointer = _address(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES), codegen


@intrinsic
def zero(typingctx):
    """Sixteen zeros."""
    return LANES(), lambda context, builder, signature, arguments: ir.Constant(_VECTOR, None)


@intrinsic
def add(typingctx, a, b):
    """a + b"""
    return LANES(a, b), lambda context, builder, signature, arguments: builder.fadd(*arguments)


@intrinsic
def sub(typingctx, a, b):
    """a - b"""
    return LANES(a, b), lambda context, builder, signature, arguments: builder.fsub(*arguments)


@intrinsic
def fma(typingctx, a, b, c):
    """a * b + c"""
    return LANES(a, b, c), lambda context, builder, signature, arguments: _fma(builder, *arguments)


@intrinsic
def relu(typingctx, a):
    """The positive part; what is not a number stays so."""

    def codegen(context, builder, signature, arguments):
        nothing = ir.Constant(_VECTOR, None)
        return builder.select(builder.fcmp_ordered("<=", arguments[0], nothing), nothing, arguments[0])

    return LANES(a), codegen


@intrinsic
def where_positive(typingctx, y, a):
    """`a` where ``y > 0``, else 0."""

    def codegen(context, builder, signature, arguments):
        nothing = ir.Constant(_VECTOR, None)
        return builder.select(builder.fcmp_ordered("<=", arguments[0], nothing), nothing, arguments[1])

    return LANES(y, a), codegen


def _constant(value):
    return ir.Constant(_VECTOR, [value] * WIDTH)


def _exp_of_negative(builder, y):
    """e**y where y <= 0, within 2e-7; elsewhere 1. It is 2**n * 2**f, n whole and f, in [-0.5, 0.5], by its series."""
    inside = builder.select(builder.fcmp_ordered("<", y, _constant(0.0)), y, _constant(0.0))
    inside = builder.select(builder.fcmp_ordered(">", inside, _constant(-87.0)), inside, _constant(-87.0))
    power = builder.fmul(inside, _constant(math.log2(math.e)))
    rounding = _constant(1.5 * 2**23)  # added to a small number, its last bits are the nearest whole one
    shifted = builder.fadd(power, rounding)
    fraction = builder.fsub(power, builder.fsub(shifted, rounding))
    series = _constant(math.log(2) ** 6 / math.factorial(6))
    for k in range(5, -1, -1):
        series = _fma(builder, series, fraction, _constant(math.log(2) ** k / math.factorial(k)))
    bits = ir.VectorType(ir.IntType(32), WIDTH)
    exponent = builder.shl(builder.bitcast(shifted, bits), ir.Constant(bits, [23] * WIDTH))
    return builder.bitcast(builder.add(builder.bitcast(series, bits), exponent), _VECTOR)


@intrinsic
def selu(typingctx, a):
    """``L * a`` where ``a > 0``, else ``L * A * (e**a - 1)`` (Klambauer et al. 2017); what is not a number stays so."""

    def codegen(context, builder, signature, arguments):
        (y,) = arguments
        below = _fma(
            builder,
            _exp_of_negative(builder, y),
            _constant(SELU_SCALE * SELU_ALPHA),
            _constant(-SELU_SCALE * SELU_ALPHA),
        )
        return builder.select(
            builder.fcmp_unordered(">", y, _constant(0.0)), builder.fmul(y, _constant(SELU_SCALE)), below
        )

    return LANES(a), codegen


@intrinsic
def through_selu(typingctx, y, d):
    """The gradient `d` of ``selu(y)``, as that of `y`."""

    def codegen(context, builder, signature, arguments):
        y, d = arguments
        below = builder.fmul(_exp_of_negative(builder, y), _constant(SELU_SCALE * SELU_ALPHA))
        positive = builder.fcmp_unordered(">", y, _constant(0.0))
        return builder.fmul(d, builder.select(positive, _constant(SELU_SCALE), below))

    return LANES(y, d), codegen


@intrinsic
def where_equal(typingctx, x, y, a):
    """`a` where ``x == y``, else 0."""

    def codegen(context, builder, signature, arguments):
        x, y, a = arguments
        return builder.select(builder.fcmp_ordered("==", x, y), a, ir.Constant(_VECTOR, None))

    return LANES(x, y, a), codegen


@intrinsic
def larger(typingctx, a, b):
    """`a` where it is larger than `b`, else `b`."""

    def codegen(context, builder, signature, arguments):
        return builder.select(builder.fcmp_unordered(">", *arguments), *arguments)

    return LANES(a, b), codegen
