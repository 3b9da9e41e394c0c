"""Keeps a generator from running away from its judge.

The judge learns in every step. While its loss is high, it is behind, and the generator rests until it has
caught up. The band is in shares of the loss of a judge who knows nothing, so it means the same however many
pictures are judged in a step, and whatever that loss adds up.
"""

from __future__ import annotations

from models.terrain_gan.params import BalanceConfig

KEEP = 0.99  # of the running ratio a step: it looks back over about a hundred


class Balance:
    """The switch. Its whole state is in `memory`, plain numbers that a checkpoint keeps."""

    def __init__(self, config: BalanceConfig, memory: dict[str, float]):
        self._config, self._memory = config, memory
        memory.update(resting=0.0, rested=0.0, judged=0.0, painted=0.0, forced=0.0)

    @property
    def ratio(self) -> float:
        """Steps of the discriminator for each of the generator, lately; 1 before the first."""
        return self._memory["judged"] / self._memory["painted"] if self._memory["painted"] else 1.0

    @property
    def forced(self) -> float:
        """Share of the generator's late steps that it owed to the limit on its rest."""
        return self._memory["forced"] / self._memory["painted"] if self._memory["painted"] else 0.0

    def turn(self, level: float | None) -> bool:
        """Whether the generator learns in this step, at the newest loss of the judge over that of chance.

        Off at `stop` and above, on again below `resume`; in between it stays as it is. It never rests for more
        than `rest` steps: what a judge does not learn in so many, it may learn from other pictures.
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
