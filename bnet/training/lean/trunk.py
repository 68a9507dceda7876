"""A network up to its transition, forward and backward: which operation is done on which maps, and when.

The words and the idea are those of `bnet.training.lean`. A feature map's gradient is gathered once, from all its
consumers, when it is its turn; normalised and activated maps are recomputed then, block of rows by block of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnet.training.lean import kernels
from bnet.training.lean.depthwise import Depthwise
from bnet.training.lean.memory import Map
from bnet.training.lean.operations import Affine, Arrays, channels, finalising
from bnet.training.lean.plan import CHANNELS, Convolution
from bnet.training.lean.recurrence import Recurrence
from bnet.training.lean.workers import Idle


@dataclass
class _Consumer:
    """A consumer in the backward pass: its gradient is known, and its feature maps' follow from it one after the other.

    Parameters
    ----------
    step, sources, target
        What it is, the feature maps that it read and the maps that it wrote.
    affine, transposed
        Its normalisation, and its weights [shape=(sources, 32, 32)] with inputs and outputs swapped.
    finalised
        Whether its gradient holds what flows through mean and variance.
    """

    step: Convolution
    sources: Sequence[Map]
    target: Map
    affine: Affine
    transposed: np.ndarray
    finalised: bool = False

    def __post_init__(self):
        self.left = len(self.sources)


class Trunk(Depthwise, Recurrence):
    """Runs a plan: a forward pass, then (where it was for training) one backward pass.

    Parameters
    ----------
    plan
        What to compute.
    epsilon
        That every normalisation adds to its variances.
    workers
        Run the kernels; None: on all cores.
    """

    def forward(self, x: np.ndarray, weights: Arrays, moving: Arrays | None = None) -> tuple[np.ndarray, Arrays]:
        """Compute the transition's convolution.

        Parameters
        ----------
        x
            Log-mels [shape=(batch, frames, bands)].
        weights
            Of the plan's layers, by ``"<layer>/<name>"``, with Keras's names: ``kernel``, ``bias``, ``gamma``, ...
        moving
            ``"<layer>/moving_mean"`` and ``moving_variance``, to infer with; None to train: with the batch's own.

        Returns
        -------
        tuple
            Maps [shape=(batch, frames, bands, 32) after the stem's pool], and ``"<layer>/mean"`` and ``variance`` of
            the batch for every normalisation (nothing when inferring).
        """
        self.count_slots(weights)
        self.begin(x, weights, moving)
        features, pooled = self._made([self._stem()]), {}
        for number, block in enumerate(self.plan.blocks):
            ends = {}
            whole = [branch for branch in block if not branch[0].makes]
            for pool in dict.fromkeys(branch[0].pool for branch in whole):
                group = [branch for branch in whole if branch[0].pool == pool]
                sources = features if pool is None else self._pooled(features, pool, pooled)
                ends |= dict(zip(group, self._read(sources, [branch[0] for branch in group]), strict=True))
            made = []
            for branch in block:
                separable = branch[0].makes
                made += self._separable(features, branch[0]) if separable else [self._follow(ends[branch], branch[1:])]
            made = self._excite(made, self.plan.excitations[number]) if self.plan.excitations else made
            features = [*features, *self._made(made)]
        for maps in pooled.values():
            self.memory.give(maps, "slot")
        (self.last,) = self._read(features, [self.plan.transition])
        return self.memory.rows(self.last.slot).reshape(len(x), self.height, self.bands, CHANNELS), self.found

    def backward(self, gradient: np.ndarray) -> Arrays:
        """Gradients by the names of the weights, from that of the maps that `forward` gave. Ends what it kept."""
        self.results: Arrays = {}
        self.open: list[_Consumer] = []
        self.memory.new_grad(self.last)
        np.copyto(self.memory.rows(self.last.grad), gradient.reshape(-1, CHANNELS))
        while self.tape:
            self.tape.pop()()
        return self.results

    def count_slots(self, weights: Arrays) -> int:
        """The most slots that are in use at a time: found once, by a step of one pixel that computes nothing."""
        if not self.slots:
            trial = Trunk(self.plan, self.epsilon, Idle())
            trial.slots = 100 * sum(getattr(step, "makes", 0) or 1 for step in self.plan.steps)
            with np.errstate(all="ignore"):  # its maps are whatever lies in memory
                maps, _ = trial.forward(np.zeros((1, *self.plan.stem.pool), np.float32), weights)
                trial.backward(maps)
            self.slots = trial.memory.most
        return self.slots

    def _follow(self, maps: Map, steps: Sequence[Convolution]) -> Map:
        """What comes after the consumer in a branch."""
        for step in steps:
            operation = self._lstm if step.recurrent else self._conv if step.conv else self._norm
            source, maps = maps, operation(maps, step)
            if self.moving is not None:
                self.memory.give(source)
        return maps

    def _made(self, features: list[Map]) -> list[Map]:
        """Feature maps that were made together: in the backward pass, their gradients are gathered here."""
        self._remember(lambda: self._gather(features))
        return features

    def _pooled(self, features: list[Map], pool: tuple[int, int], known: dict) -> list[Map]:
        """The pooled feature maps; those made before are taken from `known`."""
        shape = (self.height, self.bands, *pool)
        new = [feature for feature in features if (feature, pool) not in known]
        made = [Map(self.memory.take()) for _ in new]
        for source, target in zip(new, made, strict=True):
            known[source, pool] = target
            (sums,) = self._run(kernels.pool_forward, (source.slot, target.slot), shape)
            self._note(target, sums)

        def back():
            for source, target in zip(new, made, strict=True):  # again: forward did not keep them
                target.slot = self.memory.take()
                self._run(kernels.pool_forward, (source.slot, target.slot), shape)
            self._gather(made)
            for source, target in zip(new, made, strict=True):
                fresh = self.memory.new_grad(source)
                slots = (source.slot, source.grad, target.slot, target.grad)
                self._run(kernels.pool_backward, slots, fresh, finalising([target]), shape, sums=())
                self.memory.give(target)

        self._remember(back)
        return [known[feature, pool] for feature in features]

    def _separable(self, features: list[Map], step: Convolution) -> list[Map]:
        """The maps of a separable convolution: consumers of all feature maps, each convolved channel by channel."""
        own, consumers = self._convolved(features, step), self._pointwise(step)
        made = self._read(own, consumers)
        for maps in own:
            self.memory.give(maps, "slot")
        return made

    def _read(self, sources: list[Map], consumers: list[Convolution]) -> list[Map]:
        """Consumers of the same feature maps, in one pass over them."""
        targets = [Map(self.memory.take()) for _ in consumers]
        affines = [self._affine(consumer.norm, sources) for consumer in consumers]
        weights, biases = zip(*(self._conv_weights(consumer.conv) for consumer in consumers), strict=True)
        (sums,) = self._run(
            kernels.read_forward,
            (np.array([m.slot for m in sources]), np.array([m.slot for m in targets])),
            np.array([self._kind(consumer.norm) for consumer in consumers]),
            tuple(map(np.concatenate, zip(*(affine[:3] for affine in affines), strict=True))),
            np.concatenate(weights),
            np.concatenate(biases),
            sums=(len(consumers) * 2 * CHANNELS,),
        )
        for target, total in zip(targets, sums.reshape(len(consumers), -1), strict=True):
            self._note(target, total)

        def back():
            for target, consumer, affine, own in zip(targets, consumers, affines, weights, strict=True):
                transposed = np.ascontiguousarray(own.reshape(-1, CHANNELS, CHANNELS).transpose(0, 2, 1))
                self.open.append(_Consumer(consumer, sources, target, affine, transposed))
                self.results[f"{consumer.conv}/kernel"] = np.empty((1, 1, len(sources) * CHANNELS, CHANNELS))

        self._remember(back)
        return targets

    def _gather(self, features: list[Map]) -> None:
        """Gradients of feature maps from all their consumers, whose own gradients are known."""
        consumers = [consumer for consumer in self.open if features[0] in consumer.sources]
        places = [[consumer.sources.index(feature) for feature in features] for consumer in consumers]
        affines = [
            [consumer.affine.of(place) for place in own] for consumer, own in zip(consumers, places, strict=True)
        ]
        targets = [consumer.target for consumer in consumers]
        fresh = [self.memory.new_grad(feature) for feature in features]
        pending = np.array([not consumer.finalised for consumer in consumers])
        transposed = np.concatenate([consumer.transposed[own] for consumer, own in zip(consumers, places, strict=True)])
        weight_grads, sums, bias_grads = self._run(
            kernels.gather,
            (
                np.array([feature.slot for feature in features]),
                np.array([feature.grad for feature in features]),
                np.array([m.slot if m.slot is not None else -1 for m in targets]),
                np.array([m.grad for m in targets]),
            ),
            fresh[0],
            pending,
            finalising(targets),
            np.array([self._kind(consumer.step.norm) for consumer in consumers]),
            (
                np.concatenate([feature.mean for feature in features]).astype(np.float32),
                *(np.concatenate([affine[i] for own in affines for affine in own]) for i in (1, 2)),
            ),
            transposed.reshape(-1),
            sums=(len(transposed) * 2 * CHANNELS, len(consumers) * CHANNELS),
            products=(transposed.size,),
        )
        weight_grads = weight_grads.reshape(len(consumers), len(features), CHANNELS, CHANNELS)
        sums = sums.reshape(len(consumers), len(features), -1)
        for r, consumer in enumerate(consumers):
            if not consumer.finalised:
                self.results[f"{consumer.step.conv}/bias"] = bias_grads[channels(r)]
                self.memory.give(consumer.target, "slot")
                consumer.finalised = True
            for i, (feature, place) in enumerate(zip(features, places[r], strict=True)):
                self.results[f"{consumer.step.conv}/kernel"][0, 0, channels(place)] = weight_grads[r, i]
                if consumer.step.norm:
                    self._norm_back(consumer.step.norm, affines[r][i], sums[r, i], self.size, feature, channels(place))
            consumer.left -= len(features)
            if not consumer.left:
                self.memory.give(consumer.target, "grad")
