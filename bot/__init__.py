"""The shell: hears platforms, serves pages, keeps time, and is the only one that speaks."""
