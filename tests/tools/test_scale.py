"""The table of what one table more costs."""

from types import SimpleNamespace

from tools.scale import on_a_processor


def test_times_of_a_gpu_tell_nothing_of_a_laptop():
    machines = ("x86_64 cpu, 2 threads, bfloat16", "Some GPU 80GB, bfloat16", "arm64 mps, 1 thread")
    records = [
        SimpleNamespace(provenance=SimpleNamespace(environment={"machine": machine}))
        for machine in machines
    ]
    assert on_a_processor(records) == records[:1]
