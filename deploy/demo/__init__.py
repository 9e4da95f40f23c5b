"""The demonstration: `python -m deploy.demo`, a COMMAND of `jejak exec`. It knows the system by its addresses only."""
