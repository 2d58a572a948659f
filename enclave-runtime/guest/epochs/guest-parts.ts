import { isActivated } from '../../../protocols/agreement/chain/root-key.ts'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { certificatesRootOf, keySetRootOf } from '../../../protocols/agreement/epoch/key-lists.ts'
import type { Subject } from '../../../protocols/agreement/epoch/messages.ts'
import { openRootOf } from '../../../protocols/agreement/epoch/open-root.ts'
import type { Parts } from '../../../protocols/agreement/epoch/parts.ts'
import type { Genesis } from '../../../protocols/agreement/genesis.ts'
import { isSignedBy, signObject } from '../../../protocols/agreement/objects/signed.ts'
import { STRICT } from '../../../protocols/agreement/rules/verify.ts'
import { signedMessage, verifySigned } from '../../../protocols/agreement/signed-object.ts'
import type { Random } from '../../../protocols/crypto/random.ts'
import type { OperatorSettings } from '../../port/guest-settings.ts'
import { CertifiedKeys, heldKeyOf } from './certified-key.ts'
import type { CommitteeVault } from './committee-vault.ts'
import type { EpochWork } from './epoch-work.ts'
import { opinionOf } from './opinion.ts'
import { SignatureMemory } from './signature-memory.ts'

/** Of an answer to PREFLIGHT (03 §1.2). */
const MAX_REASONS = 16
const MAX_REASON_CHARS = 128

export interface GuestPartsInit {
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  readonly environment: Genesis['environment']
  readonly vault: CommitteeVault
  readonly work: EpochWork
  readonly random: Random
  readonly settings: OperatorSettings
  /** Of the bundle that runs here. */
  readonly measurement: Uint8Array
}

/** What the machine of epochs is given by a guest: its signature, real hashes and rules, its vault and its shares. */
export function guestParts(init: GuestPartsInit): Parts {
  const { networkId, committeeId, environment, vault, work, random, settings } = init
  const certified = new CertifiedKeys(networkId)
  const memory = new SignatureMemory()
  // Of one network: the id is the same in every question.
  const isGood: typeof isSignedBy = (of, signed, network, key) =>
    memory.isGood(of.type, key, signed.objectBytes, signed.signature, () =>
      isSignedBy(of, signed, network, key),
    )
  const sign = (message: Uint8Array): Uint8Array => vault.sign(message)
  return {
    networkId,
    committeeId,
    environment,
    guestSig: vault.guestSig,
    verify: { ...STRICT, isSignedBy: isGood },
    sign: (of, value) => signObject(of, value, networkId, sign),
    isSignedBy: (of, signed, key) => isGood(of, signed, networkId, key),
    hash: (of, value) => of.hash(value),
    signVote: (body) => sign(signedMessage('qb', networkId, body)),
    isVoteBy: (key, body, signature) =>
      memory.isGood('qb', key, body, signature, () =>
        verifySigned('qb', networkId, body, key, signature),
      ),
    isRootSignature: (root, rootKey) => isActivated(rootKey, root.recordHash, root),
    isKeyCertified: (key, base) => certified.has(key, base),
    keyRoot: keySetRootOf,
    certificatesRoot: certificatesRootOf,
    openRoot: openRootOf,
    opinion: (change) => opinionOf(change, settings),
    unfit: (subject) => asTold([...unfitHere(init, subject), ...work.unfit()]),
    random,
    vaultSeq: () => vault.seq,
    headHash: () => vault.headHash,
    bootCounter: vault.bootCounter,
    workedWith: (index) => work.workedWith(index),
    prekey: (e, k) => work.prekey({ e, k }),
    holdsShares: (e, k) => work.holdsShares({ e, k }),
    durableChunks: (e, k) => work.durableChunks({ e, k }),
    reshared: (e, k, keys) =>
      work.reshared({ e, k }, keys).map((key) => ({ ...key, certificate: null })),
    rootKeyOf: (k) => {
      const key = work.rootKey({ e: 0, k })
      return key === undefined ? null : heldKeyOf(key, null)
    },
  }
}

/** As many and as long as an answer holds (03 §1.2). */
const asTold = (reasons: readonly string[]): readonly string[] =>
  reasons
    .slice(0, MAX_REASONS)
    .map((reason) => reason.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_REASON_CHARS))

/** What this guest sees by itself: its bundle would not be allowed in the epoch that is to be made (03 §1.3 R8). */
function unfitHere({ measurement }: GuestPartsInit, { proposal }: Subject): readonly string[] {
  const dropped = proposal?.object.allowDrop.some((hash) => sameBytes(hash, measurement)) === true
  return dropped ? ['the bundle that runs here would not be allowed'] : []
}
