import { bytesToHex } from '@noble/hashes/utils.js'
import type { Effect } from '../../../protocols/agreement/epoch/effects.ts'
import { isGenesis } from '../../../protocols/agreement/epoch/genesis-epoch.ts'
import type { State } from '../../../protocols/agreement/epoch/state.ts'
import { EpochCert } from '../../../protocols/agreement/objects/certificates.ts'
import { Join, joinHash, Leave, SignedJoin } from '../../../protocols/agreement/objects/join.ts'
import { Params } from '../../../protocols/agreement/objects/params.ts'
import {
  LEAVE_REASONS,
  type LeaveReason,
  Proposal,
} from '../../../protocols/agreement/objects/proposal.ts'
import { isSignedBy, signed, signObject } from '../../../protocols/agreement/objects/signed.ts'
import type { Random } from '../../../protocols/crypto/random.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import {
  alertsReply,
  type CommitteeAsk,
  committeeAsk,
  epochStatusReply,
  historyReply,
  joinReply,
  learnReply,
  proposalReply,
  proposeReply,
  type WantedChange,
} from '../../port/committee-messages.ts'
import { doneReply } from '../../port/messages.ts'
import { PortError } from '../../port/port.ts'
import type { Epochs } from '../epochs/epochs.ts'
import type { Vault } from '../vault/vault.ts'

const SignedProposal = signed(Proposal)
const SignedLeave = signed(Leave)
const NOTHING = new Uint8Array() // what a one-way frame gives back: it is not sent

export interface CommitteeAsksInit {
  readonly epochs: Epochs
  readonly vault: Pick<Vault, 'guestSig' | 'guestEnc' | 'sign'>
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  /** Of the bundle that runs here. */
  readonly measurement: Uint8Array
  readonly random: Random
}

type AskOf<Op extends CommitteeAsk['op']> = Extract<CommitteeAsk, { op: Op }>

/** What host and operator ask about the committee (04 §2). A refusal is a `PortError`; whatever is signed is bound to this guest. */
export class CommitteeAsks {
  readonly #init: CommitteeAsksInit

  constructor(init: CommitteeAsksInit) {
    this.#init = init
  }

  /** Throws `DecodeError` for a frame that is none. */
  async take(payload: Uint8Array): Promise<Uint8Array> {
    const { epochs } = this.#init
    const ask = committeeAsk.decode(payload)
    switch (ask.op) {
      case 'letter':
        epochs.receive(ask.bytes)
        return NOTHING
      case 'epoch-status':
        return epochStatusReply.encode(epochs.status() ?? noCommittee())
      case 'proposal':
        return proposalReply.encode(this.#proposal(ask))
      case 'propose':
        return this.#propose(ask.change)
      case 'answer':
        await this.#answer(ask)
        return doneReply.encode({ ok: true })
      case 'join':
        return this.#join(ask)
      case 'leave':
        return this.#leave(ask)
      case 'history': {
        const cert = epochs.history(ask.e)
        return historyReply.encode({ cert: cert === undefined ? null : EpochCert.encode(cert) })
      }
      case 'learn': {
        const cert = read(() => EpochCert.decode(ask.cert))
        return learnReply.encode({
          learnt: cert === undefined ? 'refused' : await epochs.learn(cert),
        })
      }
      case 'alerts':
        return alertsReply.encode({ alerts: [...epochs.alerts] })
    }
  }

  get #state(): Readonly<State> {
    return this.#init.epochs.state ?? noCommittee()
  }

  #proposal({ proposalHash }: AskOf<'proposal'>) {
    const state = this.#state
    const live = state.proposals.get(bytesToHex(proposalHash))
    const proposal = live?.proposal ?? null
    return {
      proposal: proposal && SignedProposal.encode(proposal),
      joins: live === undefined ? [] : live.joins.map((join) => SignedJoin.encode(join)),
      seq: state.answerSeq + 1,
    }
  }

  async #propose({ joins, leaves, params, ...wanted }: WantedChange): Promise<Uint8Array> {
    const decoded = read(() => ({
      joins: joins.map((join) => SignedJoin.decode(join)),
      params: params === null ? null : Params.decode(params),
    }))
    if (decoded === undefined) return refused(['the joins or the parameters cannot be read'])
    const proposal = {
      ...wanted,
      params: decoded.params,
      joins: decoded.joins.map(joinHash),
      leaves: leaves.map(([index, reason]) => ({ index, reason: reason as LeaveReason })),
    }
    const { epochs } = this.#init
    return outcome(await epochs.ask({ type: 'propose', proposal, joins: decoded.joins }))
  }

  /** The wish is the operator's, of this member and epoch; the guest proposes it. */
  async #leave({ leave, t, expiresAt }: AskOf<'leave'>): Promise<Uint8Array> {
    const { networkId, committeeId, vault, epochs } = this.#init
    const { record } = this.#state.base
    const me = record.members.find(({ guestSig }) => Buffer.from(guestSig).equals(vault.guestSig))
    const wish = read(() => SignedLeave.decode(leave))
    if (me === undefined || wish === undefined) return refused(['no wish of a member'])
    const { object } = wish
    const isOwn =
      object.index === me.index &&
      object.e === Math.max(0, record.e) &&
      Buffer.from(object.committeeId).equals(committeeId)
    if (!isOwn || !isSignedBy(Leave, wish, networkId, me.operatorKey))
      return refused(['the wish is not that of the operator of this member, in this epoch'])
    const leaves = [{ index: me.index, reason: LEAVE_REASONS.own }]
    const none = { joins: [], params: null, allowAdd: [], allowDrop: [], unban: [] }
    const proposal = { kind: 1 as const, t, leaves, expiresAt, ...none }
    return outcome(await epochs.ask({ type: 'propose', proposal, joins: [] }))
  }

  async #answer({ proposalHash, yes, seq, operatorSig }: AskOf<'answer'>): Promise<void> {
    const state = this.#state
    if (seq !== state.answerSeq + 1) throw new PortError('ANSWERED_MEANWHILE')
    if (!isGenesis(state.base) && !state.proposals.has(bytesToHex(proposalHash)))
      throw new PortError('NO_PROPOSAL')
    const event = { type: 'operator-answer', proposalHash, yes, operatorSig } as const
    if (reasonsIn(await this.#init.epochs.ask(event)).length > 0) throw new PortError('REFUSED')
  }

  /** This guest says of itself what its operator then signs too (03 §1.2). */
  #join({ peerId, operatorKey, label, evidence, expiresAt }: AskOf<'join'>): Uint8Array {
    const { networkId, committeeId, vault, measurement, random } = this.#init
    const { guestSig, guestEnc } = vault
    const join: Join = {
      ...{ networkId, committeeId, guestSig, guestEnc, peerId, operatorKey, measurement },
      ...{ evidence, label, nonce: random(16), expiresAt },
    }
    const { objectBytes, signature } = signObject(Join, join, networkId, (message) =>
      vault.sign(message),
    )
    return joinReply.encode({ object: objectBytes, guestSignature: signature })
  }
}

function noCommittee(): never {
  throw new PortError('NO_COMMITTEE')
}

/** What became of a proposal of this member. */
function outcome(effects: readonly Effect[]): Uint8Array {
  const reasons = reasonsIn(effects)
  for (const effect of effects)
    if (effect.do === 'send' && effect.message.type === 'proposal')
      return proposeReply.encode({
        proposalHash: Proposal.hash(effect.message.proposal.object),
        reasons: [],
      })
  return refused(reasons.length > 0 ? reasons : ['nothing was proposed'])
}

const refused = (reasons: readonly string[]): Uint8Array =>
  proposeReply.encode({ proposalHash: null, reasons })

const reasonsIn = (effects: readonly Effect[]): readonly string[] =>
  effects.flatMap((effect) =>
    effect.do === 'notice' && effect.notice.about === 'refused' ? effect.notice.reasons : [],
  )

function read<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    return undefined
  }
}
