"""From sound, or from a picture of its spectrogram, to what a network takes in."""
