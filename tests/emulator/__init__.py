"""The bootstrap under AWS's own Runtime Interface Emulator."""
