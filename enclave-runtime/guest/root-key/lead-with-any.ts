import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { chooseSigners } from './choose-signers.ts'
import type { RootFields } from './domains.ts'
import { NotSigned } from './not-signed.ts'
import type { RootRoom } from './root-room.ts'
import type { RootSigner } from './root-signer.ts'

/**
 * Leads a signature by this guest and any t − 1 of `candidates`; each further try does without those that were named
 * before it. Throws the last `NotSigned` after `tries`, or when too few are left.
 */
export async function leadWithAny<D extends keyof RootFields>(
  signer: RootSigner,
  room: RootRoom,
  { domain, fields }: { readonly domain: D; readonly fields: RootFields[D] },
  candidates: readonly PartyIndex[],
  { tries, signal }: { readonly tries: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  let left = candidates
  let last = new NotSigned('unreachable', { reasons: ['too few members'] })
  for (let tried = 0; tried < tries && !signal.aborted; tried++) {
    const signers = chooseSigners(room, left)
    if (signers === undefined) throw last
    try {
      return await signer.lead(room, domain, fields, signers, signal)
    } catch (error) {
      if (!(error instanceof NotSigned)) throw error
      const { parties } = error
      if (parties.includes(room.committee.me.index)) throw error // this guest itself cannot
      last = error
      left = left.filter((party) => !parties.includes(party))
    }
  }
  throw last
}
