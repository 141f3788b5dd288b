"""The domain: handlers decide on events and return actions as data; they never speak."""
