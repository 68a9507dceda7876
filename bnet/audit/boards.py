"""Small computers of the kinds that 'embedded' may mean, with the memory that their makers state. None was at hand."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB = 2**10, 2**20


@dataclass(frozen=True)
class Board:
    """One small computer.

    Parameters
    ----------
    name
        Board or chip.
    kind
        ``microcontroller`` or ``single-board computer``.
    ram, storage
        Memory for what is computed, and for program and network, in bytes, as the maker states it; None: a card, as
        large as one likes.
    source
        Whose data sheet says so.
    """

    name: str
    kind: str
    ram: int
    storage: int | None
    source: str

    def holds(self, ram: int, storage: int) -> bool:
        """Whether something that needs so many bytes of each could run, were nothing else there."""
        return ram <= self.ram and (self.storage is None or storage <= self.storage)


BOARDS: tuple[Board, ...] = (
    Board("Arduino Nano 33 BLE", "microcontroller", 256 * KIB, 1 * MIB, "Arduino, Nordic nRF52840"),
    Board("Raspberry Pi Pico", "microcontroller", 264 * KIB, 2 * MIB, "Raspberry Pi, RP2040"),
    Board("STM32H743", "microcontroller", 1 * MIB, 2 * MIB, "STMicroelectronics"),
    Board("ESP32-S3 with 8 MB of PSRAM", "microcontroller", 512 * KIB + 8 * MIB, 16 * MIB, "Espressif, WROOM-1-N16R8"),
    Board("Raspberry Pi Zero 2 W", "single-board computer", 512 * MIB, None, "Raspberry Pi"),
    Board("Raspberry Pi 5", "single-board computer", 2048 * MIB, None, "Raspberry Pi, smallest in 2024"),
)
