"""Gaps of ministack 1.5.33 against AWS that matter here: one module per gap, each with a contract test."""
