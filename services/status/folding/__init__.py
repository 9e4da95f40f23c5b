"""From events to what is known of an application: reading, the fold, what counts after corrections. Pure."""
