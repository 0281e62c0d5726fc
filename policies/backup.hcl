# The nightly backup of a raft cluster.
path "sys/storage/raft/snapshot" {
  capabilities = ["read"]
}
