"""Training images changed a little at each pass, so that a network learns more than their pixels.

Shift (by up to 4 pixels) and mirror are what is common for CIFAR-10: K. He et al., "Deep residual
learning for image recognition", CVPR 2016, section 4.2.
"""

from __future__ import annotations

import torch

from rramsim.network.training.method import check_shift


def augment(
    pixels: torch.Tensor,
    image_shape: tuple[int, int, int],
    generator: torch.Generator,
    *,
    shift: int = 0,
    mirror: bool = False,
) -> torch.Tensor:
    """Shift each image by whole pixels of its own, and mirror every other one left-right.

    Parameters
    ----------
    pixels : uint8 tensor, shape (images, features)
        Pixels, channel by channel, row by row.
    image_shape : tuple of int
        Channels, height and width of an image.
    generator : torch.Generator
        Where the changes come from; the same on the CPU and a GPU if it is on the CPU.
    shift : int
        Greatest shift, in pixels, up or down and left or right; every shift from ``-shift`` to
        ``shift`` is as likely, each way on its own. What moves in is 0.
    mirror : bool
        Whether each image is mirrored left-right with probability 1/2.

    Returns
    -------
    tensor
        The images changed, on their device.

    Raises
    ------
    InputError
        If `shift` can move a whole image out of sight.
    """
    if not (shift or mirror):
        return pixels
    channels, height, width = image_shape
    check_shift(shift, image_shape)
    images = len(pixels)
    device = generator.device
    # The rows (images, height) and columns (images, width) of the frame to take pixels from.
    rows = torch.arange(height, device=device).expand(images, -1)
    columns = torch.arange(width, device=device).expand(images, -1)
    if mirror:
        mirrored = torch.randint(2, (images, 1), generator=generator, device=device)
        columns = torch.where(mirrored == 1, width - 1 - columns, columns)
    # Always drawn, so that the same images are mirrored whatever the shift.
    shifts = torch.randint(2 * shift + 1, (2, images, 1), generator=generator, device=device)
    rows, columns = rows + shifts[0], columns + shifts[1]
    # Every pixel is taken from the image in a frame of zeros, `shift` pixels wide.
    framed_width = width + 2 * shift
    framed = torch.nn.functional.pad(pixels.reshape(images, channels, height, width), (shift,) * 4)
    origins = (rows[:, :, None] * framed_width + columns[:, None, :]).to(pixels.device)
    origins = origins.view(images, 1, -1).expand(-1, channels, -1)
    return framed.view(images, channels, -1).gather(2, origins).view(images, -1)
