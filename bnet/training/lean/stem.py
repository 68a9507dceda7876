"""The kernels of the stem: convolution of the log-mel, normalisation, activation, max-pool; nothing kept between.

The log-mel has one channel, so its convolution is a product of patches of kh * kw numbers, cheap enough to be computed
three times: for its mean and variance, for the pooled feature map, and in the backward pass. Beside the tuples of
`kernels` stand `layer`: log-mels, weights and bias; `shape`: frames and bands of the log-mels, height and width of the
kernel; and `pooled`: height and width of the feature map, and of the pool.
"""

from __future__ import annotations

import numpy as np

from bnet.training.lean.kernels import activated, clear, flush, kernel, moments, through_activation
from bnet.training.lean.lanes import WIDTH, add, fma, larger, load, store, sub, where_equal
from bnet.training.lean.plan import CHANNELS
from bnet.training.lean.products import COLUMNS, ROWS, multiply, multiply_transposed


@kernel
def _patches(x, line, in_height, width, kh, kw, patches):
    """What the kernel sees at each band of one line [shape=(width, 32)], zeros from kh * kw on."""
    top, left = (kh - 1) // 2, (kw - 1) // 2
    h = line % in_height
    for dh in range(kh):
        g = h + dh - top
        for dw in range(kw):
            k = dh * kw + dw
            for w in range(width):
                u = w + dw - left
                inside = 0 <= g < in_height and 0 <= u < width
                patches[w * CHANNELS + k] = x[(line + dh - top) * width + u] if inside else np.float32(0)


@kernel
def _convolve(x, line, in_height, width, kh, kw, weights, bias, patches, out):
    """The convolution of one line [shape=(width, 32)], rows beyond `width` are of no meaning."""
    _patches(x, line, in_height, width, kh, kw, patches)
    for w in range(0, width, ROWS):
        multiply(patches, w * CHANNELS, 0, 1, kh * kw, weights, 0, out, w * CHANNELS)
    for v in range(0, CHANNELS, WIDTH):
        b = load(bias, v)
        for w in range(width):
            store(out, w * CHANNELS + v, add(load(out, w * CHANNELS + v), b))


@kernel
def stem_moments(lo, hi, layer, shape, sums):
    """Sums and squares [shape=(64,)] of the convolution over lines `lo` to `hi` of the log-mels."""
    (x, weights, bias), (in_height, width, kh, kw) = layer, shape
    patches = np.zeros((width + ROWS) * CHANNELS, np.float32)
    out = np.empty((width + ROWS) * CHANNELS, np.float32)
    part = np.zeros(2 * CHANNELS, np.float32)
    for line in range(lo, hi):
        _convolve(x, line, in_height, width, kh, kw, weights, bias, patches, out)
        moments(out, 0, width, part)
        flush(part, sums)


@kernel
def stem_forward(lo, hi, memory, size, slots, layer, kind, affine, shape, pooled, sums):
    """Lines `lo` to `hi` of the pooled feature map [shape=(height, bands, 32) per clip], their sums and squares."""
    (target,), (x, weights, bias), (_, scale, shift) = slots, layer, affine
    (in_height, width, kh, kw), (height, bands, ph, pw) = shape, pooled
    patches = np.zeros((width + ROWS) * CHANNELS, np.float32)
    out = np.empty((width + ROWS) * CHANNELS, np.float32)
    part = np.zeros(2 * CHANNELS, np.float32)
    for line in range(lo, hi):
        at = (target * size + line * bands) * CHANNELS
        for j in range(ph):
            from_line = line // height * in_height + line % height * ph + j
            _convolve(x, from_line, in_height, width, kh, kw, weights, bias, patches, out)
            for v in range(0, CHANNELS, WIDTH):
                s, t = load(scale, v), load(shift, v)
                for w in range(bands):
                    best = activated(fma(load(out, w * pw * CHANNELS + v), s, t), kind)
                    for u in range(1, pw):
                        best = larger(best, activated(fma(load(out, (w * pw + u) * CHANNELS + v), s, t), kind))
                    to = at + w * CHANNELS + v
                    if j:
                        best = larger(load(memory, to), best)
                    store(memory, to, best)
        moments(memory, at, bands, part)
        flush(part, sums)


@kernel
def stem_backward(
    lo, hi, memory, size, slots, final, layer, kind, affine, shape, pooled, sums, by_gradient, by_map, patch_sums
):
    """Sums over the log-mel's pixels from which the stem's gradients follow.

    `sums` [shape=(64,)]: of dy, the gradient at the activation's input, and of dy * (c - mean), c the convolution;
    `by_gradient` and `by_map` [shape=(32 * 32,)]: of patch x dy and patch x (c - mean); `patch_sums` [shape=(32,)].
    """
    (target, target_grad), (offset, slope), (x, weights, bias), (mean, scale, shift) = slots, final, layer, affine
    (in_height, width, kh, kw), (height, bands, ph, pw) = shape, pooled
    line_floats = (width + ROWS) * CHANNELS
    patches = np.zeros(ph * line_floats, np.float32)
    out = np.empty(ph * line_floats, np.float32)
    grad = np.zeros(ph * line_floats, np.float32)
    part = np.zeros(2 * CHANNELS, np.float32)
    patch_part = np.zeros(CHANNELS, np.float32)
    one, two = np.zeros(CHANNELS * CHANNELS, np.float32), np.zeros(CHANNELS * CHANNELS, np.float32)
    for line in range(lo, hi):
        h = line % height
        from_line = line // height * in_height + h * ph
        left_over = in_height - height * ph if h == height - 1 else 0  # lines that the pool leaves out
        for first in range(0, ph + left_over, ph):
            lines = min(ph, ph + left_over - first)
            for j in range(lines):
                own = slice(j * line_floats, (j + 1) * line_floats)
                _convolve(x, from_line + first + j, in_height, width, kh, kw, weights, bias, patches[own], out[own])
            clear(grad, 0, grad.size)
            if first == 0:
                at = (target * size + line * bands) * CHANNELS
                grad_at = (target_grad * size + line * bands) * CHANNELS
                for v in range(0, CHANNELS, WIDTH):
                    a, b, s, t, m = load(offset, v), load(slope, v), load(scale, v), load(shift, v), load(mean, v)
                    total, product = load(part, v), load(part, CHANNELS + v)
                    for w in range(bands):
                        best = load(memory, at + w * CHANNELS + v)
                        d = add(load(memory, grad_at + w * CHANNELS + v), fma(best, b, a))
                        top = fma(load(out, w * pw * CHANNELS + v), s, t)  # the activation keeps the order
                        for j in range(ph):
                            for u in range(pw):
                                c = load(out, j * line_floats + (w * pw + u) * CHANNELS + v)
                                top = larger(top, fma(c, s, t))
                        for j in range(ph):
                            for u in range(pw):
                                here = j * line_floats + (w * pw + u) * CHANNELS + v
                                c = load(out, here)
                                y = fma(c, s, t)
                                taken = where_equal(y, top, d)
                                d = sub(d, taken)
                                dy = through_activation(y, taken, kind)
                                store(grad, here, dy)
                                total = add(total, dy)
                                product = fma(dy, sub(c, m), product)
                    store(part, v, total)
                    store(part, CHANNELS + v, product)
            for j in range(lines):
                here = j * line_floats
                for v in range(0, CHANNELS, WIDTH):
                    m, total = load(mean, v), load(patch_part, v)
                    for w in range(width):
                        to = here + w * CHANNELS + v
                        store(out, to, sub(load(out, to), m))
                        total = add(total, load(patches, to))
                    store(patch_part, v, total)
                for c in range(0, kh * kw, COLUMNS):
                    multiply_transposed(patches, here + c, 0, 1, width, grad, here, one, c * CHANNELS)
                    multiply_transposed(patches, here + c, 0, 1, width, out, here, two, c * CHANNELS)
                flush(patch_part, patch_sums)
        flush(part, sums)
        flush(one, by_gradient)
        flush(two, by_map)
