"""The history of an older system, brought onto the event log with its own times, through admission like any other event."""
