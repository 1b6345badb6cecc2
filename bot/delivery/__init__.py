"""Outbox -> channel -> outcome. Deciding when to try again is pure; the loop beside it only carries out.

Delivery is at least once, in order per lane, the oldest first. A wait that a service asked for is a later due time of
the row, never a sleep; one bad recipient delays nobody else, and one room in trouble no other room.
"""

from bot.delivery.courier import Courier
from bot.delivery.drawing import FileLink

__all__ = ["Courier", "FileLink"]
