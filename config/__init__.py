"""What can be turned: settings, rulebook, calendar and wording; imports nothing of the house."""
