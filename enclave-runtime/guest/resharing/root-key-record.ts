import { objectFields } from '../../../protocols/agreement/fields.ts'
import type { KeyRecord } from '../../../protocols/keygen/generate-keys.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import { decoded } from '../keys/held-keys.ts'
import type { Vault } from '../vault/vault.ts'

const MAX_BYTES = 1024

/** The committee's root key as one epoch holds it; its share is `share/<keyId>` there. */
export type RootKeyRecord = Pick<
  KeyRecord,
  'keyId' | 'curve' | 'publicKey' | 'chainCode' | 'commitment'
>

const nameOf = ({ e, k }: EpochName): string => `root-key/${e}/${k}`

/** What says which key of the epoch is the root key; null takes it away. */
export const rootKeyChange = (
  epoch: EpochName,
  key: RootKeyRecord | null,
): readonly [name: string, record: Uint8Array | null] => [
  nameOf(epoch),
  key &&
    encodeCanonical([
      'root-key',
      1,
      key.keyId,
      key.curve,
      key.publicKey,
      key.chainCode,
      key.commitment,
    ]),
]

/** Throws `VaultError` RECORD_CORRUPT. */
export function readRootKey(
  vault: Pick<Vault, 'critical'>,
  epoch: EpochName,
): RootKeyRecord | undefined {
  const name = nameOf(epoch)
  const bytes = vault.critical(name)
  return bytes && decoded(name, () => decode(bytes))
}

function decode(bytes: Uint8Array): RootKeyRecord {
  const fields = objectFields(decodeCanonical(bytes, MAX_BYTES), 'root-key', 5)
  const [keyId, curve, publicKey, chainCode, commitment] = fields
  for (const field of [keyId, publicKey, chainCode, commitment])
    if (!(field instanceof Uint8Array)) throw new DecodeError('root key')
  return { keyId, curve, publicKey, chainCode, commitment } as RootKeyRecord
}
