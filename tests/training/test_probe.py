"""Forward hooks read any module's layers and leave the module as it was."""

import pytest
import torch
from torch import nn

from corelib.information.estimators import AdaptiveBins
from corelib.information.plane import PlaneRecorder
from corelib.training import ActivityProbe

pytestmark = pytest.mark.ch03


def network():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(72, 3))


def test_every_leaf_is_seen_in_evaluation_mode_and_flattened():
    net, x = network().train(), torch.randn(5, 1, 8, 8)
    probe = ActivityProbe(net, x)
    activity = probe()
    assert probe.names == ["0", "1", "2", "3", "4"]
    assert [tuple(h.shape) for h in activity] == [(1, 5, 72)] * 4 + [(1, 5, 3)]
    assert torch.equal(activity[2], activity[3])  # dropout is off
    assert not any(h.requires_grad for h in activity)
    assert net.training and net[3].training
    net.eval()
    assert torch.equal(net(x), activity[-1][0])


def test_three_lines_give_a_plane():
    net, x, y = network(), torch.randn(40, 1, 8, 8), torch.arange(40) % 2
    probe = ActivityProbe(net, x, layers=["1", "4"])
    recorder = PlaneRecorder(y, {"EBAB": AdaptiveBins(5)}, layers=probe.names)
    recorder(0, probe())
    assert recorder.plane().ixt.shape == (1, 1, 2) and recorder.plane().layers == ("1", "4")


def test_training_batches_of_another_size_are_not_looked_at():
    net, x = network(), torch.randn(5, 1, 8, 8)
    probe = ActivityProbe(net, x)
    before = probe()
    net(torch.randn(3, 1, 8, 8)).sum().backward()
    assert all(torch.equal(a, b) for a, b in zip(before, probe(), strict=True))


def test_hooks_are_gone_after_closing():
    net = network()
    with ActivityProbe(net, torch.randn(5, 1, 8, 8)) as probe:
        probe()
    assert not any(part._forward_hooks for part in net.modules())


def test_a_layer_that_cannot_be_watched_is_named():
    with pytest.raises(ValueError, match=r"layers holds \['9'\]; expected names among"):
        ActivityProbe(network(), torch.randn(5, 1, 8, 8), layers=["9"])
    recurrent = nn.Sequential(nn.LSTM(4, 2))
    with pytest.raises(ValueError, match="layer '0' gives tuple"):
        ActivityProbe(recurrent, torch.randn(5, 3, 4))()
