# Short-lived database users for the payments service.
path "payments/db/creds/orders-rw" {
  capabilities = ["read"]
}

path "payments/db/creds/reports-ro" {
  capabilities = ["read"]
}
