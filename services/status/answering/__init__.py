"""Look-ups, timelines and event streams: read fast, told in words of both languages."""
