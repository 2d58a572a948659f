import { sameBytes } from '../compare-bytes.ts'
import type { EpochCert } from '../objects/certificates.ts'
import { recordHash } from '../objects/record.ts'
import { type Base, baseOfGenesis, baseOfRecord } from '../rules/base.ts'
import type { BrokenRule } from '../rules/broken-rule.ts'
import { brokenEpochCert } from '../rules/certificate-rules.ts'

/** Two valid certificates of one epoch: proof that 2q-n members or more broke the protocol (03 §2). */
export interface Fork {
  readonly e: number
  /** The one that was believed first. */
  readonly first: EpochCert
  readonly second: EpochCert
  /** Members that signed COMMIT in both. */
  readonly inBoth: readonly number[]
}

/** What became of a certificate: it is the next epoch, known before, not valid, or proof of a fork. */
export type Addition =
  | { readonly added: 'next' | 'known' }
  | { readonly added: 'refused'; readonly broken: BrokenRule }
  | { readonly added: 'fork'; readonly fork: Fork }

/**
 * The records of a committee from its genesis file on, each checked against the one before it (03 §3.3,
 * "wants proof"). What came later is never replaced; nothing here says how fresh it is.
 */
export class EpochChain {
  readonly #genesis: Base
  readonly #certs: EpochCert[] = []

  /** Throws `DecodeError` for bytes that are no genesis file. */
  constructor(encodedGenesis: Uint8Array) {
    this.#genesis = baseOfGenesis(encodedGenesis)
  }

  /** What the next epoch is made from. */
  get base(): Base {
    return this.#baseOf(this.#certs.length)
  }

  get newest(): EpochCert | undefined {
    return this.#certs.at(-1)
  }

  get(e: number): EpochCert | undefined {
    return this.#certs[e]
  }

  /** Takes the certificate of the next epoch; one of an epoch that is known shows nothing new, or a fork. */
  add(cert: EpochCert): Addition {
    const { e } = cert.record
    const known = this.#certs[e]
    if (known !== undefined && sameBytes(recordHash(known.record), recordHash(cert.record)))
      return { added: 'known' }
    const broken = brokenEpochCert(this.#baseOf(Math.min(e, this.#certs.length)), cert)
    if (broken !== undefined) return { added: 'refused', broken }
    if (known !== undefined) return { added: 'fork', fork: forkOf(known, cert) }
    this.#certs.push(cert)
    return { added: 'next' }
  }

  #baseOf(e: number): Base {
    const before = this.#certs[e - 1]
    return before === undefined ? this.#genesis : baseOfRecord(before.record)
  }
}

function forkOf(first: EpochCert, second: EpochCert): Fork {
  const signers = new Set(first.commits.map(([index]) => index))
  const inBoth = second.commits.map(([index]) => index).filter((index) => signers.has(index))
  return { e: first.record.e, first, second, inBoth }
}
