# What the ledger needs while it runs.
path "ledger/kv/data/*" {
  capabilities = ["read"]
}
