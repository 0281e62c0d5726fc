# People on call: may look, and may revoke leases; secrets stay closed.
path "sys/health" {
  capabilities = ["read", "sudo"]
}

path "sys/mounts" {
  capabilities = ["read"]
}

path "sys/leases/revoke" {
  capabilities = ["update"]
}

path "+/kv/metadata/*" {
  capabilities = ["list"]
}
