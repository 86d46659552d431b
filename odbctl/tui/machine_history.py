"""What the machine did in the last minutes, kept in memory by the reader."""

from __future__ import annotations

from collections import deque

from odbctl.engine.api.machine import MachineSample, read_machine
from odbctl.tui.resource_rows import MachineLoad

SAMPLES_KEPT = 120
SAMPLE_SECONDS = 1.0


class MachineHistory:
    """Samples of the machine, one a second at most."""

    def __init__(self) -> None:
        self._before: MachineSample | None = None
        self._due_at = 0.0
        self._cpu = deque[float](maxlen=SAMPLES_KEPT)
        self._ram = deque[float](maxlen=SAMPLES_KEPT)
        self._load: MachineLoad | None = None

    def load(self, now: float) -> MachineLoad | None:
        """Return the history, with a sample of now if one is due; `now` is monotonic."""
        if now >= self._due_at:
            self._due_at = now + SAMPLE_SECONDS
            self.add(read_machine())
        return self._load

    def add(self, sample: MachineSample | None) -> None:
        """Add a sample; processors are known from the second on."""
        before, self._before = self._before, sample
        if sample is None:
            return
        if before is not None and (ticks := sample.all_ticks - before.all_ticks) > 0:
            self._cpu.append(100.0 * (sample.busy_ticks - before.busy_ticks) / ticks)
        used = sample.ram_bytes - sample.ram_available_bytes
        self._ram.append(100.0 * used / max(sample.ram_bytes, 1))
        self._load = MachineLoad(
            cpu_percents=tuple(self._cpu),
            ram_percents=tuple(self._ram),
            ram_bytes=sample.ram_bytes,
        )
