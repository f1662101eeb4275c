"""Compiled arithmetic: pure functions of arrays, called with rows that the caller has checked."""
