"""Declarative profiles: how records of objects that are not ours become events, without code."""

from thalweg.profiles.document import Profile
from thalweg.profiles.loading import load, profile_hash
from thalweg.profiles.reader import Found, Reader, Reading, Refused

__all__ = ["Found", "Profile", "Reader", "Reading", "Refused", "load", "profile_hash"]
