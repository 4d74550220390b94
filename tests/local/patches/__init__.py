"""What ministack 1.5.33 does not do as AWS does and our job needs: one module a gap, each with a contract test."""
