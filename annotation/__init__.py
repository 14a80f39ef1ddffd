"""Everything someone is accountable for: sites, projects, cases, reads, references, snapshots, ledger."""
