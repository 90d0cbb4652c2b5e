"""Pictures of coloured shapes, with the words for what is in them."""

from __future__ import annotations

from itertools import product
from math import cos, pi, sin
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Sequence

COLOURS: Final = {
    "red": (215, 35, 35),
    "orange": (240, 135, 20),
    "yellow": (235, 215, 40),
    "green": (35, 160, 60),
    "blue": (35, 80, 215),
    "purple": (140, 40, 175),
}
SHAPES: Final = ("ring", "disc", "square", "triangle", "star", "cross")
THINGS: Final = tuple(f"{colour} {shape}" for colour, shape in product(COLOURS, SHAPES))
"""What one picture can show: ``purple ring``."""

MANY: Final = "several shapes"
NOTHING: Final = "no shape at all"
CLASSES: Final = (*THINGS, MANY, NOTHING)

SIDE: Final = 128  # pixels


def draw(what: str, random: np.random.Generator) -> Image.Image:
    """An RGB picture of ``what``, one of ``CLASSES``, ``SIDE`` pixels square; another one for each state of ``random``.

    Grounds are flat, shaded or rough and of any dull colour; place, size, angle and shade of the shape vary.
    """
    picture = _ground(random)
    if what == NOTHING:
        return picture
    if what == MANY:
        for _ in range(int(random.integers(2, 8))):
            _shape(picture, str(random.choice(SHAPES)), _any_colour(random), random, largest=0.3)
        return picture
    colour, shape = what.split()
    _shape(picture, shape, _shade(COLOURS[colour], random), random, largest=0.46, smallest=0.2)
    return picture


def _ground(random: np.random.Generator) -> Image.Image:
    here, there = random.integers(20, 236, (2, 3)) * 0.55 + random.integers(10, 105, (2, 1))
    ramp = np.linspace(0, 1, SIDE)[:, None, None] if random.random() < 0.5 else np.linspace(0, 1, SIDE)[None, :, None]
    ground = here + ramp * (there - here if random.random() < 0.7 else 0)
    ground = np.broadcast_to(ground, (SIDE, SIDE, 3)).copy()
    if random.random() < 0.5:  # rough: noise in cells of some pixels
        cell = int(random.choice([1, 2, 4, 8, 16, 32]))
        noise = random.normal(0, random.uniform(4, 40), (SIDE // cell, SIDE // cell, 1))
        ground += noise.repeat(cell, axis=0).repeat(cell, axis=1)
    return Image.fromarray(ground.clip(0, 255).astype(np.uint8))


def _shade(colour: Sequence[int], random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (np.array(colour) * random.uniform(0.8, 1.1) + random.normal(0, 8, 3)).clip(0, 255).astype(int)
    return int(red), int(green), int(blue)


def _any_colour(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return red, green, blue


def _shape(
    picture: Image.Image,
    shape: str,
    colour: tuple[int, int, int],
    random: np.random.Generator,
    *,
    largest: float,
    smallest: float = 0.06,
) -> None:
    """``smallest``, ``largest``: the radius as a share of the picture's side."""
    radius = random.uniform(smallest, largest) * SIDE
    x, y = random.uniform(radius, SIDE - radius, 2) if radius < SIDE / 2 else (SIDE / 2, SIDE / 2)
    turn = random.uniform(0, 2 * pi)
    pen = ImageDraw.Draw(picture)
    box = (x - radius, y - radius, x + radius, y + radius)
    match shape:
        case "ring":
            pen.ellipse(box, outline=colour, width=max(2, int(radius * random.uniform(0.2, 0.4))))
        case "disc":
            pen.ellipse(box, fill=colour)
        case "square":
            pen.polygon(_around(x, y, [radius] * 4, turn), fill=colour)
        case "triangle":
            pen.polygon(_around(x, y, [radius] * 3, turn), fill=colour)
        case "star":
            pen.polygon(_around(x, y, [radius, radius * 0.42] * 5, turn), fill=colour)
        case _:  # a cross: two bars
            arm = radius * random.uniform(0.25, 0.38)
            for angle in (turn, turn + pi / 2):
                along, across = (cos(angle), sin(angle)), (-sin(angle), cos(angle))
                corners = [
                    (x + a * radius * along[0] + b * arm * across[0], y + a * radius * along[1] + b * arm * across[1])
                    for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
                ]
                pen.polygon(corners, fill=colour)


def _around(x: float, y: float, radii: Sequence[float], turn: float) -> list[tuple[float, float]]:
    step = 2 * pi / len(radii)
    return [(x + r * cos(turn + i * step), y + r * sin(turn + i * step)) for i, r in enumerate(radii)]
