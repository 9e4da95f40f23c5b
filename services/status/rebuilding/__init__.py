"""A new generation beside the live one, from Kafka or from the archive, as fast as it can be loaded."""
