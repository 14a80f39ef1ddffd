"""Cases that two networks may decide alone: what is signed, certified, accepted, audited and taken back."""
