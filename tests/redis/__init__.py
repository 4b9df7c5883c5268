"""Tests of the Redis backend against real servers."""
