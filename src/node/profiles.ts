export type ProfileName = 'local' | 'lan' | 'public'

/** What differs between networks, as data (spec "Network", 07 §2.2). */
export interface Profile {
  readonly listen: readonly string[]
  /** `passthrough` keeps private addresses: without it the tables of a LAN stay empty. */
  readonly addresses: 'passthrough' | 'public-only'
  /** Whether addresses learnt from others may be private; the operator's own list always may. */
  readonly dialPrivate: boolean
  /** New connections per second from one IP; libp2p drops the rest in silence. */
  readonly inboundConnectionThreshold: number
}

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  local: {
    listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
    addresses: 'passthrough',
    dialPrivate: true,
    inboundConnectionThreshold: 1000, // a whole testnet starts behind one address
  },
  lan: {
    listen: ['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/tcp/4002/ws'],
    addresses: 'passthrough',
    dialPrivate: true,
    inboundConnectionThreshold: 100,
  },
  public: {
    listen: ['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/tcp/4002/ws', '/ip6/::/tcp/4001'],
    addresses: 'public-only',
    dialPrivate: false,
    inboundConnectionThreshold: 20,
  },
}
