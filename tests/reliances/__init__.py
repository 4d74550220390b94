"""The behaviour of AWS that Dropshift relies on: what stands for it, and what requests are held against."""
