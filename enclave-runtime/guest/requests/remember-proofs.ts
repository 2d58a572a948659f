import type { PublicKey } from '../../../protocols/request/proofs.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { verifyProof } from './verify-proof.ts'

/** Requests that are checked and not yet led, and their next attempts: a few seconds of the highest rate. */
const MAX_PROOFS = 1_024
const ALGORITHMS: readonly PublicKey['alg'][] = ['ES256', 'ES256K', 'EdDSA']

/**
 * A request is authorised whole whenever it comes, but whether a signature over its digest verifies under a key
 * depends on those bytes alone: what held once is not computed again when the request is led after its check.
 * Only good ones are remembered, so that nobody but the owner of a credential finds an answer sooner.
 */
export function rememberProofs(verify: typeof verifyProof): typeof verifyProof {
  const good = new BoundedMap<true>(MAX_PROOFS)
  return (key, digest, signature) => {
    if (digest.length !== 32 || signature.length !== 64) return verify(key, digest, signature)
    const algorithm = Uint8Array.of(ALGORITHMS.indexOf(key.alg))
    const place = Buffer.concat([digest, signature, algorithm, key.spki])
    if (good.get(place) !== undefined) return true
    const holds = verify(key, digest, signature)
    if (holds) good.set(place, true)
    return holds
  }
}
