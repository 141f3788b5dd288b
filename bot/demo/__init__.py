"""演示数据: an invented county with seven months behind it, made the same way as if it had happened."""

from bot.demo.opinions import demonstration
from bot.demo.play import seed

__all__ = ["demonstration", "seed"]
