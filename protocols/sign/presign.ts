import type { Random } from '../crypto/random.ts'
import type { Handle, Kernel } from '../kernel/kernel.ts'
import type { PartyIndex } from '../session/faults.ts'
import { inOrder } from '../session/guest.ts'
import type { Party } from '../session/round.ts'
import type { DerivedKey } from './bip32.ts'
import { presignatureIdOf } from './hashes.ts'
import { type Prepared, type PresignInputs, prepare } from './prepare.ts'

/**
 * A signature but for its digest, bound to one key, path and signer set (02 §6.3). In memory only, and
 * taken at most once.
 */
export class Presignature {
  readonly id: Uint8Array
  readonly keyId: Uint8Array
  readonly derived: DerivedKey
  readonly signers: readonly PartyIndex[]
  readonly R: Uint8Array
  #secret: Handle<'presignature'> | undefined

  constructor(
    { sid1, R, presignature }: Prepared,
    {
      derived,
      guests,
      keyId,
    }: Pick<PresignInputs, 'derived' | 'guests'> & { readonly keyId: Uint8Array },
  ) {
    this.id = presignatureIdOf(sid1, R)
    this.keyId = keyId
    this.derived = derived
    this.signers = inOrder(guests).map(({ index }) => index)
    this.R = R
    this.#secret = presignature
  }

  /** Taking is removing, in one step: nobody takes it twice. */
  take(): Handle<'presignature'> | undefined {
    const secret = this.#secret
    this.#secret = undefined
    return secret
  }
}

/** Form (a) or (b), stopped before R3. `keyId` goes into the online session's id. */
export const presign = async (
  party: Party,
  kernel: Kernel,
  random: Random,
  inputs: PresignInputs & { readonly keyId: Uint8Array },
): Promise<Presignature> => new Presignature(await prepare(party, kernel, random, inputs), inputs)
