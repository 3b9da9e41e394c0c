"""Pauses the generator while the loss of the discriminator is high.

The discriminator learns in every step. The thresholds are shares of the loss of an untrained discriminator that always
returns 0, so they do not depend on the number of pictures in a step.
"""

from __future__ import annotations

from models.terrain_gan.params import BalanceConfig

KEEP = 0.99  # decay of the running ratio per step; the ratio is a mean over about a hundred steps


class Balance:
    """The switch. Its state is in `memory`, plain numbers that a checkpoint keeps."""

    def __init__(self, config: BalanceConfig, memory: dict[str, float]):
        self._config, self._memory = config, memory
        memory.update(resting=0.0, rested=0.0, judged=0.0, painted=0.0, forced=0.0)

    @property
    def ratio(self) -> float:
        """Running number of discriminator steps for each generator step; 1 before the first."""
        return self._memory["judged"] / self._memory["painted"] if self._memory["painted"] else 1.0

    @property
    def forced(self) -> float:
        """Running share of the generator steps that ran only because the pause had reached its limit."""
        return self._memory["forced"] / self._memory["painted"] if self._memory["painted"] else 0.0

    def turn(self, level: float | None) -> bool:
        """Whether the generator learns in this step.

        It pauses at `stop` and above, and learns again below `resume`. Between the two it keeps its state. It never
        pauses for more than `rest` steps, because the discriminator may need new pictures to learn from.

        Args:
            level: newest loss of the discriminator divided by CHANCE; None before the first step.
        """
        memory, config = self._memory, self._config
        if level is not None:
            memory["resting"] = float(level >= (config.resume if memory["resting"] else config.stop))
        owed = bool(memory["resting"]) and memory["rested"] >= config.rest
        learns = not memory["resting"] or owed
        memory["rested"] = 0.0 if learns else memory["rested"] + 1
        for name, now in (("judged", 1.0), ("painted", float(learns)), ("forced", float(owed))):
            memory[name] = KEEP * memory[name] + now
        return learns
