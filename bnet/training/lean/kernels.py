"""The loops of the lean step, in numba: each reads a range of rows or lines once, and writes its part of the result.

Maps lie in one array `memory`, in slots of `size` rows x 32 channels; a row is a pixel, a line all pixels of one frame.
Every kernel takes the range ``lo`` to ``hi`` first and the arrays of its sums last: ranges can run side by side;
sums are kept in float32 over few rows and added up in float64. Between them stand tuples: `slots` of what it reads and
writes; `final`, offset and slope of gradients that are not whole; `affine`, mean, scale and shift of normalisations
[each shape=(channels,)]; `shape`, height and width of the maps, then of what goes over them.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
from numba import njit

from bnet.paths import sha256
from bnet.training.lean.lanes import (
    WIDTH,
    add,
    fma,
    larger,
    load,
    relu,
    selu,
    store,
    sub,
    through_selu,
    where_equal,
    where_positive,
    zero,
)
from bnet.training.lean.plan import ACTIVATIONS, CHANNELS
from bnet.training.lean.products import COLUMNS, ROWS, multiply, multiply_transposed

BLOCK = 8 * ROWS
"""Rows of a block of the consumers' backward pass: what it keeps of them fits the cache."""
STRIP = 8
"""Lines that a convolution or a pool takes at a time."""
TILE = CHANNELS * CHANNELS
KINDS = {name: kind for kind, name in enumerate(ACTIVATIONS, 1)}
"""The activations, as `kind` tells a kernel what it does to a map before it reads it; 0: nothing, no normalisation."""
SELU = KINDS["selu"]


def sources(folder: Path) -> str:
    """SHA-256 over the modules of a folder."""
    return sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.py"))))


SOURCES = sources(Path(__file__).parent)
"""Of all that a kernel may hold inlined: numba itself looks only whether the kernel's own file has changed."""


def kernel(function):
    """Compile when first called, without Python's lock, and keep the result on disk where a folder can be written, for
    as long as `SOURCES` stay."""
    try:
        made = njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no folder for it
        return njit(nogil=True, error_model="numpy")(function)
    with contextlib.suppress(AttributeError):  # numba has no public way; a test says whether this one works
        made._cache._cache_file._source_stamp = SOURCES
    return made


@kernel
def flush(part, sums):
    for j in range(part.size):
        sums[j] += part[j]
        part[j] = 0


@kernel
def _sum_up(values, first, count, bias, biased, memory, at, part, where):
    """Add the bias, write `count` rows to memory, and add up their sums and squares from part[where]."""
    for v in range(0, CHANNELS, WIDTH):
        b = load(bias, biased + v)
        total, squares = load(part, where + v), load(part, where + CHANNELS + v)
        for k in range(count):
            y = add(load(values, first + k * CHANNELS + v), b)
            store(memory, at + k * CHANNELS + v, y)
            total = add(total, y)
            squares = fma(y, y, squares)
        store(part, where + v, total)
        store(part, where + CHANNELS + v, squares)


@kernel
def moments(array, first, count, part):
    """Sums and squares of `count` rows of an array, as `part` [shape=(64,)]."""
    for v in range(0, CHANNELS, WIDTH):
        total, squares = zero(), zero()
        for k in range(count):
            y = load(array, first + k * CHANNELS + v)
            total = add(total, y)
            squares = fma(y, y, squares)
        store(part, v, total)
        store(part, CHANNELS + v, squares)


@kernel
def activated(y, kind):
    """The activation of a value."""
    return selu(y) if kind == SELU else relu(y)


@kernel
def through_activation(y, d, kind):
    """The gradient `d` behind the activation of `y`, as that in front of it."""
    return through_selu(y, d) if kind == SELU else where_positive(y, d)


@kernel
def _activate(memory, at, count, kind, scale, shift, where, z, to):
    """z = activation(scale * x + shift) for `count` rows, or x itself."""
    for v in range(0, CHANNELS, WIDTH):
        if kind:
            s, t = load(scale, where + v), load(shift, where + v)
            for k in range(count):
                store(z, to + k * CHANNELS + v, activated(fma(load(memory, at + k * CHANNELS + v), s, t), kind))
        else:
            for k in range(count):
                store(z, to + k * CHANNELS + v, load(memory, at + k * CHANNELS + v))


@kernel
def _finalise(memory, grad_at, at, count, pending, offset, slope, where, d, to):
    """The whole gradient of `count` rows: where `pending`, with what flows through mean and variance added."""
    for v in range(0, CHANNELS, WIDTH):
        if pending:
            a, b = load(offset, where + v), load(slope, where + v)
            for k in range(count):
                g = load(memory, grad_at + k * CHANNELS + v)
                x = load(memory, at + k * CHANNELS + v)
                store(d, to + k * CHANNELS + v, add(g, fma(x, b, a)))
        else:
            for k in range(count):
                store(d, to + k * CHANNELS + v, load(memory, grad_at + k * CHANNELS + v))


@kernel
def read_forward(lo, hi, memory, size, slots, kinds, affine, weights, bias, sums):
    """1x1 convolutions of the activated feature maps: rows `lo` to `hi` of every target.

    scale, shift [shape=(targets * sources * 32,)], weights [shape=(targets * sources * 32 * 32,)], bias
    [shape=(targets * 32,)]; `sums` [shape=(targets * 64,)] gains the sums and squares of the targets.
    """
    (sources, targets), (_, scale, shift) = slots, affine
    n, consumers = sources.size, targets.size
    z = np.zeros(n * ROWS * CHANNELS, np.float32)
    out = np.empty(ROWS * CHANNELS, np.float32)
    part = np.zeros(consumers * 2 * CHANNELS, np.float32)
    kept = 0
    for row in range(lo, hi, ROWS):
        count = min(ROWS, hi - row)
        for r in range(consumers):
            for i in range(n):
                at = (sources[i] * size + row) * CHANNELS
                _activate(memory, at, count, kinds[r], scale, shift, (r * n + i) * CHANNELS, z, i * ROWS * CHANNELS)
            multiply(z, 0, ROWS * CHANNELS, n, CHANNELS, weights, r * n * TILE, out, 0)
            at = (targets[r] * size + row) * CHANNELS
            _sum_up(out, 0, count, bias, r * CHANNELS, memory, at, part, r * 2 * CHANNELS)
        kept += 1
        if kept == BLOCK // ROWS:
            flush(part, sums)
            kept = 0
    flush(part, sums)


@kernel
def through(memory, at, count, kind, mean, mean_at, scale, shift, where, dz, grad, to, part):
    """Gradient of `count` rows through activation and scale, added to `grad`; its sums go to `part`."""
    for v in range(0, CHANNELS, WIDTH):
        if kind:
            m, s, t = load(mean, mean_at + v), load(scale, where + v), load(shift, where + v)
            total, product = load(part, v), load(part, CHANNELS + v)
            for k in range(count):
                x = load(memory, at + k * CHANNELS + v)
                dy = through_activation(fma(x, s, t), load(dz, k * CHANNELS + v), kind)
                total = add(total, dy)
                product = fma(dy, sub(x, m), product)
                g = to + k * CHANNELS + v
                store(grad, g, fma(dy, s, load(grad, g)))
            store(part, v, total)
            store(part, CHANNELS + v, product)
        else:
            for k in range(count):
                g = to + k * CHANNELS + v
                store(grad, g, add(load(dz, k * CHANNELS + v), load(grad, g)))


@kernel
def _rows_sum(d, first, count, part, where):
    for v in range(0, CHANNELS, WIDTH):
        total = load(part, where + v)
        for k in range(count):
            total = add(total, load(d, first + k * CHANNELS + v))
        store(part, where + v, total)


@kernel
def clear(array, first, count):
    for j in range(first, first + count):
        array[j] = 0


@kernel
def gather(
    lo, hi, memory, size, slots, fresh, pending, final, kinds, affine, transposed, weight_grads, sums, bias_sums
):
    """Backward pass of all consumers of some feature maps at once; what the consumers activated is computed again.

    Adds to the gradients of the feature maps, or writes them where `fresh`. A target's gradient is finalised and
    written back where it is `pending`, with offset and slope [shape=(targets * 32,)]. mean [shape=(sources * 32,)];
    scale, shift [shape=(targets * sources * 32,)]; `transposed` holds the weights with inputs and outputs swapped.

    Sums: weight_grads [shape=(targets * sources * 32 * 32,)], sums [shape=(targets * sources * 64,)] of dy and of
    dy * (x - mean), bias_sums [shape=(targets * 32,)], those of what was finalised.
    """
    (sources, source_grads, targets, target_grads), (offset, slope), (mean, scale, shift) = slots, final, affine
    n, consumers = sources.size, targets.size
    z = np.zeros(BLOCK * CHANNELS, np.float32)
    d = np.zeros(consumers * BLOCK * CHANNELS, np.float32)
    dz = np.empty(ROWS * CHANNELS, np.float32)
    grad = np.empty(BLOCK * CHANNELS, np.float32)
    part = np.zeros(2 * CHANNELS, np.float32)
    bias_part = np.zeros(consumers * CHANNELS, np.float32)
    for row in range(lo, hi, BLOCK):
        count = min(BLOCK, hi - row)
        for r in range(consumers):
            to = r * BLOCK * CHANNELS
            if count < BLOCK:
                clear(d, to, BLOCK * CHANNELS)
            at, grad_at = (targets[r] * size + row) * CHANNELS, (target_grads[r] * size + row) * CHANNELS
            _finalise(memory, grad_at, at, count, pending[r], offset, slope, r * CHANNELS, d, to)
            if pending[r]:
                _rows_sum(d, to, count, bias_part, r * CHANNELS)
                memory[grad_at : grad_at + count * CHANNELS] = d[to : to + count * CHANNELS]
        flush(bias_part, bias_sums)
        for i in range(n):
            at, grad_at = (sources[i] * size + row) * CHANNELS, (source_grads[i] * size + row) * CHANNELS
            if fresh:
                clear(grad, 0, count * CHANNELS)
            else:
                grad[: count * CHANNELS] = memory[grad_at : grad_at + count * CHANNELS]
            for r in range(consumers):
                place, to, kind = r * n + i, r * BLOCK * CHANNELS, kinds[r]
                _activate(memory, at, count, kind, scale, shift, place * CHANNELS, z, 0)
                for c in range(0, CHANNELS, COLUMNS):
                    multiply_transposed(z, c, 0, 1, count, d, to, weight_grads, place * TILE + c * CHANNELS)
                for k in range(0, count, ROWS):
                    here, rows = k * CHANNELS, min(ROWS, count - k)
                    multiply(d, to + here, 0, 1, CHANNELS, transposed, place * TILE, dz, 0)
                    own, where = i * CHANNELS, place * CHANNELS
                    through(memory, at + here, rows, kind, mean, own, scale, shift, where, dz, grad, here, part)
                flush(part, sums[place * 2 * CHANNELS : (place + 1) * 2 * CHANNELS])
            memory[grad_at : grad_at + count * CHANNELS] = grad[: count * CHANNELS]


@kernel
def strip(memory, size, slot, line, hi, before, left, shape, pitch, kind, scale, shift, z):
    """The next lines, at most `STRIP` and of one clip: how many; into z what a convolution of them looks at, activated,
    from `before` lines above them, with a border of zeros."""
    height, width, kh, _ = shape
    h, first = line % height, (slot * size + line * width) * CHANNELS
    lines = min(STRIP, hi - line, height - h)
    for j in range(lines + kh - 1):
        g = h + j - before
        to = j * pitch + left * CHANNELS
        if 0 <= g < height:
            _activate(memory, first + (j - before) * width * CHANNELS, width, kind, scale, shift, 0, z, to)
        else:
            clear(z, to, width * CHANNELS)
    return lines


@kernel
def conv_forward(lo, hi, memory, size, slots, kind, affine, weights, bias, shape, sums):
    """A convolution of one activated feature map, 'same' padding: lines `lo` to `hi` of the target.

    weights [shape=(kh * kw * 32 * 32,)]; `sums` [shape=(64,)] gains sums and squares of the target.
    """
    (source, target), (_, scale, shift), (_, width, kh, kw) = slots, affine, shape
    top, left = (kh - 1) // 2, (kw - 1) // 2
    pitch = (width + kw - 1 + ROWS) * CHANNELS
    z = np.zeros((STRIP + kh - 1) * pitch, np.float32)
    out = np.empty(ROWS * CHANNELS, np.float32)
    part = np.zeros(2 * CHANNELS, np.float32)
    line = lo
    while line < hi:
        lines = strip(memory, size, source, line, hi, top, left, shape, pitch, kind, scale, shift, z)
        for j in range(lines):
            at = (target * size + (line + j) * width) * CHANNELS
            for w in range(0, width, ROWS):
                multiply(z, j * pitch + w * CHANNELS, pitch, kh, kw * CHANNELS, weights, 0, out, 0)
                _sum_up(out, 0, min(ROWS, width - w), bias, 0, memory, at + w * CHANNELS, part, 0)
            flush(part, sums)
        line += lines


@kernel
def conv_backward(lo, hi, memory, size, slots, final, kind, affine, transposed, shape, weight_grads, sums, bias_sums):
    """Backward pass of `conv_forward`: writes the gradient of the feature map, which nothing else reads.

    `transposed` holds the weights with kernel mirrored, inputs and outputs swapped. Sums as in `gather`.
    """
    (source, source_grad, target, target_grad), (height, width, kh, kw) = slots, shape
    (offset, slope), (mean, scale, shift) = final, affine
    top, left = (kh - 1) // 2, (kw - 1) // 2
    under, right = kh - 1 - top, kw - 1 - left
    pitch = (width + kw - 1 + ROWS) * CHANNELS
    z = np.zeros((STRIP + kh - 1) * pitch, np.float32)
    d = np.zeros((STRIP + kh - 1) * pitch, np.float32)
    dz = np.empty(ROWS * CHANNELS, np.float32)
    grad = np.empty(ROWS * CHANNELS, np.float32)
    part = np.zeros(2 * CHANNELS, np.float32)
    bias_part = np.zeros(CHANNELS, np.float32)
    line = lo
    while line < hi:
        h = line % height
        lines = strip(memory, size, source, line, hi, top, left, shape, pitch, kind, scale, shift, z)
        for j in range(lines + kh - 1):
            g = h + j - under
            to = j * pitch + right * CHANNELS
            if 0 <= g < height:
                step = (line + j - under) * width
                at, grad_at = (target * size + step) * CHANNELS, (target_grad * size + step) * CHANNELS
                _finalise(memory, grad_at, at, width, True, offset, slope, 0, d, to)
            else:
                clear(d, to, width * CHANNELS)
        for j in range(lines):
            here = (j + under) * pitch + right * CHANNELS
            _rows_sum(d, here, width, bias_part, 0)
            for dh in range(kh):
                for c in range(0, kw * CHANNELS, COLUMNS):
                    to = (dh * kw * CHANNELS + c) * CHANNELS
                    multiply_transposed(z, (j + dh) * pitch + c, 0, 1, width, d, here, weight_grads, to)
            at = (source * size + (line + j) * width) * CHANNELS
            grad_at = (source_grad * size + (line + j) * width) * CHANNELS
            for w in range(0, width, ROWS):
                rows = min(ROWS, width - w)
                multiply(d, j * pitch + w * CHANNELS, pitch, kh, kw * CHANNELS, transposed, 0, dz, 0)
                clear(grad, 0, ROWS * CHANNELS)
                through(memory, at + w * CHANNELS, rows, kind, mean, 0, scale, shift, 0, dz, grad, 0, part)
                to = grad_at + w * CHANNELS
                memory[to : to + rows * CHANNELS] = grad[: rows * CHANNELS]
            flush(part, sums)
            flush(bias_part, bias_sums)
        line += lines


@kernel
def norm_forward(lo, hi, memory, size, slots, kind, affine, sums):
    """The activated feature map itself: rows `lo` to `hi` of the target, with their sums and squares [shape=(64,)]."""
    (source, target), (_, scale, shift) = slots, affine
    part = np.zeros(2 * CHANNELS, np.float32)
    nothing = np.zeros(CHANNELS, np.float32)
    z = np.empty(BLOCK * CHANNELS, np.float32)
    for row in range(lo, hi, BLOCK):
        count = min(BLOCK, hi - row)
        _activate(memory, (source * size + row) * CHANNELS, count, kind, scale, shift, 0, z, 0)
        _sum_up(z, 0, count, nothing, 0, memory, (target * size + row) * CHANNELS, part, 0)
        flush(part, sums)


@kernel
def norm_backward(lo, hi, memory, size, slots, final, kind, affine, sums):
    """Backward pass of `norm_forward`: writes the gradient of the feature map."""
    (source, source_grad, target, target_grad), (offset, slope), (mean, scale, shift) = slots, final, affine
    part = np.zeros(2 * CHANNELS, np.float32)
    d = np.empty(BLOCK * CHANNELS, np.float32)
    grad = np.empty(BLOCK * CHANNELS, np.float32)
    for row in range(lo, hi, BLOCK):
        count = min(BLOCK, hi - row)
        at, to = (source * size + row) * CHANNELS, (source_grad * size + row) * CHANNELS
        target_at, grad_at = (target * size + row) * CHANNELS, (target_grad * size + row) * CHANNELS
        _finalise(memory, grad_at, target_at, count, True, offset, slope, 0, d, 0)
        clear(grad, 0, count * CHANNELS)
        through(memory, at, count, kind, mean, 0, scale, shift, 0, d, grad, 0, part)
        memory[to : to + count * CHANNELS] = grad[: count * CHANNELS]
        flush(part, sums)


@kernel
def pool_forward(lo, hi, memory, size, slots, shape, sums):
    """The largest of kh x kw pixels around each: lines `lo` to `hi` of the target, with sums and squares."""
    (source, target), (height, width, kh, kw) = slots, shape
    top, left = (kh - 1) // 2, (kw - 1) // 2
    tall = np.empty(width * CHANNELS, np.float32)
    part = np.zeros(2 * CHANNELS, np.float32)
    for line in range(lo, hi):
        h = line % height
        start, end = max(0, h - top) - h, min(height, h - top + kh) - h
        for j in range(0, width * CHANNELS, WIDTH):
            best = load(memory, (source * size + (line + start) * width) * CHANNELS + j)
            for dh in range(start + 1, end):
                best = larger(best, load(memory, (source * size + (line + dh) * width) * CHANNELS + j))
            store(tall, j, best)
        at = (target * size + line * width) * CHANNELS
        for v in range(0, CHANNELS, WIDTH):
            total, squares = zero(), zero()
            for w in range(width):
                start, end = max(0, w - left), min(width, w - left + kw)
                best = load(tall, start * CHANNELS + v)
                for g in range(start + 1, end):
                    best = larger(best, load(tall, g * CHANNELS + v))
                store(memory, at + w * CHANNELS + v, best)
                total = add(total, best)
                squares = fma(best, best, squares)
            store(part, v, total)
            store(part, CHANNELS + v, squares)
        flush(part, sums)


@kernel
def pool_backward(lo, hi, memory, size, slots, fresh, final, shape):
    """The pool's gradient, for lines `lo` to `hi` of the feature map: each goes to the first pixel that is the largest.

    Adds to the gradient of the feature map, or writes it where `fresh`.
    """
    (source, source_grad, target, target_grad), (height, width, kh, kw), (offset, slope) = slots, shape, final
    top, left = (kh - 1) // 2, (kw - 1) // 2
    under = kh - 1 - top
    grad = np.empty((STRIP + 2 * (kh - 1)) * width * CHANNELS, np.float32)
    line = lo
    while line < hi:
        h = line % height
        lines = min(STRIP, hi - line, height - h)
        begin, end = max(0, h - under), min(height, h + lines + top)  # outputs that look at these lines
        base = begin - top  # image line of grad's first
        clear(grad, 0, grad.size)
        image = line - h
        for o in range(begin, end):
            at = (target * size + (image + o) * width) * CHANNELS
            grad_at = (target_grad * size + (image + o) * width) * CHANNELS
            for v in range(0, CHANNELS, WIDTH):
                a, b = load(offset, v), load(slope, v)
                for w in range(width):
                    best = load(memory, at + w * CHANNELS + v)
                    d = add(load(memory, grad_at + w * CHANNELS + v), fma(best, b, a))
                    for g in range(max(0, o - top), min(height, o - top + kh)):
                        for u in range(max(0, w - left), min(width, w - left + kw)):
                            x = load(memory, (source * size + (image + g) * width + u) * CHANNELS + v)
                            taken = where_equal(x, best, d)
                            to = ((g - base) * width + u) * CHANNELS + v
                            store(grad, to, add(load(grad, to), taken))
                            d = sub(d, taken)
        for j in range(lines):
            to = (source_grad * size + (line + j) * width) * CHANNELS
            here = (h + j - base) * width * CHANNELS
            for k in range(0, width * CHANNELS, WIDTH):
                g = load(grad, here + k)
                store(memory, to + k, g if fresh else add(load(memory, to + k), g))
        line += lines


@kernel
def clip_moments(lo, hi, memory, size, slots, shape, sums):
    """Sums and squares of lines `lo` to `hi`, clip by clip [shape=(clips * 64,)]."""
    (source,), (height, width) = slots, shape
    part = np.zeros(2 * CHANNELS, np.float32)
    for line in range(lo, hi):
        moments(memory, (source * size + line * width) * CHANNELS, width, part)
        clip = line // height
        flush(part, sums[clip * 2 * CHANNELS : (clip + 1) * 2 * CHANNELS])


@kernel
def scale_forward(lo, hi, memory, size, slots, gate, shape):
    """Each channel of each clip times its gate [shape=(clips * 32,)]: lines `lo` to `hi` of the target."""
    (source, target), (height, width) = slots, shape
    for line in range(lo, hi):
        at, to = (source * size + line * width) * CHANNELS, (target * size + line * width) * CHANNELS
        for v in range(0, CHANNELS, WIDTH):
            g = load(gate, line // height * CHANNELS + v)
            for w in range(v, width * CHANNELS, CHANNELS):
                store(memory, to + w, fma(load(memory, at + w), g, zero()))


@kernel
def scale_backward(lo, hi, memory, size, slots, final, gate, shape, sums):
    """Backward pass of `scale_forward`: writes the gradient of the feature map.

    `sums` [shape=(clips * 32,)] gains that of the gates.
    """
    (source, source_grad, target, target_grad), (offset, slope), (height, width) = slots, final, shape
    d = np.empty(width * CHANNELS, np.float32)
    part = np.zeros(CHANNELS, np.float32)
    for line in range(lo, hi):
        first, clip = line * width, line // height
        at, to = (source * size + first) * CHANNELS, (source_grad * size + first) * CHANNELS
        target_at, grad_at = (target * size + first) * CHANNELS, (target_grad * size + first) * CHANNELS
        _finalise(memory, grad_at, target_at, width, True, offset, slope, 0, d, 0)
        for v in range(0, CHANNELS, WIDTH):
            g, total = load(gate, clip * CHANNELS + v), zero()
            for w in range(v, width * CHANNELS, CHANNELS):
                whole = load(d, w)
                total = fma(whole, load(memory, at + w), total)
                store(memory, to + w, fma(whole, g, zero()))
            store(part, v, total)
        flush(part, sums[clip * CHANNELS : (clip + 1) * CHANNELS])


BY_ROWS = (read_forward, gather, norm_forward, norm_backward)
"""The kernels whose range is of rows; the others' is of lines."""
