# The deployment of payments: hands out secret IDs, writes API keys, reads nothing.
path "auth/approle/role/payments/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "60s"
  max_wrapping_ttl = "300s"
}

path "payments/kv/data/api-keys/*" {
  capabilities = ["create", "update"]
}
