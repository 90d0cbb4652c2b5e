"""What the commands do: plain functions over the ledger and the instances, without a word of presentation."""
