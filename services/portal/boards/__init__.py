"""The supervisor's boards: one question a chart, the table under it, every figure a way to its cases."""
