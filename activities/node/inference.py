"""The models of a node: whether they answer, are loaded, and fit the GPU."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from activities.inference.addresses import hide_login
from hydranet.contracts import Check, GpuMeter, Level, ModelMeter
from hydranet.errors import HydraError
from hydranet.settings import Settings
from hydranet.strategy import TEMPLATES

# A node is to answer within seconds, also where its model server does not.
_PROBE_SECONDS = 4.0


async def measure_models(settings: Settings) -> list[ModelMeter]:
    """Return the models that the settings of this node name, each asked at its server."""
    try:
        models = await _list_models(settings)
    except HydraError as error:
        return [ModelMeter(model="auto", problem=str(error))]
    return list(await asyncio.gather(*(_measure(model, settings) for model in models)))


def check_models(meters: Sequence[ModelMeter], gpus: Sequence[GpuMeter]) -> list[Check]:
    """Return whether the models answer, and whether what is loaded lies on the GPU where there is one."""
    return [_check_model(meter, gpus) for meter in meters] + [_check_gpus(gpus)]


async def _list_models(settings: Settings) -> list[str]:
    from activities.inference.backend import choose_default_model
    from activities.inference.inquiry import AUTO, list_configured

    named = [asked.model for asked in list_configured(settings)]
    models = [await choose_default_model(settings.models) if model == AUTO else model for model in named]
    return list(dict.fromkeys(models))


async def _measure(model: str, settings: Settings) -> ModelMeter:
    from activities.inference.backend import probe

    shown = hide_login(model)
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            answer = await probe(model, settings.models)
    except TimeoutError:
        problem = f"its server does not answer within {_PROBE_SECONDS:g} seconds: start it, or choose another model"
        return ModelMeter(model=shown, problem=problem)
    except HydraError as error:
        return ModelMeter(model=shown, problem=str(error))
    return ModelMeter(model=shown, loaded=answer.loaded, size=answer.size, vram=answer.vram)


def _check_model(meter: ModelMeter, gpus: Sequence[GpuMeter]) -> Check:
    name = f"model {meter.model}"[:200]
    if meter.problem:
        cause, _, remedy = meter.problem.partition("; ")
        remedy = remedy or "Start the model's server, or choose another model (`hydra models`)"
        return Check(name=name, level=Level.FAIL, text=cause, remedy=f"{remedy[:1].upper()}{remedy[1:].rstrip('.')}.")
    if meter.model == TEMPLATES:
        return Check(name=name, level=Level.OK, text="repairs without a model")
    if gpus and meter.size and (meter.vram or 0) < meter.size:
        share = (meter.vram or 0) / meter.size
        remedy = "Free memory of the GPU, or choose a smaller model."
        return Check(name=name, level=Level.WARN, text=f"{share:.0%} of it is on the GPU", remedy=remedy)
    return Check(name=name, level=Level.OK, text="it answers, and is loaded" if meter.loaded else "it answers")


def _check_gpus(gpus: Sequence[GpuMeter]) -> Check:
    if not gpus:
        return Check(name="GPU", level=Level.OK, text="none that NVIDIA's driver knows")
    texts = [f"{gpu.name}: {gpu.used / 2**30:.1f} of {gpu.total / 2**30:.1f} GiB in use" for gpu in gpus]
    return Check(name="GPU", level=Level.OK, text="; ".join(texts))
