import type {
  MadePresignature,
  Purpose,
} from '../../../../enclave-runtime/guest/presignatures/presignature-pool.ts'
import type { Handle } from '../../../../protocols/kernel/kernel.ts'
import type { PartyIndex } from '../../../../protocols/session/faults.ts'
import type { Presignature } from '../../../../protocols/sign/presign.ts'

export const ID_BYTES = 16
const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
const PATH = [44, 60, 0, 0, 0]
const EPOCH = bytes(32, 0xe0)
const NOTHING = bytes(32, 0)
const KEYS = new Map<number, Pick<Purpose, 'keyId' | 'publicKey'>>()

/** What a signature of key `key` with these signers needs. */
export function purposeFor(key: number, signers: readonly PartyIndex[]): Purpose {
  const known = KEYS.get(key) ?? { keyId: bytes(32, key), publicKey: bytes(33, key) }
  KEYS.set(key, known)
  return { ...known, path: PATH, signers, epochId: EPOCH }
}

/** As a run of the protocol leaves it in one guest, with a number for a secret. */
export function madeFor(
  purpose: Purpose,
  run: {
    readonly id: Uint8Array
    readonly owner: PartyIndex
    readonly me: PartyIndex
    readonly secret: number
    readonly setupId?: (peer: PartyIndex) => Uint8Array
  },
): MadePresignature {
  const { keyId, path, publicKey, signers, epochId } = purpose
  const { id, owner, me, setupId = setupOf } = run
  let secret: number | undefined = run.secret
  const presignature = {
    id,
    keyId,
    derived: { path, publicKey, epsilon: NOTHING, chainCode: NOTHING },
    signers,
    R: publicKey,
    take: () => {
      const taken = secret
      secret = undefined
      return taken as Handle<'presignature'> | undefined
    },
  }
  const others = signers.filter((signer) => signer !== me)
  const setupIds = new Map(others.map((peer) => [peer, setupId(peer)]))
  return { presignature: presignature as unknown as Presignature, owner, epochId, setupIds }
}

/** The setup with this peer, as long as there is no other. */
export const setupOf = (peer: PartyIndex): Uint8Array => bytes(32, peer)

export function idOf(number: number): Uint8Array {
  const id = Buffer.alloc(ID_BYTES)
  id.writeUInt32BE(number)
  return id
}

export const numberOf = (id: Uint8Array): number => Buffer.from(id.subarray(0, 4)).readUInt32BE()
