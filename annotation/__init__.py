"""Everything someone is accountable for: sites, projects, cases, slots, reads, references, snapshots, ledger."""
