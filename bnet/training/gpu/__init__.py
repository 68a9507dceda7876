"""The lean training step for JAX, made for a GPU and right wherever JAX runs; the plain graph's mathematics.

It follows the plan of `bnet.training.lean.plan`, and the same three facts: mean and variance of a feature map are
computed once, when it is made; a 1x1 convolution of a concatenation is a sum of products; what is cheap is recomputed
in the backward pass. A GPU asks for few, large operations, so two things differ from the CPU's step:

- The maps that the branches of a block add lie side by side in one array, a **group**, for every later block reads them
  together. A group is concatenated once, when it is made; the growing concatenation of all groups never is.
- The **consumers** of a block (normalisation, ReLU and a 1x1 convolution of all groups so far) are one batched matrix
  product per group.

`trunk` is the plan as a pure function of arrays, which XLA compiles; `consumers` reads groups for all consumers of a
block, in `jax.numpy` or, by `kernels`, in two Pallas kernels; `model` hands it to the Keras model that trains a plain
network's own weights.
"""
