"""Client of a kzopen portal's universal API."""

from kzopen_client.answers import Delivery, Finding, Recorded, Stop, Version
from kzopen_client.errors import Problem, Refused, Unreachable
from kzopen_client.portal import Portal

__all__ = ["Delivery", "Finding", "Portal", "Problem", "Recorded", "Refused", "Stop", "Unreachable", "Version"]
