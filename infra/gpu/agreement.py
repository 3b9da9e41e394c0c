"""Check of numbers: bf16 against fp32, GPU against processor, a resumed run against an unbroken one.

The tiles are synthetic. The checks cover the dataset's method with its parameters, and all methods with their defaults.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from infra.gpu.device import fresh, peak_gib
from infra.gpu.work import Job, Note, told
from models.core.artifact import build_method, finished
from models.core.checkpoint import Checkpoints
from models.core.config import LoopConfig, SpeedConfig
from models.core.loop import train
from models.core.method import Batch, State
from models.core.record import method as record_of
from models.core.record import methods
from models.core.speed import compile_networks, lay_out

CLASSES, GSD, THREADS = 5, 90.0, 1
LOSS_BF16 = 0.03  # relative; bf16 has 8 bits of mantissa, and a loss is a mean over many values
GRADIENT_BF16 = 0.05  # 1 - cosine of all gradients
SAMPLE_DEVICE = 1e-3  # relative root mean square: float32 on both, sums in another order
SAMPLE_BF16 = 0.1
SAMPLE_LAYOUT = 1e-3
LOSS_COMPILED = 0.1  # another generator draws the masks of dropout
RESUMED = 1e-3  # relative distance of all weights; or three times that of two equal runs
STEPS = 8


def run(job: Job, note: Note) -> None:
    """Check all methods. A row holds the largest difference found, its tolerance, and whether the check passed."""
    cases = {f"{job.train['method']['name']} of {job.dataset}": job.train["method"]}
    cases |= {f"{name} by default": {"name": name} for name in methods() if not job.toy}
    for title, method in cases.items():
        with told(note, title):
            case = Case.of(job, method)
            for name, check in CHECKS.items():
                if job.left < 5:
                    note({"name": f"{title}: {name}", "problem": "left out: the time is over"})
                    continue
                with told(note, f"{title}: {name}"):
                    row = check(case)
                    if row is not None:
                        note({"name": f"{title}: {name}", **row})
            note({"name": f"{title}: memory of these checks", "gib": peak_gib()})


@dataclass(frozen=True)
class Case:
    """One method on made-up tiles.

    Attributes:
        config: as of `config.json`. batch: encoded tiles, on the CPU. px: side of a tile.
        root: the checkout or bundle, where files of weights lie.
    """

    config: dict[str, Any]
    batch: Batch
    px: int
    root: Path

    @staticmethod
    def of(job: Job, values: Mapping[str, Any]) -> Case:
        """Validate the parameters and measure the encoding."""
        record, (px, count) = record_of(values["name"]), (32, 4) if job.toy else (64, 16)
        params, arrays = record.params(**values), tiles(px, count)
        classes = [{"id": n, "name": f"class {n}", "red": n, "green": n, "blue": n} for n in range(CLASSES)]

        def read(*layers: str) -> Iterator[dict[str, np.ndarray]]:
            yield {layer: arrays[layer] for layer in layers}

        encoding = record.fit(params, read, GSD)
        config = {"product": record.product(params), "method": params.model_dump(mode="json"), "px": px, "gsd": GSD}
        config |= {"classes": classes, "encoding": encoding.to_dict()}
        return Case(config, record.encode(params, encoding, arrays), px, Path(job.root))

    def method(self) -> Any:
        """Build the method; each call gives the same weights. Weights that begin as zero become random."""
        torch.manual_seed(1)
        method = build_method(self.config, 1e-4)
        with torch.no_grad():
            for weight in method.networks.parameters():
                if not weight.any() and weight.dim() > 1:
                    weight.normal_(0, 0.02)
        record_of(self.config["method"]["name"]).load(method, self.root)
        return method

    def losses(self, speed: SpeedConfig, bf16: bool) -> tuple[dict[str, float], dict[str, Tensor]]:
        """Return the loss and the gradients of each phase, by its name, in the last of 100 steps."""
        device = fresh("fp32", THREADS, 1, speed).device
        method, found, gradients = self.method(), {}, {}
        method.networks.to(device).train()
        lay_out(method.networks, speed)
        compile_networks(method.networks, speed)
        batch = self.batch.to(device)
        for phase in method.phases():
            method.networks.requires_grad_(False)
            weights = [weight for name in phase.networks for weight in method.networks[name].parameters()]
            for weight in weights:
                weight.requires_grad_(True).grad = None
            torch.manual_seed(2)
            with torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext():
                loss, _ = phase.loss(batch, State(99, 100, method.networks))
            loss.backward()
            found[phase.name] = float(loss.detach())
            grads = [weight.grad.flatten().float() for weight in weights if weight.grad is not None]
            gradients[phase.name] = torch.cat(grads).cpu()
        return found, gradients

    def samples(self, device: torch.device, bf16: bool = False, speed: SpeedConfig | None = None) -> np.ndarray:
        """Return samples of the untrained model for one seed."""
        method = self.method()
        networks = nn.ModuleDict({name: method.networks[name] for name in method.ema}).to(device).eval()
        if speed is not None and speed.channels_last:
            networks.to(memory_format=torch.channels_last)
        model = finished(method, networks.requires_grad_(False), self.config, device)
        with torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext():
            return made(model, self.px)


def tiles(px: int, count: int) -> dict[str, np.ndarray]:
    """Arrays of `count` tiles in every layer: hills of three wavelengths."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:px, :px] / px
    waves = [np.sin(2 * np.pi * (f * x + rng.random((count, 1, 1)))) * np.cos(2 * np.pi * f * y) / f for f in (1, 3, 7)]
    height = (1000 + 400 * sum(waves) + rng.normal(0, 10, (count, px, px))).astype(np.float32)
    label = np.digitize(height, np.quantile(height, np.arange(1, CLASSES) / CLASSES)).astype(np.uint8)
    color = np.clip(height[..., None] / 8 + [0, 20, 40], 0, 255).astype(np.uint8)
    texts = np.array(["hills"] * count, object)
    return {"height": height, "color": color, "label": label, "caption": texts}


def made(model: Any, px: int) -> np.ndarray:
    """Return some samples of a finished model; its product decides how it is called."""
    labels = tiles(px, 8)["label"]
    if model.product == "painting":
        return model.paint(labels[:2], seed=3).height
    given = {"labels": labels} if "labels" in model.conditions else None
    return np.asarray(model.sample(range(8), 3, model.evaluations[-1], given), np.float32)


def bf16_losses(case: Case) -> dict[str, Any] | None:
    """Losses and gradients in bf16 against float32."""
    plain, gradients = case.losses(SpeedConfig(), False)
    short, shorter = case.losses(SpeedConfig(), True)
    apart = max(abs(short[name] - value) / max(abs(value), 1e-6) for name, value in plain.items())
    cosines = [torch.cosine_similarity(gradients[name], shorter[name], dim=0) for name in plain]
    turned = 1 - float(min(cosines))
    within = apart <= LOSS_BF16 and turned <= GRADIENT_BF16
    return {"found": apart, "tolerance": LOSS_BF16, "gradients": turned, "within": within}


def bf16_samples(case: Case) -> dict[str, Any]:
    """Samples in bf16 against float32."""
    device = fresh("fp32", THREADS, 1, SpeedConfig()).device
    return _judged(case.samples(device), case.samples(device, bf16=True), SAMPLE_BF16)


def device_samples(case: Case) -> dict[str, Any] | None:
    """Samples of this device against those of the processor, both in float32."""
    device = fresh("fp32", THREADS, 1, SpeedConfig()).device
    return _judged(case.samples(torch.device("cpu")), case.samples(device), SAMPLE_DEVICE)


def layout_samples(case: Case) -> dict[str, Any]:
    """Samples with channels last against plain ones."""
    device = fresh("fp32", THREADS, 1, SpeedConfig()).device
    fast = case.samples(device, speed=SpeedConfig(channels_last=True))
    return _judged(case.samples(device), fast, SAMPLE_LAYOUT)


def compiled_losses(case: Case) -> dict[str, Any] | None:
    """Losses of compiled networks against plain ones; only on a GPU."""
    if not torch.cuda.is_available():
        return None
    plain, _ = case.losses(SpeedConfig(), False)
    fast, _ = case.losses(SpeedConfig(compile="kernels"), False)
    apart = max(abs(fast[name] - value) / max(abs(value), 1e-6) for name, value in plain.items())
    return {"found": apart, "tolerance": LOSS_COMPILED, "within": apart <= LOSS_COMPILED}


def resumed(case: Case) -> dict[str, Any]:
    """Weights of a run that was cut and resumed against those of two unbroken runs."""
    with tempfile.TemporaryDirectory() as folder:
        whole, again = (_weights(case, Path(folder, name)) for name in ("whole", "again"))
        _weights(case, Path(folder, "cut"), STEPS // 2)
        other = _weights(case, Path(folder, "cut"))
    spread, apart = _distance(whole, again), _distance(whole, other)
    allowed = max(RESUMED, 3 * spread) if torch.cuda.is_available() else 0.0
    return {"found": apart, "tolerance": allowed, "of two equal runs": spread, "within": apart <= allowed}


class _Feed:
    """Yield the same batch at most `left` times. The noise of each step differs."""

    def __init__(self, batch: Batch, left: int):
        self._batch, self._left = batch, left

    def __next__(self) -> Batch:
        if not self._left:
            raise InterruptedError
        self._left -= 1
        return self._batch

    def state(self) -> dict[str, Any]:
        return {}


def _weights(case: Case, folder: Path, stop: int = STEPS) -> Tensor:
    """Train with checkpoints in `folder`; return all averaged weights, or an empty tensor if it is cut at `stop`."""
    accelerator, method = fresh("auto", THREADS, 1, SpeedConfig()), case.method()
    config = LoopConfig(steps=STEPS, lr=1e-4, ema_half_life=4, warmup=1, checkpoint_every=STEPS // 2)
    nothing = lambda *_: None  # noqa: E731
    try:
        feed = lambda position: _Feed(case.batch, stop)  # noqa: E731
        result = train(method, config, feed, accelerator, Checkpoints(folder), 5, nothing, nothing)
    except InterruptedError:
        return torch.empty(0)
    return torch.cat([weight.flatten().float().cpu() for weight in result.networks.parameters()])


def _distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / one.norm())


def _judged(wanted: np.ndarray, found: np.ndarray, tolerance: float) -> dict[str, Any]:
    """Compare by the root mean square of the difference, divided by the standard deviation of `wanted`."""
    apart = float(np.sqrt(np.square(found - wanted).mean()) / max(float(wanted.std()), 1e-9))
    return {"found": apart, "tolerance": tolerance, "within": bool(apart <= tolerance)}


CHECKS = {
    "losses in bf16": bf16_losses,
    "samples in bf16": bf16_samples,
    "samples on this device against the processor": device_samples,
    "samples with channels last": layout_samples,
    "resumed run": resumed,
    "losses of compiled networks": compiled_losses,
}
