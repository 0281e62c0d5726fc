# What the payments service needs while it runs: its own secrets, read only.
path "payments/kv/data/*" {
  capabilities = ["read"]
}

path "payments/kv/metadata/*" {
  capabilities = ["list"]
}
