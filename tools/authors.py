"""The method authors' program, from a checkout of their repository (https://github.com/shirgur/AGFVisualization), which
is no part of this one.

Nothing of the checkout is changed. Its program moves a small matrix to the GPU in any case; where there is none, that
does nothing here.
"""

import importlib
import sys


def is_checkout(folder):
    return (folder / "modules" / "vgg.py").is_file()


def network(checkout, model, state):
    """Their network of torchvision's name with the weights of `state`, torchvision's own state."""
    import torch

    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    family = importlib.import_module("modules.vgg" if model.startswith("vgg") else "modules.resnet")
    net = getattr(family, model)(pretrained=False).eval()
    net.load_state_dict(state)
    if not next(iter(state.values())).is_cuda:
        torch.Tensor.cuda = lambda tensor, *_, **__: tensor
    return net.to(next(iter(state.values())).device)


def explain(net, x, number):
    """Forward pass and map of one class: a value per pixel."""
    x = x.detach().requires_grad_()
    net(x)
    return net.AGF(class_id=[number] * len(x)).detach()
