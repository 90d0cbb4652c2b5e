"""Who uploaded a file, where it is shown, which other names it has, and how each of these is known."""

from bot.attribution.asking import Learned
from bot.attribution.beside import Made
from bot.attribution.index import Index, Known
from bot.attribution.origin import attribute

__all__ = ["Index", "Known", "Learned", "Made", "attribute"]
