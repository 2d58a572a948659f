import type { Connection } from '@libp2p/interface'
import { FrameChannel } from '../channels/frame-channel.ts'
import {
  COMMITTEE_FRAMES,
  COMMITTEE_PROTOCOL,
  type CommitteeRequest,
  decodeHistory,
  decodeJoined,
  decodeNewest,
  encodeRequest,
} from './exchange.ts'

const EXCHANGE_MS = 10_000

/** The genesis bytes that the peer of a connection has; not checked. Throws `ChannelError` or the signal's reason. */
export const askGenesis = (connection: Connection, signal: AbortSignal): Promise<Uint8Array> =>
  exchange(connection, { ask: 'genesis' }, signal)

/** Bytes of the newest `published` that the peer knows; not checked. Throws as `askGenesis`, and `DecodeError`. */
export const askNewest = async (
  connection: Connection,
  signal: AbortSignal,
): Promise<Uint8Array | null> => decodeNewest(await exchange(connection, { ask: 'newest' }, signal))

/** Certificates of epochs from `e` on, some of them; not checked. Throws as `askNewest`. */
export const askHistory = async (
  connection: Connection,
  e: number,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> =>
  decodeHistory(await exchange(connection, { ask: 'history', e }, signal), e)

/** Leaves a signed join with the peer; false: it does not take it. Throws as `askNewest`. */
export const offerJoin = async (
  connection: Connection,
  join: Uint8Array,
  signal: AbortSignal,
): Promise<boolean> => decodeJoined(await exchange(connection, { ask: 'join', join }, signal))

async function exchange(
  connection: Connection,
  request: Exclude<CommitteeRequest, { ask: 'letters' }>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(EXCHANGE_MS)])
  const stream = await connection.newStream(COMMITTEE_PROTOCOL, { signal: bounded })
  const channel = new FrameChannel(stream, COMMITTEE_FRAMES)
  try {
    await channel.write(encodeRequest(request))
    const answer = await channel.read(bounded)
    await channel.close(bounded)
    return answer
  } catch (error) {
    channel.abort('CANCELLED')
    throw error
  }
}
