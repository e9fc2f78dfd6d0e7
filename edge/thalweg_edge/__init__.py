"""The edge of an ecosystem: simulated fleets that run the real firmware, and the device operator's tools."""
