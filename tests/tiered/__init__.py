"""Tests of copies in front of a shared store."""
