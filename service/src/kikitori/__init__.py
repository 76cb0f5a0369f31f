"""Kikitori: speech and sound understanding on a GPU that costs nothing while nobody speaks."""
