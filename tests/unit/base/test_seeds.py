import torch

from uscl.base.seeds import derive, generator, torch_stream


def test_streams_differ_by_seed_and_purpose_and_repeat():
    assert derive(0, "folds") == derive(0, "folds")
    assert len({derive(0, "folds"), derive(1, "folds"), derive(0, "inner", 0), derive(0, "inner", 1)}) == 4
    assert generator(3, "pairs", 7).integers(1 << 60) == generator(3, "pairs", 7).integers(1 << 60)


def test_derived_seeds_are_the_same_everywhere():
    # A changed value would silently change every result of the benchmark.
    assert derive(0, "folds") == 4557695331661827390


def test_torch_stream_repeats_and_leaves_the_surrounding_stream_alone():
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    with torch_stream(0, "augment", 1):
        first = torch.rand(4)
    assert torch.equal(torch.rand(2), expected)
    with torch_stream(0, "augment", 1):
        assert torch.equal(torch.rand(4), first)
