import type { CommitteeView, EpochName, ViewMember } from '../../../enclave-runtime/host/guest.ts'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import type { Genesis } from '../../../protocols/agreement/genesis.ts'
import type { Member } from '../../../protocols/agreement/objects/member.ts'
import type { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import type { PeerName } from '../channels/links.ts'

/** Whom the genesis file names: what is known before the guest says anything. */
export const genesisView = (
  networkId: Uint8Array,
  { members, params }: Pick<Genesis, 'members' | 'params'>,
): CommitteeView => ({
  epoch: null,
  epochId: networkId,
  t: params.t,
  members: members.map(entryOf),
  others: [],
  standing: 'genesis',
})

/** Whom the newest record names that this host verified before its guest says anything. */
export const recordView = (
  { e, k, epochId, t, members }: EpochRecord,
  standing: CommitteeView['standing'],
): CommitteeView => ({
  epoch: { e, k },
  epochId,
  t,
  members: members.map(entryOf),
  others: [],
  standing,
})

const entryOf = ({ index, guestSig, peerId, label }: Member): ViewMember => ({
  index,
  guestSig,
  peerId,
  label,
})

/**
 * Who takes part, as the guest last said (03 §4.1): everything on the host side that has to do with members asks here.
 * A host proves nothing by it; guests know whom they talk to by themselves.
 */
export class Roster {
  readonly #guestSig: Uint8Array | null
  readonly #listeners = new Set<() => void>()
  #view: CommitteeView
  #byPeer: ReadonlyMap<PeerName, ViewMember> = new Map()
  #linked: ReadonlyMap<PeerName, number> = new Map()

  /** `guestSig`: that of the own guest; null for a host without one. */
  constructor(view: CommitteeView, guestSig: Uint8Array | null) {
    this.#guestSig = guestSig
    this.#view = view
    this.#index()
  }

  get view(): CommitteeView {
    return this.#view
  }

  /** The epoch that serves; null: that of the genesis file. */
  get epoch(): EpochName | null {
    return this.#view.epoch
  }

  /** Members of the epoch that serves. */
  get members(): readonly ViewMember[] {
    return this.#view.members
  }

  get threshold(): number {
    return this.#view.t
  }

  /** The own entry: of the epoch that serves, else of whatever this guest takes part in. */
  get me(): ViewMember | undefined {
    const own = this.#guestSig
    return own === null ? undefined : this.#everybody().find((one) => sameBytes(one.guestSig, own))
  }

  /** Members, leavers, newcomers and joiners, each peer once. */
  get everybody(): readonly ViewMember[] {
    return [...this.#byPeer.values()]
  }

  /** Whom this host has links with: everybody with an index, if it has one itself. */
  get linked(): ReadonlyMap<PeerName, number> {
    return this.#linked
  }

  isKnown(peer: PeerName): boolean {
    return this.#byPeer.has(peer)
  }

  ofPeer(peer: PeerName): ViewMember | undefined {
    return this.#byPeer.get(peer)
  }

  ofGuest(guestSig: Uint8Array): ViewMember | undefined {
    return this.#everybody().find((one) => sameBytes(one.guestSig, guestSig))
  }

  /** Where a party may be: two places while an update of its entry is attempted, that of the serving epoch first. */
  peersOf(party: number): readonly PeerName[] {
    return this.#everybody().flatMap(({ index, peerId }) => (index === party ? [peerId] : []))
  }

  /** Takes what the guest says from now on. */
  follow(view: CommitteeView): void {
    this.#view = view
    this.#index()
    for (const tell of this.#listeners) tell()
  }

  /** Told after every change; gives the way to stop it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #everybody(): readonly ViewMember[] {
    return [...this.#view.members, ...this.#view.others]
  }

  #index(): void {
    // What serves wins: a newcomer of an attempt may yet be another one.
    this.#byPeer = new Map(
      this.#everybody()
        .toReversed()
        .map((one) => [one.peerId, one]),
    )
    const me = this.me
    const takesPart = this.#guestSig === null || (me !== undefined && me.index > 0)
    this.#linked = new Map(
      [...this.#byPeer.values()]
        .filter(({ index, peerId }) => takesPart && index > 0 && peerId !== me?.peerId)
        .map(({ index, peerId }) => [peerId, index]),
    )
  }
}
