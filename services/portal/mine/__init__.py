"""Coming back without an account: my applications, and a draft on another device, by a link that comes by e-mail."""
