#!/usr/bin/env python3
"""Half of what the collector can take, for long, with late roots and traces without one: memory, descriptors and disk
do not grow. The time after a warm-up is cut in thirds; the last is compared with the first."""

import time

from support.script import Script

script = Script(
    __doc__,
    seconds=((24.0, 1800.0), "at half of the maximum"),
    measure=((3.0, 15.0), "seconds in which the maximum is measured"),
    root_wait=((5, 120), "seconds of the collector's root_wait"),
)
arguments = script.arguments
samples = []


def sample():
    collector = scene.collector
    disk = collector.stored_bytes
    samples.append((time.monotonic(), collector.resident_bytes, collector.descriptors, disk))


def mean(values):
    return sum(values) / max(1, len(values))


# Few resolved traces are remembered, so that they are at their limit early and not growing towards it.
scene_parts = {"enduser": "resolved_traces: {max: 50000}", "load": {"late_root": arguments.root_wait * 0.7}}
with script.scene(root_wait=arguments.root_wait, rate=0, **scene_parts) as scene:
    scene.start()
    before = scene.load.counts[200]
    scene.play(arguments.measure)
    maximum = (scene.load.counts[200] - before) * scene.load.request_spans / arguments.measure
    scene.load.rate = maximum / 2
    # What the first seconds brought must have left: their rootless traces wait longest.
    warm = min(1.5 * arguments.root_wait + 2, arguments.seconds / 2)
    scene.play(warm)
    scene.play(arguments.seconds - warm, sample)
    scene.finish()
if len(samples) >= 3:
    begun, ended = samples[0][0], samples[-1][0]
    thirds = [[], [], []]
    for when, *values in samples:
        thirds[min(2, int(3 * (when - begun) / (ended - begun)))].append(values)
    script.figures |= {"measured_maximum_spans_per_second": int(maximum), "warm_up_seconds": round(warm)}
    # What each may grow by: a factor, and an amount for what is small.
    for column, (name, unit, factor, amount) in enumerate(
        (("resident_mib", 1 << 20, 1.15, 16), ("descriptors", 1, 1.1, 16), ("disk_mib", 1 << 20, 1.3, 96))
    ):
        means = [mean([values[column] for values in third]) / unit for third in thirds]
        script.figures[f"{name}_by_thirds"] = " ".join(f"{value:.1f}" for value in means)
        script.check(means[2] <= means[0] * factor + amount, f"{name} grew from {means[0]:.1f} to {means[2]:.1f}")
else:
    script.check(False, "nothing was measured")
script.end()
