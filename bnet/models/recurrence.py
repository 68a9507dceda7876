"""A recurrent layer for maps. A network that was saved with it wants `bnet` imported to be loaded."""

from __future__ import annotations

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("bnet")
class BandLSTM(layers.Layer):
    """An LSTM along the frames of each mel band by itself, with the same weights for all bands.

    Maps [shape=(batch, frames, bands, channels)] to the output sequence [shape=(batch, frames, bands, units)].
    """

    def __init__(self, units: int, kernel_initializer: str = "glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.lstm = layers.LSTM(units, return_sequences=True, kernel_initializer=kernel_initializer, name="lstm")

    def build(self, input_shape):
        """Make the LSTM's weights, for sequences of the input's channels."""
        self.lstm.build((None, input_shape[1], input_shape[3]))
        self.built = True

    def call(self, x):
        """Bands become part of the batch, and come back."""
        bands, channels = x.shape[2], x.shape[3]
        frames = ops.shape(x)[1]
        sequences = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, frames, channels))
        y = ops.reshape(self.lstm(sequences), (-1, bands, frames, self.lstm.units))
        return ops.transpose(y, (0, 2, 1, 3))

    def compute_output_shape(self, input_shape):
        """The input's shape, with units for channels."""
        return (*input_shape[:3], self.lstm.units)

    def get_config(self):
        """For saving the layer."""
        initializer = keras.initializers.serialize(self.lstm.kernel_initializer)
        return {**super().get_config(), "units": self.lstm.units, "kernel_initializer": initializer}
