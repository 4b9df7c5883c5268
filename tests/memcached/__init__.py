"""Tests of the Memcached backend against real servers."""
