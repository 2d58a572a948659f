// Names of browsers that the types of @hpke/core mention; lib "dom" would let them through everywhere.
type Crypto = import('node:crypto').webcrypto.Crypto
type SubtleCrypto = import('node:crypto').webcrypto.SubtleCrypto
type KeyUsage = import('node:crypto').webcrypto.KeyUsage
type KeyAlgorithm = import('node:crypto').webcrypto.KeyAlgorithm
type HmacKeyGenParams = import('node:crypto').webcrypto.HmacKeyGenParams
