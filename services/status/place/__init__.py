"""The place of an application among those that wait for the office."""
